//! The CLIP tower of a small Vary-toy learns from captions.
//!
//! The paper takes CLIP as OpenAI trained it, on captions and their images. Here a language model
//! reads the tower's tokens and describes a drawn scene. Then tower and language model become part
//! of a Vary-toy, where the tower is frozen.

use std::path::Path;

use burn::module::Module;
use burn::nn::{Linear, LinearConfig};
use burn::prelude::*;
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use vary_core::checkpoint::{self, KeyMap, SaveOptions};
use vary_core::model::{Family, ImagePlaceholder, VaryModel, VaryToyConfig};
use vary_core::prompt::Message;
use vary_core::prompt::labels::{Labelled, answers};
use vary_core::train::{Loss, Objective, Step, answer_loss, learned_labels};
use vary_data::scenes::{Atlas, SceneConfig, draw};
use vary_lm::LanguageModel;
use vary_lm::qwen::Qwen;
use vary_lm::tokenizer::Tokenizer;
use vary_vision::clip::ClipVision;
use vary_vision::preprocess::ImageProcessor;

use crate::objective::batched;
use crate::questions::{Objects, Question};

/// A CLIP tower whose tokens are all that a language model sees.
#[derive(Module, Debug)]
pub struct Captioner {
    /// Language model.
    pub qwen: Qwen,
    /// CLIP tokens to the width of the language model.
    pub mm_projector: Linear,
    /// CLIP's vision tower.
    pub vision_tower: ClipVision,
    #[module(skip)]
    select_layer: isize,
    #[module(skip)]
    placeholder: ImagePlaceholder,
    #[module(skip)]
    processors: [ImageProcessor; 1],
}

impl Captioner {
    /// The language model and the CLIP tower of a Vary-toy, with random weights.
    pub fn new(config: &VaryToyConfig, device: &Device) -> Self {
        let (clip, qwen) = (&config.clip_config, &config.qwen);
        let [processor, _] = config.processors();
        Self {
            qwen: qwen.init(device),
            mm_projector: LinearConfig::new(clip.hidden_size, qwen.hidden_size).init(device),
            vision_tower: clip.init(device),
            select_layer: config.vision_select_layer,
            placeholder: config.image_placeholder(),
            processors: [processor],
        }
    }
}

impl VaryModel for Captioner {
    fn language_model(&self) -> &dyn LanguageModel {
        &self.qwen
    }

    fn image_placeholder(&self) -> ImagePlaceholder {
        self.placeholder
    }

    fn processors(&self) -> &[ImageProcessor] {
        &self.processors
    }

    fn save_weights(&self, path: &Path, options: &SaveOptions) -> vary_core::Result<()> {
        checkpoint::save(self, &KeyMap::new(), path, options)
    }

    fn encode_pixels(&self, mut pixels: Vec<Tensor<4>>) -> Tensor<3> {
        let tokens = self
            .vision_tower
            .forward(pixels.remove(0), self.select_layer);
        self.mm_projector.forward(tokens)
    }
}

/// Learns to describe drawn scenes.
pub struct Captions {
    /// What scenes look like. Of a crowd, and of a scene without objects, a class is counted.
    pub scenes: SceneConfig,
    /// Sprites.
    pub atlas: Atlas,
    /// Tokenizer of the model.
    pub tokenizer: Tokenizer,
    /// The model's sizes.
    pub model: VaryToyConfig,
    /// Seed of the scenes.
    pub seed: u64,
}

/// A scene made ready for batching, and its caption.
#[derive(Debug)]
pub struct Caption {
    pixels: Vec<f32>,
    text: Labelled,
}

impl Objective for Captions {
    type Model = Captioner;
    type Sample = Caption;

    fn sample(&self, index: u64) -> vary_core::Result<Caption> {
        let names = self.atlas.names();
        let scene = draw(&self.scenes, &self.atlas, self.seed, index);
        let mut rng = ChaCha8Rng::seed_from_u64(self.seed);
        rng.set_stream(index);
        let objects = Objects::from(&scene);
        let question = Question::describe(objects, names)
            .unwrap_or_else(|| Question::count(objects, names, &mut rng));
        let messages = [
            Message::human(format!("<image>\n{}", question.prompt)),
            Message::gpt(question.answer),
        ];
        let template = Family::VaryToy.prompt_style().template;
        let max_len = Some(self.model.qwen.max_position_embeddings);
        let len = self.model.image_token_len;
        let encode = |text: &str| Ok(self.tokenizer.encode(text, true)?);
        let [processor, _] = self.model.processors();
        Ok(Caption {
            pixels: processor.pixels(&scene.image)?,
            text: answers(&template, &messages, len, max_len, encode)?,
        })
    }

    /// What the loss does not reach: the layers beyond the one whose output is used.
    fn freeze(&self, mut model: Captioner, _step: u64) -> Captioner {
        let clip = &mut model.vision_tower;
        let used = clip.layers_up_to(model.select_layer);
        let beyond = clip.encoder.layers.split_off(used);
        let beyond = beyond.into_iter().map(Module::no_grad);
        clip.encoder.layers.extend(beyond);
        clip.post_layernorm = clip.post_layernorm.clone().no_grad();
        model
    }

    fn loss(
        &self,
        model: &Captioner,
        micro: &[Caption],
        step: Step<'_, Caption>,
    ) -> vary_core::Result<Loss> {
        let pixels = micro.iter().map(|c| &c.pixels[..]);
        let pixels = batched(pixels, model.processors[0].size, &model.qwen.device());
        let tokens = model.encode_pixels(vec![pixels]);
        let ids: Vec<_> = micro.iter().map(|c| c.text.ids.clone()).collect();
        let labels: Vec<_> = micro.iter().map(|c| c.text.labels.clone()).collect();
        let learned = step.samples.iter().map(|c| learned_labels(&c.text.labels));
        Ok(Loss {
            total: answer_loss(model, &ids, &labels, Some(tokens), learned.sum())?,
            parts: vec![],
        })
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::panic)]
mod tests {
    use super::*;
    use crate::recipe::Preset;
    use burn::optim::GradientsParams;
    use vary_core::model::ModelConfig;
    use vary_core::train::draw_parameters;

    fn captions(preset: Preset) -> Captions {
        let atlas = Atlas::embedded().unwrap();
        let names: Vec<&str> = atlas.names().iter().map(String::as_str).collect();
        let tokenizer = preset.tokenizer(&names).unwrap();
        let ModelConfig::VaryToy(model) = preset.model(tokenizer.vocab_size()) else {
            panic!("a preset of the second stage");
        };
        Captions {
            scenes: SceneConfig {
                size: 64,
                ..SceneConfig::default()
            },
            atlas,
            tokenizer,
            model,
            seed: 4,
        }
    }

    #[test]
    fn captions_alone_are_learned() {
        let captions = captions(Preset::ToyNano);
        let mut sentences = 0;
        for index in 0..30 {
            let caption = captions.sample(index).unwrap();
            assert_eq!(caption.text, captions.sample(index).unwrap().text);
            let [of_clip, _] = captions.model.processors();
            assert_eq!(caption.pixels.len(), 3 * of_clip.size * of_clip.size);
            let learned = caption.text.labels.iter().filter(|&&label| label >= 0);
            let learned: Vec<u32> = learned.map(|&label| label as u32).collect();
            let answer = captions.tokenizer.decode(&learned, false).unwrap();
            let answer = answer.strip_suffix("<|im_end|>").unwrap();
            let scene = draw(&captions.scenes, &captions.atlas, captions.seed, index);
            let described = Question::describe(Objects::from(&scene), captions.atlas.names());
            match described {
                Some(described) => assert_eq!(answer, described.answer),
                None => assert!(answer.parse::<usize>().is_ok(), "{answer}"),
            }
            sentences += usize::from(answer.ends_with('.'));
        }
        assert!(sentences > 15, "{sentences}");
    }

    #[test]
    fn unused_layers_are_frozen() {
        let captions = captions(Preset::ToyTiny);
        let device = Device::flex().autodiff();
        let model = Captioner::new(&captions.model, &device);
        draw_parameters(&model);
        let samples: Vec<_> = (0..2).map(|i| captions.sample(i).unwrap()).collect();
        let step = Step {
            index: 0,
            samples: &samples,
        };
        let model = captions.freeze(model, 0).fork(&device);
        let loss = captions.loss(&model, &samples, step).unwrap();
        let grads = GradientsParams::from_grads(loss.total.backward(), &model);
        let layers = &model.vision_tower.encoder.layers;
        let reached: Vec<bool> = layers
            .iter()
            .map(|layer| grads.get::<2>(layer.mlp.fc1.weight.id).is_some())
            .collect();
        assert_eq!(reached, [true, true, false]);
        let clip = &model.vision_tower.embeddings.patch_embedding;
        assert!(grads.get::<4>(clip.weight.id).is_some());
        assert!(grads.get::<2>(model.mm_projector.weight.id).is_some());
    }
}

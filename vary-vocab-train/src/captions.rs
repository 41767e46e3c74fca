//! The CLIP tower of a small Vary-toy learns from captions.
//!
//! The paper takes CLIP as OpenAI trained it, on captions and their pictures. Here a language model
//! reads the tower's tokens and says what a drawn scene shows; tower and language model go on into
//! Vary-toy, where the tower rests.

use burn::module::Module;
use burn::nn::{Linear, LinearConfig};
use burn::prelude::*;
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use vary_core::model::{Family, ImagePlace, VaryModel, VaryToyConfig};
use vary_core::prompt::labels::{Labelled, answers};
use vary_core::prompt::{Message, Template};
use vary_core::train::{Loss, Objective, Step, answer_loss, learned_labels};
use vary_lm::LanguageModel;
use vary_lm::qwen::Qwen;
use vary_lm::tokenizer::Tokenizer;
use vary_vision::clip::{ClipVision, EncoderLayer};
use vary_vision::preprocess::ImageProcessor;

use crate::questions::{Objects, Question};
use crate::scenes::{Atlas, SceneConfig, draw};

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
    place: ImagePlace,
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
            place: config.image_place(),
            processors: [processor],
        }
    }
}

impl VaryModel for Captioner {
    fn language_model(&self) -> &dyn LanguageModel {
        &self.qwen
    }

    fn image_place(&self) -> ImagePlace {
        self.place
    }

    fn processors(&self) -> &[ImageProcessor] {
        &self.processors
    }

    fn encode_pixels(&self, mut pixels: Vec<Tensor<4>>) -> Tensor<3> {
        let tokens = self
            .vision_tower
            .forward(pixels.remove(0), self.select_layer);
        self.mm_projector.forward(tokens)
    }
}

/// Learns to say what drawn scenes show.
pub struct Captions {
    /// What scenes look like. Those of a crowd are asked for the number of a class.
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

/// A scene made ready for batching, and what is said of it.
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
        let template = Template::of(Family::VaryToy);
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
    fn rest(&self, mut model: Captioner, _step: u64) -> Captioner {
        let clip = &mut model.vision_tower;
        let layers = std::mem::take(&mut clip.encoder.layers);
        let used = match model.select_layer {
            layer if layer < 0 => layers.len() as isize + 1 + layer,
            layer => layer,
        };
        let rest = |(i, layer): (usize, EncoderLayer)| match (i as isize) < used {
            true => layer,
            false => layer.no_grad(),
        };
        clip.encoder.layers = layers.into_iter().enumerate().map(rest).collect();
        clip.post_layernorm = clip.post_layernorm.clone().no_grad();
        model
    }

    fn loss(
        &self,
        model: &Captioner,
        micro: &[Caption],
        step: Step<'_, Caption>,
    ) -> vary_core::Result<Loss> {
        let size = model.processors[0].size;
        let values: Vec<f32> = micro.iter().flat_map(|c| c.pixels.clone()).collect();
        let shape = [micro.len(), 3, size, size];
        let pixels = Tensor::from_data(TensorData::new(values, shape), &model.qwen.device());
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

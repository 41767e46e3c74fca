use std::path::Path;

use burn::nn::{Linear, LinearConfig};
use burn::prelude::*;
use vary_lm::LanguageModel;
use vary_lm::qwen::{self, Qwen};
use vary_vision::clip::{self, ClipVision};
use vary_vision::preprocess::ImageProcessor;
use vary_vision::vocab::{self, VisionVocabulary};

use super::splice::ImagePlace;
use super::{VaryModel, VaryToyConfig, config_dir, for_towers};
use crate::Result;
use crate::checkpoint::{self, CheckpointFiles, KeyMap, Precision, SaveOptions};

/// Vary-toy: CLIP and the vision vocabulary, a projector each, and Qwen (arXiv 2401.12503, section
/// 3.2).
///
/// Field names are those of the official checkpoint, without its `transformer.` prefix, but for
/// `qwen`, whose fields stand beside the towers there.
///
/// Both towers are frozen, as in the released code whatever its options say: they are on the device
/// without autodiff, and their tokens enter as constants.
#[derive(Module, Debug)]
pub struct VaryToy {
    /// Language model. First, so that the device of the model's first parameter is that of the
    /// trained ones.
    pub qwen: Qwen,
    /// CLIP tokens to half the width of the language model.
    pub mm_projector: Linear,
    /// Vocabulary tokens to the other half.
    pub mm_projector_vary: Linear,
    /// CLIP's vision tower.
    pub vision_tower: ClipVision,
    /// Vision vocabulary network.
    pub vision_tower_high: VisionVocabulary,
    #[module(skip)]
    select_layer: isize,
    #[module(skip)]
    place: ImagePlace,
    #[module(skip)]
    processors: [ImageProcessor; 2],
}

impl VaryToyConfig {
    /// Makes the model with random weights, drawn when first used.
    pub fn init(&self, device: &Device) -> VaryToy {
        let half = self.qwen.hidden_size / 2;
        let frozen = device.clone().without_autodiff();
        let projector = |from| LinearConfig::new(from, half).init(device);
        VaryToy {
            qwen: self.qwen.init(device),
            mm_projector: projector(self.clip_config.hidden_size),
            mm_projector_vary: projector(self.sam_config.net_3_chans),
            vision_tower: self.clip_config.init(&frozen),
            vision_tower_high: self.sam_config.init(&frozen),
            select_layer: self.vision_select_layer,
            place: self.image_place(),
            processors: self.processors(),
        }
    }
}

impl VaryToy {
    /// Official names of the parameters.
    ///
    /// Older versions of transformers store CLIP's `position_ids`, which hold nothing.
    pub fn key_map() -> KeyMap {
        KeyMap::new()
            .part("qwen.lm_head.", &["lm_head."], &[])
            .part("qwen.", &["transformer."], qwen::KEYS)
            .part(
                "vision_tower.",
                &["transformer.vision_tower.vision_model."],
                clip::KEYS,
            )
            .part(
                "vision_tower_high.",
                &["transformer.vision_tower_high."],
                vocab::KEYS,
            )
            .part("mm_projector.", &["transformer.mm_projector."], &[])
            .part(
                "mm_projector_vary.",
                &["transformer.mm_projector_vary."],
                &[],
            )
            .ignore("position_ids")
    }

    /// Reads a checkpoint: a directory, or a single weight file whose `config.json` is beside it.
    ///
    /// # Errors
    /// Whatever is wrong with the files, the configuration, or their fit; see
    /// [`Error`](crate::Error).
    pub fn load(path: impl AsRef<Path>, device: &Device) -> Result<(Self, VaryToyConfig)> {
        let path = path.as_ref();
        let config: VaryToyConfig = checkpoint::read_config_json(config_dir(path))?;
        let files = CheckpointFiles::open(path)?;
        let model = Self::from_files(&config, &files, device, Precision::F32)?;
        Ok((model, config))
    }

    /// Reads the weights of a known configuration.
    ///
    /// # Errors
    /// Like [`load`](Self::load).
    pub fn from_files(
        config: &VaryToyConfig,
        files: &CheckpointFiles,
        device: &Device,
        precision: Precision,
    ) -> Result<Self> {
        config.validate()?;
        precision.check(device)?;
        let plan = precision
            .plan(&["qwen.h.", "qwen.lm_head."])
            .towers(&["vision_tower.", "vision_tower_high."])
            // A table that is the output head too is multiplied as a whole.
            .tables(match config.qwen.tie_word_embeddings {
                true => &[],
                false => &["qwen.wte."],
            });
        checkpoint::load_with(config.init(device), files, &Self::key_map(), &plan)
    }

    /// Writes `config.json` and `model.safetensors` into a directory, each atomically.
    ///
    /// # Errors
    /// [`Error::Io`](crate::Error::Io) naming the file.
    pub fn save(
        &self,
        config: &VaryToyConfig,
        dir: impl AsRef<Path>,
        options: &SaveOptions,
    ) -> Result<()> {
        checkpoint::save_dir(self, &Self::key_map(), config, dir.as_ref(), options)
    }

    /// CLIP tokens and vocabulary tokens of pictures, off the tape.
    ///
    /// # Shapes
    /// - clip: `[images, 3, image_size, image_size]`
    /// - high: `[images, 3, img_size, img_size]`
    /// - output: `[images, tokens, channels]` each
    pub fn tower_tokens(&self, clip: Tensor<4>, high: Tensor<4>) -> [Tensor<3>; 2] {
        let like = self.vision_tower_high.pos_embed.val();
        let ready = |pixels: Tensor<4>| pixels.without_autodiff().cast(like.dtype());
        let (clip, high) = (ready(clip), ready(high));
        // A trainer's copy of the model has the towers on the device with autodiff too.
        if like.is_autodiff() {
            return [
                self.vision_tower.valid().forward(clip, self.select_layer),
                self.vision_tower_high.valid().forward(high),
            ];
        }
        [
            self.vision_tower.forward(clip, self.select_layer),
            self.vision_tower_high.forward(high),
        ]
    }

    /// Encodes pictures to image tokens: CLIP's half of the channels first.
    ///
    /// # Shapes
    /// - clip: `[images, 3, image_size, image_size]`
    /// - high: `[images, 3, img_size, img_size]`
    /// - output: `[images, image_token_len, d_model]`
    pub fn encode(&self, clip: Tensor<4>, high: Tensor<4>) -> Tensor<3> {
        let [clip, high] = self.tower_tokens(clip, high);
        Tensor::cat(
            vec![
                self.mm_projector.forward(clip),
                self.mm_projector_vary.forward(high),
            ],
            2,
        )
    }
}

impl VaryModel for VaryToy {
    fn language_model(&self) -> &dyn LanguageModel {
        &self.qwen
    }

    fn image_place(&self) -> ImagePlace {
        self.place
    }

    fn processors(&self) -> &[ImageProcessor] {
        &self.processors
    }

    fn encode_pixels(&self, pixels: Vec<Tensor<4>>) -> Tensor<3> {
        let [clip, high] = for_towers(pixels);
        self.encode(clip, high)
    }
}

use std::path::Path;

use burn::nn::{Linear, LinearConfig};
use burn::prelude::*;
use vary_lm::LanguageModel;
use vary_lm::opt::Decoder;
use vary_vision::preprocess::ImageProcessor;
use vary_vision::vocab::{self, VisionVocabulary};

use super::splice::ImagePlace;
use super::{VaryModel, VaryTinyConfig, config_dir, for_towers, is_frozen};
use crate::Result;
use crate::checkpoint::{self, CheckpointFiles, KeyMap, Precision, SaveOptions};

/// Vary-tiny: the vision vocabulary, a projector and OPT (Vary, arXiv 2312.06109, section 3.2).
///
/// Field names are those of the official checkpoint, without its `model.` prefix.
#[derive(Module, Debug)]
pub struct VaryTiny {
    /// Vision vocabulary network.
    pub vision_tower: VisionVocabulary,
    /// Vocabulary tokens to the width of the language model.
    pub mm_projector: Linear,
    /// Language model.
    pub decoder: Decoder,
    #[module(skip)]
    place: ImagePlace,
    #[module(skip)]
    processor: ImageProcessor,
}

impl VaryTinyConfig {
    /// Makes the model with random weights, drawn when first used.
    pub fn init(&self, device: &Device) -> VaryTiny {
        VaryTiny {
            vision_tower: self.sam_config.init(device),
            mm_projector: LinearConfig::new(self.sam_config.net_3_chans, self.opt.hidden_size)
                .init(device),
            decoder: self.opt.init(device),
            place: self.image_place(),
            processor: self.processor(),
        }
    }
}

impl VaryTiny {
    /// Official names of the parameters.
    ///
    /// The tower is `vision_tower` in the Vary-toy repository and `vision_tower_2` in the older
    /// one; both are read, the first is written. The tied `lm_head.weight` is written too.
    pub fn key_map() -> KeyMap {
        KeyMap::new()
            .part(
                "vision_tower.",
                &["model.vision_tower.", "model.vision_tower_2."],
                vocab::KEYS,
            )
            .part("mm_projector.", &["model.mm_projector."], &[])
            .part("decoder.", &["model.decoder."], &[])
            .tie("lm_head.weight", "model.decoder.embed_tokens.weight")
    }

    /// Reads a checkpoint: a directory, or a single weight file whose `config.json` is beside it.
    ///
    /// # Errors
    /// Whatever is wrong with the files, the configuration, or their fit; see [`Error`](crate::Error).
    pub fn load(path: impl AsRef<Path>, device: &Device) -> Result<(Self, VaryTinyConfig)> {
        let path = path.as_ref();
        let config: VaryTinyConfig = checkpoint::read_config_json(config_dir(path))?;
        let files = CheckpointFiles::open(path)?;
        let model = Self::from_files(&config, &files, device, Precision::F32)?;
        Ok((model, config))
    }

    /// Reads the weights of a known configuration.
    ///
    /// # Errors
    /// Like [`load`](Self::load).
    pub fn from_files(
        config: &VaryTinyConfig,
        files: &CheckpointFiles,
        device: &Device,
        precision: Precision,
    ) -> Result<Self> {
        config.validate()?;
        precision.check(device)?;
        let plan = precision
            .plan(&["decoder.layers."])
            .towers(&["vision_tower."]);
        checkpoint::load_with(config.init(device), files, &Self::key_map(), &plan)
    }

    /// Writes `config.json` and `model.safetensors` into a directory, each atomically.
    ///
    /// # Errors
    /// [`Error::Io`](crate::Error::Io) naming the file.
    pub fn save(
        &self,
        config: &VaryTinyConfig,
        dir: impl AsRef<Path>,
        options: &SaveOptions,
    ) -> Result<()> {
        checkpoint::save_dir(self, &Self::key_map(), config, dir.as_ref(), options)
    }

    /// Encodes pictures to image tokens. A frozen tower runs off the tape.
    ///
    /// # Shapes
    /// - pixels: `[images, 3, img_size, img_size]`
    /// - output: `[images, image_token_len, d_model]`
    pub fn encode(&self, pixels: Tensor<4>) -> Tensor<3> {
        let like = self.vision_tower.pos_embed.val();
        let pixels = pixels.cast(like.dtype());
        let tokens = match like.is_autodiff() && is_frozen(&self.vision_tower) {
            true => (self.vision_tower.valid()).forward(pixels.without_autodiff()),
            false => self.vision_tower.forward(pixels),
        };
        self.mm_projector.forward(tokens)
    }
}

impl VaryModel for VaryTiny {
    fn language_model(&self) -> &dyn LanguageModel {
        &self.decoder
    }

    fn image_place(&self) -> ImagePlace {
        self.place
    }

    fn processors(&self) -> &[ImageProcessor] {
        std::slice::from_ref(&self.processor)
    }

    fn encode_pixels(&self, pixels: Vec<Tensor<4>>) -> Tensor<3> {
        let [pixels] = for_towers(pixels);
        self.encode(pixels)
    }
}

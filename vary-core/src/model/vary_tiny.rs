use std::path::Path;

use burn::nn::{Linear, LinearConfig};
use burn::prelude::*;
use vary_lm::LanguageModel;
use vary_lm::opt::Decoder;
use vary_vision::preprocess::ImageProcessor;
use vary_vision::vocab::{self, VisionVocabulary};

use super::splice::ImagePlaceholder;
use super::{FamilyModel, VaryModel, VaryTinyConfig, for_towers, project};
use crate::Result;
use crate::checkpoint::{self, KeyMap, SaveOptions};

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
    placeholder: ImagePlaceholder,
    #[module(skip)]
    processor: ImageProcessor,
}

impl VaryTiny {
    pub(super) fn new(config: &VaryTinyConfig, device: &Device) -> Self {
        let (tower, opt) = (&config.sam_config, &config.opt);
        Self {
            vision_tower: tower.init(device),
            mm_projector: LinearConfig::new(tower.net_3_chans, opt.hidden_size).init(device),
            decoder: opt.init(device),
            placeholder: config.image_placeholder(),
            processor: config.processor(),
        }
    }

    /// Encodes images to image tokens. A frozen tower runs off the tape.
    ///
    /// # Shapes
    /// - pixels: `[images, 3, img_size, img_size]`
    /// - output: `[images, image_token_len, d_model]`
    pub fn encode(&self, pixels: Tensor<4>) -> Tensor<3> {
        project(&self.vision_tower, &self.mm_projector, pixels)
    }
}

impl VaryModel for VaryTiny {
    fn language_model(&self) -> &dyn LanguageModel {
        &self.decoder
    }

    fn image_placeholder(&self) -> ImagePlaceholder {
        self.placeholder
    }

    fn processors(&self) -> &[ImageProcessor] {
        std::slice::from_ref(&self.processor)
    }

    fn encode_pixels(&self, pixels: Vec<Tensor<4>>) -> Tensor<3> {
        let [pixels] = for_towers(pixels);
        self.encode(pixels)
    }

    fn save_weights(&self, path: &Path, options: &SaveOptions) -> Result<()> {
        checkpoint::save(self, &self.key_map(), path, options)
    }
}

impl FamilyModel for VaryTiny {
    type Config = VaryTinyConfig;
    const TOWERS: &'static [&'static str] = &["vision_tower"];
    const VISION_VOCABULARY: &'static str = "vision_tower";
    const LANGUAGE_MODEL: &'static str = "decoder";

    fn vision_vocabulary(&self) -> (&VisionVocabulary, &Linear) {
        (&self.vision_tower, &self.mm_projector)
    }

    fn set_vision_vocabulary(&mut self, tower: VisionVocabulary) {
        self.vision_tower = tower;
    }

    /// The tower is `vision_tower` in the Vary-toy repository and `vision_tower_2` in the older
    /// one; both are read, the first is written. The tied `lm_head.weight` is written too.
    fn key_map(&self) -> KeyMap {
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
}

use std::path::Path;

use burn::nn::{Linear, LinearConfig};
use burn::prelude::*;
use vary_lm::LanguageModel;
use vary_lm::qwen::{QWEN2_KEYS, Qwen};
use vary_vision::preprocess::ImageProcessor;
use vary_vision::vocab::{self, VisionVocabulary};

use super::splice::ImagePlaceholder;
use super::{FamilyConfig, FamilyModel, GotLayout, GotOcr2Config, VaryModel, for_towers, project};
use crate::Result;
use crate::checkpoint::{self, KeyMap, KeyRows, SaveOptions};

/// GOT-OCR2.0: the vision vocabulary, a projector and a decoder of Qwen2's kind (arXiv 2409.01704).
///
/// Field names are those of the original checkpoint, without its `model.` prefix, but for `qwen`,
/// whose fields stand beside the tower there.
#[derive(Module, Debug)]
pub struct GotOcr2 {
    /// Language model.
    pub qwen: Qwen,
    /// Vocabulary tokens to the width of the language model.
    pub mm_projector_vary: Linear,
    /// Vision vocabulary network.
    pub vision_tower_high: VisionVocabulary,
    #[module(skip)]
    layout: GotLayout,
    #[module(skip)]
    placeholder: ImagePlaceholder,
    #[module(skip)]
    processor: ImageProcessor,
}

impl GotOcr2 {
    pub(super) fn new(config: &GotOcr2Config, device: &Device) -> Self {
        let (tower, width) = (&config.sam_config, config.text_config.hidden_size);
        Self {
            qwen: config.qwen().init(device),
            mm_projector_vary: LinearConfig::new(tower.net_3_chans, width).init(device),
            vision_tower_high: tower.init(device),
            layout: config.layout,
            placeholder: config.image_placeholder,
            processor: config.processor(),
        }
    }

    /// The same, to be saved in another layout.
    #[must_use]
    pub fn with_layout(mut self, layout: GotLayout) -> Self {
        self.layout = layout;
        self
    }

    /// Encodes images to image tokens. A frozen tower runs off the tape.
    ///
    /// # Shapes
    /// - pixels: `[images, 3, img_size, img_size]`
    /// - output: `[images, image_token_len, d_model]`
    pub fn encode(&self, pixels: Tensor<4>) -> Tensor<3> {
        project(&self.vision_tower_high, &self.mm_projector_vary, pixels)
    }
}

impl VaryModel for GotOcr2 {
    fn language_model(&self) -> &dyn LanguageModel {
        &self.qwen
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

impl FamilyModel for GotOcr2 {
    type Config = GotOcr2Config;
    const TOWERS: &'static [&'static str] = &["vision_tower_high"];
    const VISION_VOCABULARY: &'static str = "vision_tower_high";
    const LANGUAGE_MODEL: &'static str = "qwen";

    fn vision_vocabulary(&self) -> (&VisionVocabulary, &Linear) {
        (&self.vision_tower_high, &self.mm_projector_vary)
    }

    fn set_vision_vocabulary(&mut self, tower: VisionVocabulary) {
        self.vision_tower_high = tower;
    }

    /// `config.json` is written in the layout of the weights, which has to be able to hold it.
    fn save(
        &self,
        config: &GotOcr2Config,
        dir: impl AsRef<Path>,
        options: &SaveOptions,
    ) -> Result<()> {
        let config = config.clone().with_layout(self.layout);
        config.validate()?;
        checkpoint::save_dir(self, &self.key_map(), &config, dir.as_ref(), options)
    }

    /// Either layout is read; [`with_layout`](GotOcr2::with_layout) chooses the one that is
    /// written. The original stores the tied `lm_head.weight` too, transformers does not.
    fn key_map(&self) -> KeyMap {
        let from_original = self.layout == GotLayout::Original;
        let order = |original, transformers| match from_original {
            true => [original, transformers],
            false => [transformers, original],
        };
        let plain: KeyRows = &[];
        let part = |original: &'static str, transformers: &'static str| {
            order((original, plain), (transformers, plain))
        };
        let tower = order(
            ("model.vision_tower_high.", vocab::KEYS),
            ("vision_tower.", vocab::TRANSFORMERS_KEYS),
        );
        let decoder = order(
            ("model.", QWEN2_KEYS),
            ("language_model.model.", QWEN2_KEYS),
        );
        let projector = "multi_modal_projector.multimodal_projector.";
        let map = KeyMap::new()
            .part_as(
                "qwen.lm_head.",
                &part("lm_head.", "language_model.lm_head."),
            )
            .part_as("qwen.", &decoder)
            .part_as(
                "vision_tower_high.net_2.",
                &part(
                    "model.vision_tower_high.net_2.",
                    "multi_modal_projector.conv_upsampler1.",
                ),
            )
            .part_as(
                "vision_tower_high.net_3.",
                &part(
                    "model.vision_tower_high.net_3.",
                    "multi_modal_projector.conv_upsampler2.",
                ),
            )
            .part_as("vision_tower_high.", &tower)
            .part_as(
                "mm_projector_vary.",
                &part("model.mm_projector_vary.", projector),
            );
        match (self.qwen.lm_head.is_some(), from_original) {
            (true, _) => map,
            (false, true) => map
                .tie("lm_head.weight", "model.embed_tokens.weight")
                .accept("language_model.lm_head.weight", "model.embed_tokens.weight"),
            (false, false) => ["lm_head.weight", "language_model.lm_head.weight"]
                .iter()
                .fold(map, |map, alias| {
                    map.accept(alias, "language_model.model.embed_tokens.weight")
                }),
        }
    }
}

use std::path::Path;

use burn::nn::{Linear, LinearConfig};
use burn::prelude::*;
use vary_lm::LanguageModel;
use vary_lm::qwen::{self, Qwen};
use vary_vision::clip::{self, ClipVision};
use vary_vision::preprocess::ImageProcessor;
use vary_vision::vocab::{self, VisionVocabulary};

use super::splice::ImagePlaceholder;
use super::{FamilyModel, VaryModel, VaryToyConfig, for_towers};
use crate::Result;
use crate::checkpoint::{self, KeyMap, SaveOptions};

/// Vary-toy: CLIP and the vision vocabulary, a projector each, and Qwen (arXiv 2401.12503, section
/// 3.2).
///
/// Field names are those of the official checkpoint, without its `transformer.` prefix, but for
/// `qwen`, whose fields stand beside the towers there.
///
/// Both towers are frozen, as in the released code regardless of its options: they are on the
/// device without autodiff, and their tokens enter as constants.
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
    placeholder: ImagePlaceholder,
    #[module(skip)]
    processors: [ImageProcessor; 2],
}

impl VaryToy {
    pub(super) fn new(config: &VaryToyConfig, device: &Device) -> Self {
        let half = config.qwen.hidden_size / 2;
        let frozen = device.clone().without_autodiff();
        let projector = |from| LinearConfig::new(from, half).init(device);
        Self {
            qwen: config.qwen.init(device),
            mm_projector: projector(config.clip_config.hidden_size),
            mm_projector_vary: projector(config.sam_config.net_3_chans),
            vision_tower: config.clip_config.init(&frozen),
            vision_tower_high: config.sam_config.init(&frozen),
            select_layer: config.vision_select_layer,
            placeholder: config.image_placeholder(),
            processors: config.processors(),
        }
    }

    /// CLIP tokens and vocabulary tokens of images, off the tape.
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

    /// Encodes images to image tokens: CLIP's half of the channels first.
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

    fn image_placeholder(&self) -> ImagePlaceholder {
        self.placeholder
    }

    fn processors(&self) -> &[ImageProcessor] {
        &self.processors
    }

    fn encode_pixels(&self, pixels: Vec<Tensor<4>>) -> Tensor<3> {
        let [clip, high] = for_towers(pixels);
        self.encode(clip, high)
    }

    fn save_weights(&self, path: &Path, options: &SaveOptions) -> Result<()> {
        checkpoint::save(self, &self.key_map(), path, options)
    }
}

impl FamilyModel for VaryToy {
    type Config = VaryToyConfig;
    const TOWERS: &'static [&'static str] = &["vision_tower", "vision_tower_high"];
    const VISION_VOCABULARY: &'static str = "vision_tower_high";
    const LANGUAGE_MODEL: &'static str = "qwen";

    fn vision_vocabulary(&self) -> (&VisionVocabulary, &Linear) {
        (&self.vision_tower_high, &self.mm_projector_vary)
    }

    fn set_vision_vocabulary(&mut self, tower: VisionVocabulary) {
        self.vision_tower_high = tower;
    }

    /// A trainer's copy of the model has the frozen tower on the device with autodiff too.
    fn trained_tower(&self) -> Option<(&VisionVocabulary, &Linear)> {
        None
    }

    /// Older versions of transformers store CLIP's `position_ids`, which hold nothing.
    fn key_map(&self) -> KeyMap {
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
}

use burn::prelude::*;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use vary_lm::qwen::QwenConfig;
use vary_lm::tokenizer::{END_OF_TEXT, IM_END};
use vary_vision::clip::ClipVisionConfig;
use vary_vision::preprocess::ImageProcessor;
use vary_vision::vocab::VisionVocabularyConfig;

use super::family::{FamilyConfig, ModelInfo, VARY_TYPES, check_model_type, model_type};
use super::splice::ImagePlaceholder;
use super::{Family, VaryToy};
use crate::checkpoint::{Precision, PrecisionPlan};
use crate::{Error, Result};

/// Configuration of [`VaryToy`](super::VaryToy), the content of a checkpoint's `config.json`.
///
/// Qwen's fields stand at the top level. The released code has the sizes of the towers and the ids
/// of the image tokens built in, so a file without them means those of the published model.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct VaryToyConfig {
    /// `vary`, or `mmgpt` as in the published files.
    #[serde(default = "model_type")]
    pub model_type: String,
    /// Class names of the original; for other programs.
    #[serde(default = "architectures")]
    pub architectures: Vec<String>,
    /// The language model.
    #[serde(flatten)]
    pub qwen: QwenConfig,
    /// The CLIP tower.
    #[serde(default = "ClipVisionConfig::large_patch14_224")]
    pub clip_config: ClipVisionConfig,
    /// The vision vocabulary network.
    #[serde(default = "VisionVocabularyConfig::sam_base")]
    pub sam_config: VisionVocabularyConfig,
    /// Hidden state of CLIP that is used, as Hugging Face counts them: 0 is the embedding, -2 the
    /// output of the last layer but one.
    #[serde(default = "select_layer")]
    pub vision_select_layer: isize,
    /// Id of `<imgpad>`, whose embedding gives way to an image token.
    #[serde(default = "patch_token")]
    pub im_patch_token: u32,
    /// Id of `<img>`.
    #[serde(default = "start_token")]
    pub im_start_token: u32,
    /// Id of `</img>`.
    #[serde(default = "end_token")]
    pub im_end_token: u32,
    /// Tokens of one image.
    #[serde(default = "token_len")]
    pub image_token_len: usize,
}

fn architectures() -> Vec<String> {
    vec!["varyQwenForCausalLM".into()]
}

fn select_layer() -> isize {
    -2
}

// `vary_toy_qwen1_8.py` of the released code has these ids built in.
fn start_token() -> u32 {
    151_857
}

fn end_token() -> u32 {
    151_858
}

fn patch_token() -> u32 {
    151_859
}

fn token_len() -> usize {
    256
}

impl VaryToyConfig {
    /// The published Vary-toy (arXiv 2401.12503, section 3.2): SAM-base vocabulary, CLIP-L/14 and
    /// Qwen-1.8B.
    pub fn vary_toy() -> Self {
        Self {
            model_type: model_type(),
            architectures: architectures(),
            qwen: QwenConfig::qwen_1_8b(),
            clip_config: ClipVisionConfig::large_patch14_224(),
            sam_config: VisionVocabularyConfig::sam_base(),
            vision_select_layer: select_layer(),
            im_patch_token: patch_token(),
            im_start_token: start_token(),
            im_end_token: end_token(),
            image_token_len: token_len(),
        }
    }

    /// The size of the embedded Vary-nano, for a tokenizer of `vocab_size` tokens. The image
    /// tokens are the last three of the vocabulary, in the order `<imgpad>`, `<img>`, `</img>`.
    pub fn nano(vocab_size: usize) -> Self {
        let end = vocab_size as u32;
        let sam_config = VisionVocabularyConfig::nano();
        Self {
            qwen: QwenConfig::nano(vocab_size),
            clip_config: ClipVisionConfig::nano(),
            im_patch_token: end.saturating_sub(3),
            im_start_token: end.saturating_sub(2),
            im_end_token: end.saturating_sub(1),
            image_token_len: sam_config.num_tokens(),
            sam_config,
            ..Self::vary_toy()
        }
    }

    /// A few ten thousand parameters, for tests. The image tokens are the last three of the
    /// vocabulary, in the order `<img>`, `</img>`, `<imgpad>`, as in the published tokenizer.
    pub fn tiny(vocab_size: usize) -> Self {
        let end = vocab_size as u32;
        let sam_config = VisionVocabularyConfig::tiny();
        Self {
            qwen: QwenConfig::tiny(vocab_size),
            clip_config: ClipVisionConfig::tiny(),
            im_start_token: end.saturating_sub(3),
            im_end_token: end.saturating_sub(2),
            im_patch_token: end.saturating_sub(1),
            image_token_len: sam_config.num_tokens(),
            sam_config,
            ..Self::vary_toy()
        }
    }

    /// Preprocessing of the input of each tower: CLIP's first.
    pub fn processors(&self) -> [ImageProcessor; 2] {
        [
            ImageProcessor::clip(self.clip_config.image_size),
            ImageProcessor::vary(self.sam_config.img_size),
        ]
    }

    /// Ids and length of an image placeholder.
    pub fn image_placeholder(&self) -> ImagePlaceholder {
        ImagePlaceholder {
            patch: self.im_patch_token,
            start: self.im_start_token,
            end: self.im_end_token,
            len: self.image_token_len,
        }
    }
}

impl FamilyConfig for VaryToyConfig {
    type Model = VaryToy;

    const FAMILY: Family = Family::VaryToy;

    const MODEL_TYPES: &'static [&'static str] = VARY_TYPES;

    fn recognizes(fields: &Value) -> bool {
        fields.get("kv_channels").is_some()
    }

    fn validate(&self) -> Result<()> {
        check_model_type(&self.model_type)?;
        self.sam_config.validate()?;
        self.clip_config.validate()?;
        self.clip_config.check_layer(self.vision_select_layer)?;
        self.qwen.validate()?;
        let (clip, vocab) = (self.clip_config.num_tokens(), self.sam_config.num_tokens());
        if clip != vocab {
            return Err(Error::Config(format!(
                "`clip_config` makes {clip} tokens and `sam_config` {vocab}; they are joined one \
                 to one"
            )));
        }
        // Each tower fills a half of the channels.
        if !self.qwen.hidden_size.is_multiple_of(2) {
            let width = self.qwen.hidden_size;
            return Err(Error::Config(format!("`hidden_size` {width} is odd")));
        }
        self.image_placeholder()
            .validate(self.qwen.vocab_size, vocab)
    }

    fn info(&self) -> ModelInfo<'_> {
        let image_placeholder = self.image_placeholder();
        ModelInfo {
            vocab_size: self.qwen.vocab_size,
            max_positions: self.qwen.max_position_embeddings,
            image_placeholder,
            sam_config: &self.sam_config,
            processors: self.processors().to_vec(),
            stop_tokens: &[IM_END, END_OF_TEXT],
            no_repeat_ngram: None,
            token_fields: image_placeholder.token_fields(),
        }
    }

    fn init(&self, device: &Device) -> VaryToy {
        VaryToy::new(self, device)
    }

    fn precision_plan(&self, precision: Precision) -> PrecisionPlan {
        precision
            .plan(&["qwen.h.", "qwen.lm_head."])
            .towers(&["vision_tower.", "vision_tower_high."])
            .tables(&["qwen.wte."])
    }
}

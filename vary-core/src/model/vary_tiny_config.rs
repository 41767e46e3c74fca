use burn::prelude::*;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use vary_lm::opt::OptConfig;
use vary_lm::tokenizer::EOS;
use vary_vision::preprocess::ImageProcessor;
use vary_vision::vocab::VisionVocabularyConfig;

use super::family::{FamilyConfig, ModelInfo, VARY_TYPES, check_model_type, model_type};
use super::splice::ImagePlaceholder;
use super::{Family, VaryTiny};
use crate::Result;
use crate::checkpoint::{Precision, PrecisionPlan};

/// Configuration of [`VaryTiny`](super::VaryTiny), the content of a checkpoint's `config.json`.
///
/// The fields of OPT stand at the top level, those of the vision vocabulary under `sam_config`. The
/// released code has the tower's sizes and the ids of the image tokens built in, so a file without
/// them means those of the published model.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct VaryTinyConfig {
    /// `vary`, or `mmgpt` as in the published files.
    #[serde(default = "model_type")]
    pub model_type: String,
    /// The language model.
    #[serde(flatten)]
    pub opt: OptConfig,
    /// The vision vocabulary network.
    #[serde(default = "VisionVocabularyConfig::sam_base")]
    pub sam_config: VisionVocabularyConfig,
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

// OPT's 50265 tokens and the three that Vary adds.
fn patch_token() -> u32 {
    50_265
}

fn start_token() -> u32 {
    50_266
}

fn end_token() -> u32 {
    50_267
}

fn token_len() -> usize {
    256
}

impl VaryTinyConfig {
    /// The published Vary-tiny+: SAM-base and OPT-125M with its 2048 positions (Vary-toy, arXiv
    /// 2401.12503, section 3.1; Vary, arXiv 2312.06109, section 3.2). For the 4096 of the paper see
    /// [`interpolate_positions`](vary_lm::opt::interpolate_positions).
    pub fn vary_tiny() -> Self {
        Self::new(VisionVocabularyConfig::sam_base(), OptConfig::opt_125m())
    }

    /// The size of Vary-nano's first stage, for a tokenizer of `vocab_size` tokens.
    pub fn nano(vocab_size: usize) -> Self {
        let opt = OptConfig {
            vocab_size,
            hidden_size: 256,
            ffn_dim: 640,
            num_hidden_layers: 3,
            num_attention_heads: 8,
            max_position_embeddings: 320,
            dropout: 0.0,
            ..OptConfig::opt_125m()
        };
        Self::new(VisionVocabularyConfig::nano(), opt)
    }

    /// A few thousand parameters, for tests.
    pub fn tiny(vocab_size: usize) -> Self {
        let opt = OptConfig {
            vocab_size,
            hidden_size: 16,
            ffn_dim: 32,
            num_hidden_layers: 2,
            num_attention_heads: 2,
            max_position_embeddings: 128,
            dropout: 0.0,
            ..OptConfig::opt_125m()
        };
        Self::new(VisionVocabularyConfig::tiny(), opt)
    }

    /// Joins the two networks; the image tokens are the last three of the vocabulary, in the order
    /// `<imgpad>`, `<img>`, `</img>`.
    pub fn new(sam_config: VisionVocabularyConfig, opt: OptConfig) -> Self {
        let end = opt.vocab_size as u32;
        Self {
            model_type: model_type(),
            im_patch_token: end.saturating_sub(3),
            im_start_token: end.saturating_sub(2),
            im_end_token: end.saturating_sub(1),
            image_token_len: sam_config.num_tokens(),
            sam_config,
            opt,
        }
    }

    /// Preprocessing of the tower's input.
    pub fn processor(&self) -> ImageProcessor {
        ImageProcessor::vary(self.sam_config.img_size)
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

impl FamilyConfig for VaryTinyConfig {
    type Model = VaryTiny;

    const FAMILY: Family = Family::VaryTiny;

    const MODEL_TYPES: &'static [&'static str] = VARY_TYPES;

    fn recognizes(fields: &Value) -> bool {
        fields.get("ffn_dim").is_some()
    }

    fn validate(&self) -> Result<()> {
        check_model_type(&self.model_type)?;
        self.sam_config.validate()?;
        self.opt.validate()?;
        self.image_placeholder()
            .validate(self.opt.vocab_size, self.sam_config.num_tokens())
    }

    fn info(&self) -> ModelInfo<'_> {
        let image_placeholder = self.image_placeholder();
        let mut token_fields = image_placeholder.token_fields();
        token_fields.push((EOS, "eos_token_id", self.opt.eos_token_id));
        ModelInfo {
            vocab_size: self.opt.vocab_size,
            max_positions: self.opt.max_position_embeddings,
            image_placeholder,
            sam_config: &self.sam_config,
            processors: vec![self.processor()],
            no_repeat_ngram: None,
            stop_tokens: &[EOS],
            token_fields,
        }
    }

    fn init(&self, device: &Device) -> VaryTiny {
        VaryTiny::new(self, device)
    }

    fn precision_plan(&self, precision: Precision) -> PrecisionPlan {
        precision
            .plan(&["decoder.layers."])
            .towers(&["vision_tower."])
    }
}

use std::num::NonZeroUsize;

use serde::{Deserialize, Serialize};
use vary_lm::opt::OptConfig;
use vary_vision::preprocess::ImageProcessor;
use vary_vision::vocab::VisionVocabularyConfig;

use super::splice::ImagePlace;
use crate::detection::ScoreMap;
use crate::{Error, Result};

/// Configuration of [`VaryTiny`](super::VaryTiny), the content of a checkpoint's `config.json`.
///
/// The fields of OPT stand at the top level, those of the vision vocabulary under `sam_config`. The
/// released code has the tower's sizes and the ids of the image tokens built in, so a file without
/// them means those of the published model.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct VaryTinyConfig {
    /// Always `vary`.
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
    /// Tokens of one picture.
    #[serde(default = "token_len")]
    pub image_token_len: usize,
    /// What scores of detections go through, where the checkpoint is calibrated.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub score_map: Option<ScoreMap>,
    /// How often a picture is read, see [`PipelineBuilder::readings`](crate::pipeline::PipelineBuilder::readings);
    /// `score_map` was fitted to as many.
    #[serde(default = "one_reading", skip_serializing_if = "is_one")]
    pub readings: NonZeroUsize,
}

/// The most readings of a picture that a model can be asked for.
pub const MAX_READINGS: usize = 10;

pub(super) fn check_readings(readings: NonZeroUsize) -> Result<()> {
    match readings.get() <= MAX_READINGS {
        true => Ok(()),
        false => Err(Error::Config(format!(
            "`readings` is {readings}; 1 to {MAX_READINGS} are possible"
        ))),
    }
}

pub(super) fn one_reading() -> NonZeroUsize {
    NonZeroUsize::MIN
}

pub(super) fn is_one(readings: &NonZeroUsize) -> bool {
    *readings == NonZeroUsize::MIN
}

fn model_type() -> String {
    "vary".into()
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

    /// A few thousand weights, for tests.
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
            score_map: None,
            readings: one_reading(),
        }
    }

    /// Checks that the parts fit each other.
    ///
    /// # Errors
    /// [`Error::Config`] or the part's own error, naming the field.
    pub fn validate(&self) -> Result<()> {
        self.sam_config.validate()?;
        self.opt.validate()?;
        check_readings(self.readings)?;
        if self.model_type != "vary" {
            return Err(Error::Config(format!(
                "`model_type` is `{}`, not `vary`: this is another family's checkpoint",
                self.model_type
            )));
        }
        self.image_place()
            .validate(self.opt.vocab_size, self.sam_config.num_tokens())
    }

    /// What pictures go through before the tower.
    pub fn processor(&self) -> ImageProcessor {
        ImageProcessor::vary(self.sam_config.img_size)
    }

    /// Ids and length of a picture's place in a prompt.
    pub fn image_place(&self) -> ImagePlace {
        ImagePlace {
            patch: self.im_patch_token,
            start: self.im_start_token,
            end: self.im_end_token,
            len: self.image_token_len,
        }
    }
}

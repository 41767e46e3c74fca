use std::num::NonZeroUsize;
use std::path::Path;

use burn::prelude::*;
use serde_json::Value;
use vary_vision::preprocess::ImageProcessor;
use vary_vision::vocab::VisionVocabularyConfig;

use super::splice::ImagePlace;
use super::{VaryModel, VaryTiny, VaryTinyConfig, VaryToy, VaryToyConfig};
use crate::checkpoint::{CheckpointFiles, Precision, parse_config_json};
use crate::detection::{MIN_SCORE, ScoreMap};
use crate::{Error, Result};

/// The families of models that a checkpoint can be of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Family {
    /// Vision vocabulary and OPT.
    VaryTiny,
    /// Vision vocabulary, CLIP and Qwen, Vary-nano among them.
    VaryToy,
}

/// Configuration of a model of either family.
#[derive(Debug, Clone, PartialEq)]
pub enum ModelConfig {
    /// See [`VaryTinyConfig`].
    VaryTiny(VaryTinyConfig),
    /// See [`VaryToyConfig`].
    VaryToy(VaryToyConfig),
}

/// A model of either family.
pub type AnyModel = Box<dyn VaryModel>;

impl ModelConfig {
    /// Reads the `config.json` of a checkpoint directory and finds out the family.
    ///
    /// # Errors
    /// [`Error::Io`], [`Error::ConfigField`] for a field of another form, [`Error::Config`] for
    /// another family's file.
    pub fn read(dir: impl AsRef<Path>) -> Result<Self> {
        let path = dir.as_ref().join("config.json");
        let text = std::fs::read(&path).map_err(|source| Error::io(&path, source))?;
        Self::parse(&path, &text)
    }

    /// Reads the text of a `config.json`; `path` is for messages.
    pub(crate) fn parse(path: &Path, text: &[u8]) -> Result<Self> {
        let fields: Value = parse_config_json(path, text)?;
        let named = |name: &str| fields.get(name).is_some();
        let model_type = fields.get("model_type").and_then(Value::as_str);
        // Both families call themselves `vary`: the language model's own fields tell them apart.
        if model_type.is_none_or(|name| name == "vary") {
            if named("ffn_dim") {
                return Ok(Self::VaryTiny(parse_config_json(path, text)?));
            }
            if named("kv_channels") {
                return Ok(Self::VaryToy(parse_config_json(path, text)?));
            }
        }
        let found = match model_type {
            Some("vary") | None => "has neither `ffn_dim` nor `kv_channels`".into(),
            Some(other) => format!("is of another family ({other})"),
        };
        Err(Error::Config(format!(
            "{} {found}; Vary has OPT's fields (`ffn_dim`, ..) or Qwen's (`kv_channels`, ..) and \
             `model_type` `vary`",
            path.display()
        )))
    }

    /// The family.
    pub fn family(&self) -> Family {
        match self {
            Self::VaryTiny(_) => Family::VaryTiny,
            Self::VaryToy(_) => Family::VaryToy,
        }
    }

    /// Rows of the token table.
    pub fn vocab_size(&self) -> usize {
        match self {
            Self::VaryTiny(config) => config.opt.vocab_size,
            Self::VaryToy(config) => config.qwen.vocab_size,
        }
    }

    /// Ids and length of a picture's place in a prompt.
    pub fn image_place(&self) -> ImagePlace {
        match self {
            Self::VaryTiny(config) => config.image_place(),
            Self::VaryToy(config) => config.image_place(),
        }
    }

    /// The vision vocabulary.
    pub fn sam_config(&self) -> &VisionVocabularyConfig {
        match self {
            Self::VaryTiny(config) => &config.sam_config,
            Self::VaryToy(config) => &config.sam_config,
        }
    }

    /// Edge in pixels of the square that the vision vocabulary sees.
    pub fn image_size(&self) -> usize {
        self.sam_config().img_size
    }

    /// What pictures go through before each of the towers, in the order of
    /// [`VaryModel::processors`].
    pub fn processors(&self) -> Vec<ImageProcessor> {
        match self {
            Self::VaryTiny(config) => vec![config.processor()],
            Self::VaryToy(config) => config.processors().to_vec(),
        }
    }

    /// Longest sequence of the language model.
    pub fn max_positions(&self) -> usize {
        match self {
            Self::VaryTiny(config) => config.opt.max_position_embeddings,
            Self::VaryToy(config) => config.qwen.max_position_embeddings,
        }
    }

    /// What scores of detections go through, where the checkpoint is calibrated.
    pub fn score_map(&self) -> Option<&ScoreMap> {
        match self {
            Self::VaryTiny(config) => config.score_map.as_ref(),
            Self::VaryToy(config) => config.score_map.as_ref(),
        }
    }

    /// How often a picture is read, see [`PipelineBuilder::readings`](crate::pipeline::PipelineBuilder::readings).
    pub fn readings(&self) -> NonZeroUsize {
        match self {
            Self::VaryTiny(config) => config.readings,
            Self::VaryToy(config) => config.readings,
        }
    }

    /// Lets pictures be read so often.
    pub fn set_readings(&mut self, readings: NonZeroUsize) {
        match self {
            Self::VaryTiny(config) => config.readings = readings,
            Self::VaryToy(config) => config.readings = readings,
        }
    }

    /// Most lines of a page that are read at a time, see [`PipelineBuilder::band_lines`](crate::pipeline::PipelineBuilder::band_lines);
    /// `None` where pages are read whole, as Vary-tiny+ does.
    pub fn band_lines(&self) -> Option<NonZeroUsize> {
        match self {
            Self::VaryTiny(_) => None,
            Self::VaryToy(config) => config.band_lines,
        }
    }

    /// Lets pages be read so many lines at a time, or whole. Without effect for Vary-tiny+.
    pub fn set_band_lines(&mut self, lines: Option<NonZeroUsize>) {
        if let Self::VaryToy(config) = self {
            config.band_lines = lines;
        }
    }

    /// The default of [`AnswerOptions::min_score`](crate::pipeline::AnswerOptions::min_score).
    pub fn min_score(&self) -> f32 {
        self.score_map().map_or(0.0, |_| MIN_SCORE)
    }

    /// Puts another score map, or none for weights that change, in the place of what there is.
    pub fn set_score_map(&mut self, score_map: Option<ScoreMap>) {
        match self {
            Self::VaryTiny(config) => config.score_map = score_map,
            Self::VaryToy(config) => config.score_map = score_map,
        }
    }

    /// Checks that the parts fit each other.
    ///
    /// # Errors
    /// Naming the field.
    pub fn validate(&self) -> Result<()> {
        match self {
            Self::VaryTiny(config) => config.validate(),
            Self::VaryToy(config) => config.validate(),
        }
    }

    /// Reads the weights.
    ///
    /// # Errors
    /// Whatever is wrong with the files, the configuration, or their fit.
    pub fn load(
        &self,
        files: &CheckpointFiles,
        device: &Device,
        precision: Precision,
    ) -> Result<AnyModel> {
        Ok(match self {
            Self::VaryTiny(config) => {
                Box::new(VaryTiny::from_files(config, files, device, precision)?)
            }
            Self::VaryToy(config) => {
                Box::new(VaryToy::from_files(config, files, device, precision)?)
            }
        })
    }
}

impl From<VaryTinyConfig> for ModelConfig {
    fn from(config: VaryTinyConfig) -> Self {
        Self::VaryTiny(config)
    }
}

impl From<VaryToyConfig> for ModelConfig {
    fn from(config: VaryToyConfig) -> Self {
        Self::VaryToy(config)
    }
}

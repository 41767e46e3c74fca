use std::io;
use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::checkpoint::{parse_config_json, write_json};
use crate::detection::{CalibrationMap, MIN_SCORE};
use crate::prompt::PromptVariant;
use crate::{Error, Result};

/// File name of an [`InferenceConfig`] in a checkpoint directory.
const FILE: &str = "inference_config.json";

/// Settings for inference that official files do not have: `inference_config.json` beside
/// `config.json`. Without the file all fields have their defaults.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct InferenceConfig {
    /// Map from raw scores of detections to probabilities. It belongs to the weights that it was
    /// fitted to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub calibration_map: Option<CalibrationMap>,
    /// In which of the published forms GOT-OCR2.0 is asked. (Training has the original one.)
    #[serde(skip_serializing_if = "is_original")]
    pub prompt_variant: PromptVariant,
}

fn is_original(variant: &PromptVariant) -> bool {
    *variant == PromptVariant::Original
}

impl InferenceConfig {
    /// Sets [`calibration_map`](Self::calibration_map).
    #[must_use]
    pub fn with_calibration_map(mut self, map: impl Into<Option<CalibrationMap>>) -> Self {
        self.calibration_map = map.into();
        self
    }

    /// Sets [`prompt_variant`](Self::prompt_variant).
    #[must_use]
    pub fn with_prompt_variant(mut self, variant: PromptVariant) -> Self {
        self.prompt_variant = variant;
        self
    }

    /// The default score threshold.
    pub fn min_score(&self) -> f32 {
        self.calibration_map.as_ref().map_or(0.0, |_| MIN_SCORE)
    }

    /// The probability of a raw score, or the score itself without a map.
    pub(crate) fn calibrated(&self, score: f32) -> f32 {
        let map = self.calibration_map.as_ref();
        map.map_or(score, |map| map.apply(score))
    }

    /// Reads the file of a checkpoint directory; the defaults if there is none.
    ///
    /// # Errors
    /// [`Error::Io`], [`Error::ConfigField`] for an unknown field or one of another form.
    pub fn read(dir: impl AsRef<Path>) -> Result<Self> {
        let path = dir.as_ref().join(FILE);
        match crate::file::read_text(&path) {
            Ok(text) => Self::parse(&path, &text),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Self::default()),
            Err(error) => Err(Error::io(path, error)),
        }
    }

    /// Reads the text of a file; `path` is for messages.
    pub(crate) fn parse(path: &Path, text: &[u8]) -> Result<Self> {
        parse_config_json(path, text)
    }

    /// Writes the file into a checkpoint directory, atomically.
    ///
    /// # Errors
    /// [`Error::Io`] naming the file.
    pub fn write(&self, dir: impl AsRef<Path>) -> Result<()> {
        write_json(dir.as_ref().join(FILE), self)
    }
}

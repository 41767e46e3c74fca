use std::fs;
use std::path::{Path, PathBuf};

use burn::prelude::*;
use vary_lm::tokenizer::Tokenizer;

use super::{InferenceConfig, Pipeline, check_tokenizer};
use crate::checkpoint::{CheckpointFiles, Precision, SaveOptions, save_tokenizer, write_json};
#[cfg(feature = "hub")]
use crate::hub::HubModel;
use crate::model::{ModelConfig, VaryModel, config_dir};
use crate::recognition::RecognizerFiles;
use crate::{Error, Result};

/// Directory of a checkpoint's text recognizer.
pub(super) const RECOGNIZER: &str = "recognizer";

/// Where a model's files are: embedded, in a directory, or on a hub.
#[derive(Debug, Clone)]
pub struct Weights(Source);

#[derive(Debug, Clone)]
enum Source {
    #[cfg(feature = "nano")]
    Nano,
    Dir(PathBuf),
    #[cfg(feature = "hub")]
    Hub(HubModel),
}

impl Weights {
    /// Vary-nano, the small embedded model.
    #[cfg(feature = "nano")]
    pub fn nano() -> Self {
        Self(Source::Nano)
    }

    /// A directory with `config.json`, the weights (`model.safetensors`, its shards with their
    /// index, or what else [`CheckpointFiles`] reads) and the tokenizer (`tokenizer.json`,
    /// `qwen.tiktoken`, or OPT's `vocab.json` and `merges.txt`), and optionally
    /// `inference_config.json` and a directory `recognizer` with a text recognizer. The path may
    /// also be that of a weight file, with the other files beside it.
    pub fn dir(path: impl Into<PathBuf>) -> Self {
        Self(Source::Dir(path.into()))
    }
}

/// The opened files of a model, from which a pipeline or a training run is made.
#[derive(Debug)]
#[non_exhaustive]
pub struct Checkpoint {
    /// Configuration of the model.
    pub config: ModelConfig,
    /// Settings for inference.
    pub inference: InferenceConfig,
    /// Its tokenizer.
    pub tokenizer: Tokenizer,
    /// Its weights, not yet read.
    pub files: CheckpointFiles,
    /// The files of its text recognizer, if it has one.
    pub recognizer: Option<RecognizerFiles>,
}

impl Weights {
    /// Opens the files without reading the weights.
    ///
    /// # Errors
    /// [`Error::TokenizerMismatch`] for files of different models; [`Error::Io`],
    /// [`Error::ConfigField`], [`Error::Config`], [`Error::NoWeights`] and the other errors of
    /// [`ModelConfig::read`], [`Tokenizer::from_dir`] and [`CheckpointFiles::open`]; those of a
    /// download.
    pub fn open(&self) -> Result<Checkpoint> {
        match &self.0 {
            #[cfg(feature = "nano")]
            Source::Nano => super::nano::open(),
            Source::Dir(path) => open_path(path),
            #[cfg(feature = "hub")]
            Source::Hub(model) => open_path(&model.fetch()?),
        }
    }
}

impl Checkpoint {
    /// Loads the weights and makes a pipeline.
    ///
    /// # Errors
    /// As [`PipelineBuilder::build`](super::PipelineBuilder::build).
    pub fn load(self, device: &Device, precision: Precision) -> Result<Pipeline> {
        Pipeline::builder()
            .device(device.clone())
            .precision(precision)
            .checkpoint(self)
            .build()
    }

    /// Writes `model`, which was trained from this checkpoint, as a checkpoint directory, see
    /// [`save_pretrained`]. A calibration map is left out: it belongs to the parameters before
    /// training. Adapters have to be merged before: `model.valid().materialize()`.
    ///
    /// # Errors
    /// As [`save_pretrained`].
    pub fn save_pretrained(
        &self,
        model: &dyn VaryModel,
        dir: impl AsRef<Path>,
        options: &SaveOptions,
    ) -> Result<()> {
        let inference = self.inference.clone().with_calibration_map(None);
        if let Some(recognizer) = &self.recognizer {
            recognizer.save(&dir.as_ref().join(RECOGNIZER))?;
        }
        save_pretrained(
            model,
            &self.config,
            &self.tokenizer,
            &inference,
            dir,
            options,
        )
    }
}

/// Writes a checkpoint directory that [`Weights::dir`] opens: `model.safetensors`, the tokenizer,
/// `inference_config.json` and `config.json`, each atomically. The directory is made if needed.
/// `config.json` is written last, so a directory without it is incomplete.
///
/// # Errors
/// [`Error::Io`] naming the file, [`Error::TokenizerMismatch`], [`Error::NonFinite`] for parameters
/// that are NaN or infinite, [`Error::UnsupportedParameter`] for quantized weights or adapters that
/// are not merged.
pub fn save_pretrained(
    model: &dyn VaryModel,
    config: &ModelConfig,
    tokenizer: &Tokenizer,
    inference: &InferenceConfig,
    dir: impl AsRef<Path>,
    options: &SaveOptions,
) -> Result<()> {
    let dir = dir.as_ref();
    config.validate()?;
    check_tokenizer(config, tokenizer)?;
    fs::create_dir_all(dir).map_err(|source| Error::io(dir, source))?;
    model.save_weights(&dir.join("model.safetensors"), options)?;
    save_tokenizer(tokenizer, dir)?;
    inference.write(dir)?;
    write_json(dir.join("config.json"), config)
}

#[cfg(feature = "hub")]
impl Weights {
    /// A published checkpoint by its name, `owner/name`; downloaded when the pipeline is built, see
    /// [`hub`](crate::hub).
    pub fn hub(name: impl Into<String>) -> Self {
        HubModel::new(name).into()
    }
}

#[cfg(feature = "hub")]
impl From<HubModel> for Weights {
    fn from(model: HubModel) -> Self {
        Self(Source::Hub(model))
    }
}

fn open_path(path: &Path) -> Result<Checkpoint> {
    let dir = config_dir(path);
    // So that the error names a wrong path, not a file missing in it.
    fs::read_dir(dir).map_err(|source| Error::io(dir, source))?;
    let config = ModelConfig::read(dir)?;
    config.validate()?;
    // The tokenizer before the weights: it is checked in less time.
    let tokenizer = Tokenizer::from_dir(dir)?;
    check_tokenizer(&config, &tokenizer)?;
    Ok(Checkpoint {
        config,
        inference: InferenceConfig::read(dir)?,
        tokenizer,
        files: CheckpointFiles::open(path)?,
        recognizer: RecognizerFiles::find(&dir.join(RECOGNIZER))?,
    })
}

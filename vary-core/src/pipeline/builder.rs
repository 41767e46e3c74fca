use std::fs;
use std::num::NonZeroUsize;
use std::panic::catch_unwind;
use std::path::{Path, PathBuf};

use burn::prelude::*;
use vary_lm::tokenizer::Tokenizer;

use super::{Pipeline, Precision, check_tokenizer};
use crate::checkpoint::CheckpointFiles;
#[cfg(feature = "hub")]
use crate::hub::HubModel;
use crate::model::{ModelConfig, config_dir};
use crate::{Error, Result};

/// Where a model's files are.
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
    /// Vary-nano, the small model inside this crate.
    #[cfg(feature = "nano")]
    pub fn nano() -> Self {
        Self(Source::Nano)
    }

    /// A directory with `config.json`, the weights (`model.safetensors`, its shards with their
    /// index, or what else [`CheckpointFiles`] reads) and the tokenizer (`tokenizer.json`,
    /// `qwen.tiktoken`, or OPT's `vocab.json` and `merges.txt`). The path of a weight file stands
    /// for it and what is beside it.
    pub fn dir(path: impl Into<PathBuf>) -> Self {
        Self(Source::Dir(path.into()))
    }
}

/// A model's files, opened: what a pipeline or a training run is made from.
#[derive(Debug)]
pub struct Checkpoint {
    /// Sizes of the model, of either family.
    pub config: ModelConfig,
    /// Its tokenizer.
    pub tokenizer: Tokenizer,
    /// Its weights, not yet read.
    pub files: CheckpointFiles,
}

impl Weights {
    /// Opens the files without reading the weights.
    ///
    /// # Errors
    /// [`Error::TokenizerMismatch`], or whatever is wrong with the files.
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
    /// Reads the weights and puts the model to use.
    ///
    /// # Errors
    /// [`Error::TokenizerMismatch`], or whatever is wrong with the files or the configuration.
    pub fn load(self, device: &Device, precision: Precision) -> Result<Pipeline> {
        let model = self.config.load(&self.files, device, precision)?;
        Pipeline::from_parts(model, self.config, self.tokenizer)
    }
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

/// Settings of a [`Pipeline`].
#[derive(Debug, Clone, Default)]
pub struct PipelineBuilder {
    weights: Option<Weights>,
    device: Option<Device>,
    precision: Precision,
    readings: Option<NonZeroUsize>,
    band_lines: Option<Option<NonZeroUsize>>,
}

impl PipelineBuilder {
    /// The model to use; the embedded one by default.
    #[must_use]
    pub fn weights(mut self, weights: Weights) -> Self {
        self.weights = Some(weights);
        self
    }

    /// The device to run on. By default the first of those that are built in, GPUs before the CPU;
    /// the environment variable `BURN_DEVICE` names another.
    #[must_use]
    pub fn device(mut self, device: Device) -> Self {
        self.device = Some(device);
        self
    }

    /// What weights are kept in; f32 by default, whatever the checkpoint stores.
    #[must_use]
    pub fn precision(mut self, precision: Precision) -> Self {
        self.precision = precision;
        self
    }

    /// How often a picture is read, 1 to [`MAX_READINGS`](crate::model::MAX_READINGS): once as it is, the
    /// other times its content from close by, each time placed a little aside. Words are those
    /// that all readings agree on best, one token after the other; boxes are [`fuse`](crate::detection::fuse)d. That reads better, finds objects that a single reading passes
    /// over, and takes longer. Text, tokens and [`Event::Box`](super::Event::Box) have the coordinates of the
    /// picture as it is.
    ///
    /// Without a number, as often as the checkpoint says in `config.json`. Scores are probabilities for that
    /// number only.
    #[must_use]
    pub fn readings(mut self, readings: NonZeroUsize) -> Self {
        self.readings = Some(readings);
        self
    }

    /// The most lines of a page that Vary-toy reads at a time, or `None` to read pages whole. Where all text of one picture is asked
    /// for ([`Task::Ocr`](crate::prompt::Task::Ocr)) and four or more lines of writing are told apart in it, or
    /// a single one ([`bands`](fn@vary_vision::preprocess::bands)), each band of so many lines is shown to the model as a picture of its own,
    /// and the answers are joined by line breaks. A model with few image tokens for a picture reads better so. Columns of text beside each
    /// other are read across. Where the model doubts the first letters, it reads the picture whole, too, and the answer is the one that it
    /// is surer of. A band of whose every token it is sure at .7 and more is read once, whatever the number of [`readings`](Self::readings).
    /// A stream tells up to eight bands together, once they are read.
    ///
    /// Without this call, as the checkpoint says in `config.json`.
    #[must_use]
    pub fn band_lines(mut self, lines: Option<NonZeroUsize>) -> Self {
        self.band_lines = Some(lines);
        self
    }

    /// Loads the model.
    ///
    /// # Errors
    /// [`Error::Config`] for more readings than are possible, [`Error::NoDevice`],
    /// [`Error::UnsupportedPrecision`], [`Error::WeightsNotGiven`], [`Error::TokenizerMismatch`], or whatever is
    /// wrong with the files.
    pub fn build(self) -> Result<Pipeline> {
        #[cfg(feature = "nano")]
        let default = Some(Weights::nano());
        #[cfg(not(feature = "nano"))]
        let default = None;
        let weights = self.weights.or(default).ok_or(Error::WeightsNotGiven)?;
        let device = match self.device {
            Some(device) => device,
            None => default_device()?,
        };
        self.precision.check(&device)?;
        let mut checkpoint = weights.open()?;
        if let Some(readings) = self.readings {
            checkpoint.config.set_readings(readings);
        }
        if let Some(lines) = self.band_lines {
            checkpoint.config.set_band_lines(lines);
        }
        checkpoint.load(&device, self.precision)
    }
}

/// The best device of the backends that are built in, or the one that the environment variable
/// `BURN_DEVICE` names.
///
/// # Errors
/// [`Error::NoDevice`], where burn itself panics.
pub fn default_device() -> Result<Device> {
    catch_unwind(Device::default).map_err(|panic| {
        let reason: String = match panic.downcast::<String>() {
            Ok(text) => *text,
            Err(other) => other
                .downcast::<&str>()
                .map_or_else(|_| "no backend is built in".into(), |text| text.to_string()),
        };
        let reason = reason.trim_end_matches('.').into();
        Error::NoDevice { reason }
    })
}

fn open_path(path: &Path) -> Result<Checkpoint> {
    let dir = config_dir(path);
    // So that a wrong path is told as such, not as a missing file in it.
    fs::read_dir(dir).map_err(|source| Error::io(dir, source))?;
    let config = ModelConfig::read(dir)?;
    config.validate()?;
    // The tokenizer before the weights: it is found wanting in less time.
    let tokenizer = Tokenizer::from_dir(dir)?;
    check_tokenizer(&config, &tokenizer)?;
    Ok(Checkpoint {
        config,
        tokenizer,
        files: CheckpointFiles::open(path)?,
    })
}

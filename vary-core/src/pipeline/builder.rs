use std::fs;
use std::panic::catch_unwind;
use std::path::{Path, PathBuf};

use burn::prelude::*;
use vary_lm::tokenizer::Tokenizer;

use super::Pipeline;
use crate::model::VaryTiny;
use crate::{Error, Result};

/// Where a model's files are.
#[derive(Debug, Clone)]
pub struct Weights(Source);

#[derive(Debug, Clone)]
enum Source {
    #[cfg(feature = "nano")]
    Nano,
    Dir(PathBuf),
}

impl Weights {
    /// Vary-nano, the small model inside this crate.
    #[cfg(feature = "nano")]
    pub fn nano() -> Self {
        Self(Source::Nano)
    }

    /// A directory with `config.json`, `tokenizer.json` and the weights: `model.safetensors`, its
    /// shards with their index, or what else [`CheckpointFiles`](crate::checkpoint::CheckpointFiles)
    /// reads.
    pub fn dir(path: impl Into<PathBuf>) -> Self {
        Self(Source::Dir(path.into()))
    }
}

/// Settings of a [`Pipeline`].
#[derive(Debug, Clone, Default)]
pub struct PipelineBuilder {
    weights: Option<Weights>,
    device: Option<Device>,
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

    /// Loads the model.
    ///
    /// # Errors
    /// [`Error::NoDevice`], [`Error::WeightsNotGiven`], [`Error::TokenizerMismatch`], or whatever is
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
        match weights.0 {
            #[cfg(feature = "nano")]
            Source::Nano => super::nano::load(&device),
            Source::Dir(dir) => load_dir(&dir, &device),
        }
    }
}

/// burn panics when no backend is built in and when `BURN_DEVICE` names none of them.
fn default_device() -> Result<Device> {
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

fn load_dir(dir: &Path, device: &Device) -> Result<Pipeline> {
    // So that a wrong path is told as such, not as a missing file in it.
    fs::read_dir(dir).map_err(|source| Error::io(dir, source))?;
    let (model, config) = VaryTiny::load(dir, device)?;
    let tokenizer = Tokenizer::from_file(dir.join("tokenizer.json"))?;
    Pipeline::new(model, config, tokenizer)
}

use std::num::NonZeroUsize;
use std::sync::Arc;

use burn::prelude::*;
use vary_lm::tokenizer::Tokenizer;

use super::device::default_device;
use super::{Checkpoint, InferenceConfig, Inner, Pipeline, Weights};
use crate::Result;
use crate::checkpoint::Precision;
use crate::model::{AnyModel, ModelConfig, VaryModel};
use crate::recognition::Recognizer;

/// Default of [`PipelineBuilder::max_batch`].
const MAX_BATCH: usize = 8;

/// Settings of a [`Pipeline`], made by [`Pipeline::builder`].
#[derive(Default)]
pub struct PipelineBuilder {
    source: Option<Source>,
    device: Option<Device>,
    precision: Precision,
    max_batch: Option<NonZeroUsize>,
    inference: Option<InferenceConfig>,
    recognizer: Option<Recognizer>,
}

/// Where the model comes from.
enum Source {
    Weights(Weights),
    Checkpoint(Box<Checkpoint>),
    Model(AnyModel, Box<ModelConfig>, Box<Tokenizer>),
}

impl std::fmt::Debug for PipelineBuilder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("PipelineBuilder")
            .field("device", &self.device)
            .field("precision", &self.precision)
            .field("max_batch", &self.max_batch)
            .field("inference", &self.inference)
            .finish_non_exhaustive()
    }
}

impl PipelineBuilder {
    /// The model to load; the embedded one by default.
    #[must_use]
    pub fn weights(mut self, weights: Weights) -> Self {
        self.source = Some(Source::Weights(weights));
        self
    }

    /// The model to load, already opened.
    #[must_use]
    pub fn checkpoint(mut self, checkpoint: Checkpoint) -> Self {
        self.source = Some(Source::Checkpoint(Box::new(checkpoint)));
        self
    }

    /// A model in memory, such as one that was just trained (on a device without autodiff).
    /// [`device`](Self::device) and [`precision`](Self::precision) have no effect on it.
    #[must_use]
    pub fn model(
        mut self,
        model: impl VaryModel + 'static,
        config: impl Into<ModelConfig>,
        tokenizer: Tokenizer,
    ) -> Self {
        let (config, tokenizer) = (Box::new(config.into()), Box::new(tokenizer));
        self.source = Some(Source::Model(Box::new(model), config, tokenizer));
        self
    }

    /// The device to run on. By default the first of those that are built in, GPUs before the CPU;
    /// the environment variable `BURN_DEVICE` names another.
    #[must_use]
    pub fn device(mut self, device: Device) -> Self {
        self.device = Some(device);
        self
    }

    /// Precision of the parameters in memory; f32 by default, whatever the checkpoint stores.
    #[must_use]
    pub fn precision(mut self, precision: Precision) -> Self {
        self.precision = precision;
        self
    }

    /// Maximum number of sequences that are decoded together, 8 by default: images of
    /// [`answer_batch`](Pipeline::answer_batch). Each has its own key/value cache: more sequences
    /// are faster in total and need more memory.
    #[must_use]
    pub fn max_batch(mut self, sequences: NonZeroUsize) -> Self {
        self.max_batch = Some(sequences);
        self
    }

    /// Settings for inference in place of the checkpoint's `inference_config.json`.
    #[must_use]
    pub fn inference_config(mut self, inference: InferenceConfig) -> Self {
        self.inference = Some(inference);
        self
    }

    /// The text recognizer that [`read`](Pipeline::read) and [`markdown`](Pipeline::markdown) use
    /// in place of the language model; by default the checkpoint's, if it has one.
    #[must_use]
    pub fn recognizer(mut self, recognizer: Recognizer) -> Self {
        self.recognizer = Some(recognizer);
        self
    }

    /// Loads the model.
    ///
    /// # Errors
    /// [`NoDevice`](crate::Error::NoDevice), [`UnsupportedPrecision`], [`WeightsNotGiven`],
    /// [`TokenizerMismatch`], or whatever is wrong with the files or the configuration.
    ///
    /// [`UnsupportedPrecision`]: crate::Error::UnsupportedPrecision
    /// [`WeightsNotGiven`]: crate::Error::WeightsNotGiven
    /// [`TokenizerMismatch`]: crate::Error::TokenizerMismatch
    pub fn build(self) -> Result<Pipeline> {
        let mut recognizer = self.recognizer;
        let (model, config, inference, tokenizer) = match self.source {
            Some(Source::Model(model, config, tokenizer)) => {
                (model, *config, InferenceConfig::default(), *tokenizer)
            }
            source => {
                let device = match self.device {
                    Some(device) => device,
                    None => default_device()?,
                };
                self.precision.check(&device)?;
                let Checkpoint {
                    config,
                    inference,
                    tokenizer,
                    files,
                    recognizer: found,
                } = open(source)?;
                if let (None, Some(found)) = (&recognizer, found) {
                    recognizer = Some(found.load(&device)?);
                }
                let model = config.load(&files, &device, self.precision)?;
                (model, config, inference, tokenizer)
            }
        };
        let inference = self.inference.unwrap_or(inference);
        let max_batch = self.max_batch.map_or(MAX_BATCH, NonZeroUsize::get);
        let inner = Inner::new(model, config, inference, tokenizer, recognizer, max_batch)?;
        Ok(Pipeline {
            inner: Arc::new(inner),
        })
    }
}

/// Opens the files of a model.
fn open(source: Option<Source>) -> Result<Checkpoint> {
    match source {
        Some(Source::Weights(weights)) => weights.open(),
        Some(Source::Checkpoint(checkpoint)) => Ok(*checkpoint),
        #[cfg(feature = "nano")]
        _ => Weights::nano().open(),
        #[cfg(not(feature = "nano"))]
        _ => Err(crate::Error::WeightsNotGiven),
    }
}

use serde::{Deserialize, Serialize};
use vary_core::recognition::RecognizerConfig;
use vary_core::train::{LineBatches, TrainConfig};

/// How a text recognizer is trained.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LinesRecipe {
    /// Sizes of the network, and its alphabet.
    pub model: RecognizerConfig,
    /// Widths of the samples.
    pub batches: LineBatches,
    /// Lines of validation, spread over its shards.
    pub validation_lines: usize,
    /// The optimizer and the steps.
    pub train: TrainConfig,
    /// Seed of data order and initial parameters.
    pub seed: u64,
}

impl LinesRecipe {
    /// The embedded recognizer's.
    pub fn nano() -> Self {
        Self {
            model: RecognizerConfig::nano(),
            batches: LineBatches {
                pixels: 4096,
                growth: 30_000,
                ..LineBatches::default()
            },
            validation_lines: 300,
            train: TrainConfig {
                steps: 60_000,
                batch_size: 2,
                micro_batch_size: 1,
                workers: 2,
                learning_rate: 1.5e-3,
                muon_learning_rate: Some(0.01),
                warmup_ratio: 0.01,
                weight_decay: 0.02,
                betas: (0.9, 0.98),
                save_every: 1000,
                log_every: 50,
                ..TrainConfig::default()
            },
            seed: 1,
        }
    }

    /// Checks every setting.
    ///
    /// # Errors
    /// [`Error::Config`](vary_core::Error::Config) for a setting out of range.
    pub fn validate(&self) -> vary_core::Result<()> {
        self.model.validate()?;
        self.batches.validate()?;
        self.train.validate()
    }
}

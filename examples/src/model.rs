//! Command line options that select the model of an example.

use std::path::PathBuf;

use anyhow::Result;
use clap::Args;
use vary_core::checkpoint::Precision;
use vary_core::{Pipeline, Weights};

/// Which model, and how it is kept in memory.
#[derive(Args, Debug)]
pub struct ModelArgs {
    /// Checkpoint directory, or a weight file in one, in place of the embedded model.
    #[arg(long, value_name = "PATH")]
    pub weights: Option<PathBuf>,
    /// Name of a published checkpoint to download, `owner/name` (feature `hub`).
    #[cfg(feature = "hub")]
    #[arg(long, value_name = "NAME", conflicts_with = "weights")]
    pub hub: Option<String>,
    /// What the parameters are kept in: f32, bf16, int8 or int4.
    #[arg(long, default_value = "f32")]
    pub precision: Precision,
}

impl ModelArgs {
    /// Loads the model.
    pub fn build(&self) -> Result<Pipeline> {
        let mut builder = Pipeline::builder().precision(self.precision);
        if let Some(weights) = self.named() {
            builder = builder.weights(weights);
        }
        Ok(builder.build()?)
    }

    /// The weights that are named; `None` for the embedded model.
    pub fn named(&self) -> Option<Weights> {
        #[cfg(feature = "hub")]
        if let Some(name) = &self.hub {
            return Some(Weights::hub(name));
        }
        self.weights.as_ref().map(Weights::dir)
    }
}

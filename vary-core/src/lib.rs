//! vary-core

pub mod checkpoint;
pub mod detection;
mod error;
pub mod eval;
pub mod model;
pub mod pipeline;
pub mod prompt;
#[cfg(feature = "train")]
pub mod train;

pub use error::{Error, Result};
pub use pipeline::{Pipeline, Weights};

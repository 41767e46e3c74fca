//! Vary ([Vary-toy](https://arxiv.org/abs/2401.12503)), a small vision-language model that locates
//! objects, on burn: models, checkpoints, boxes, pipeline, training.
//!
#![cfg_attr(feature = "nano", doc = "```no_run")]
#![cfg_attr(not(feature = "nano"), doc = "```ignore")]
//! use vary_core::Pipeline;
//! use vary_core::pipeline::{DecodeOptions, open};
//!
//! fn main() -> vary_core::Result<()> {
//!     let vary = Pipeline::builder().build()?; // the embedded model on the best device
//!     let picture = open("scene.png", &DecodeOptions::default())?;
//!     for found in vary.detect(&picture)? {
//!         println!("{} {:.2} {:?}", found.label, found.score, found.bbox); // pixels
//!     }
//!     println!("{:?}", vary.locate(&picture, "the left car")?);
//!     Ok(())
//! }
//! ```
//!
//! [`Pipeline`] answers questions about pictures; [`model`] and [`checkpoint`] are what it is made
//! of, [`prompt`] and [`detection`] the text on both sides of the model, [`eval`] scores answers.
//! The feature `train` adds the training loop that every stage shares.

pub mod checkpoint;
pub mod detection;
mod error;
pub mod eval;
#[cfg(feature = "hub")]
pub mod hub;
pub mod model;
pub mod pipeline;
pub mod prompt;
#[cfg(feature = "train")]
pub mod train;

pub use error::{Error, Result};
pub use pipeline::{Pipeline, Weights};

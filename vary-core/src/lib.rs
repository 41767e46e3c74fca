//! Vary ([Vary-toy](https://arxiv.org/abs/2401.12503)), a small vision-language model that reads
//! pages and locates objects, on burn: models, checkpoints, boxes, pipeline, training.
//!
#![cfg_attr(feature = "nano", doc = "```no_run")]
#![cfg_attr(not(feature = "nano"), doc = "```ignore")]
//! use vary_core::prelude::*;
//!
//! fn main() -> vary_core::Result<()> {
//!     let vary = Pipeline::builder().build()?; // the embedded model on the best device
//!     let image = open("scene.png", &DecodeOptions::default())?;
//!     for found in vary.detect(&image)? {
//!         println!("{} {:.2} {:?}", found.label, found.score, found.bbox); // pixels
//!     }
//!     println!("{:?}", vary.locate(&image, "the left car")?);
//!     Ok(())
//! }
//! ```
//!
//! [`Pipeline`] answers questions about images; [`model`] and [`checkpoint`] are what it is made
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
pub mod prelude;
pub mod prompt;
pub mod recognition;
#[cfg(feature = "train")]
pub mod train;

pub use error::{Error, Result};
pub use pipeline::{Pipeline, Weights};

pub use burn;
pub use image;
pub use vary_lm::tokenizer::Tokenizer;

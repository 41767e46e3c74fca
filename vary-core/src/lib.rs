//! Vary ([Vary-toy](https://arxiv.org/abs/2401.12503)), a small vision-language model on burn: it
//! reads pages, locates objects and answers questions about images.
//!
//! [`Pipeline`] does all of it: load a model, pass an image, get text and boxes in pixels.
//!
#![cfg_attr(feature = "nano", doc = "```")]
#![cfg_attr(not(feature = "nano"), doc = "```ignore")]
//! use vary_core::prelude::*;
//!
//! # fn main() -> vary_core::Result<()> {
//! # let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../examples/assets/scene.png");
//! let vary = Pipeline::builder().build()?; // the embedded model on the best device
//! let image = open(path, &DecodeOptions::default())?;
//! for found in vary.detect(&image)? {
//!     println!("{} {:.2} {:?}", found.label, found.score, found.bbox); // pixels
//! }
//! let car = vary.locate(&image, "the car")?;
//! assert!(car.is_some());
//! # Ok(())
//! # }
//! ```
//!
//! The embedded model, Vary-nano, reads printed pages and finds objects in drawn scenes. For
//! formulas, photographs and free questions open a checkpoint: [`Weights::dir`], or `Weights::hub`
//! with the feature `hub`.
//!
//! | to | see |
//! | --- | --- |
//! | detect, locate, read, ask, chat | [`Pipeline`] and its module [`pipeline`] |
//! | set limits, sampling, thresholds, tiles | [`AnswerOptions`](pipeline::AnswerOptions) |
//! | ask for something else | [`Task`](prompt::Task) |
//! | work with boxes and the text that holds them | [`detection`] |
//! | score answers | [`eval`] |
//! | read text lines without the language model | [`recognition`] |
//! | load and save models, convert checkpoints | [`model`], [`checkpoint`] |
//! | download published checkpoints | [`hub`](hub/index.html) |
//! | train and fine-tune | [`train`](train/index.html) |
//!
//! # Features
//!
//! | feature | |
//! | --- | --- |
//! | `flex` (default) | burn's CPU backend, with the kernels of `vary-kernels` |
//! | `ndarray`, `cuda`, `wgpu`, `vulkan`, `metal` | other backends of burn |
//! | `x86-v4` | AVX-512 matrix products on CPUs that have them |
//! | `nano` (default) | the embedded model, `Weights::nano` |
//! | `hub` | the module [`hub`](hub/index.html); includes `pytorch` |
//! | `pytorch` | reads `.bin`, `.pth` and `.pt` checkpoints |
//! | `train` | the module [`train`](train/index.html) |
//!
//! No type has a backend as parameter: a [`Device`](burn::tensor::Device) selects one at run time,
//! see [`default_device`](pipeline::default_device).

#![cfg_attr(docsrs, feature(doc_cfg))]

pub mod checkpoint;
pub mod detection;
mod error;
pub mod eval;
mod file;
#[cfg(feature = "hub")]
pub mod hub;
pub mod model;
pub mod pipeline;
pub mod prelude;
pub mod prompt;
pub mod recognition;
#[cfg(feature = "train")]
pub mod train;

/// Compiles the programs of the guides.
#[cfg(all(doctest, feature = "nano"))]
mod guides {
    #[doc = include_str!("../../README.md")]
    struct Readme;
    #[doc = include_str!("../../docs/guides/reading.md")]
    struct Reading;
    #[doc = include_str!("../../docs/guides/detecting.md")]
    struct Detecting;
    #[doc = include_str!("../../docs/guides/many-pages.md")]
    struct ManyPages;
    #[doc = include_str!("../../docs/guides/checkpoints.md")]
    struct Checkpoints;
}

pub use error::{Error, Result};
pub use pipeline::{Pipeline, Weights};

pub use burn;
pub use image;
pub use vary_lm::tokenizer::Tokenizer;

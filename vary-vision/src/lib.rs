//! The vision side of [Vary](https://arxiv.org/abs/2401.12503) on burn: from an image to the tokens
//! that a language model reads.
//!
//! ```
//! use burn::prelude::*;
//! use vary_vision::preprocess::ImageProcessor;
//! use vary_vision::vocab::VisionVocabularyConfig;
//!
//! # fn main() -> vary_vision::Result<()> {
//! let device = Device::flex();
//! let config = VisionVocabularyConfig::tiny(); // `sam_base` is the published size
//! let network = config.init(&device); // random parameters; `vary-core` loads checkpoints
//!
//! let image = image::RgbImage::from_pixel(40, 30, image::Rgb([200, 220, 255]));
//! let pixels = ImageProcessor::vary(config.img_size).process(&image, &device)?;
//! let tokens = network.forward(pixels);
//! assert_eq!(tokens.dims(), [1, config.num_tokens(), config.net_3_chans]);
//! # Ok(())
//! # }
//! ```
//!
//! | module | |
//! | --- | --- |
//! | [`vocab`] | the vision vocabulary, on images and on text lines |
//! | [`clip`] | CLIP's vision tower |
//! | [`preprocess`] | decoding, resizing and normalising with the same values as Pillow |
//! | [`layout`] | segmentation of a page into text lines: [`text_lines`](layout::text_lines) |
//!
//! # Features
//!
//! | feature | |
//! | --- | --- |
//! | `flex` | the kernels of `vary-kernels` on burn's Flex backend |
//! | `autodiff` | their backward passes |
//!
//! Without features everything is plain tensor operations, on any backend.

#![cfg_attr(docsrs, feature(doc_cfg))]

pub mod clip;
mod error;
pub mod layout;
mod patches;
pub mod preprocess;
pub mod vocab;

pub use error::{Error, Result};

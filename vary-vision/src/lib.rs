//! The vision side of [Vary](https://arxiv.org/abs/2401.12503) on burn: the vision vocabulary
//! network, CLIP's vision tower, the preprocessing of both, and the segmentation of a page into
//! text lines.
//!
//! ```
//! use burn::prelude::*;
//! use vary_vision::vocab::VisionVocabularyConfig;
//!
//! let device = Device::flex();
//! let network = VisionVocabularyConfig::tiny().init(&device);
//! let tokens = network.forward(Tensor::zeros([1, 3, 32, 32], &device));
//! assert_eq!(tokens.dims(), [1, 4, 16]);
//! ```

pub mod clip;
mod error;
pub mod layout;
mod patches;
pub mod preprocess;
pub mod vocab;

pub use error::{Error, Result};

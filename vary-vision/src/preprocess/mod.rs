//! From an image to the network's tensor, with the same values as the original code (Pillow and
//! both branches of Vary-toy): decode, convert to RGB, make a square, normalise.
//!
//! ```
//! use burn::prelude::*;
//! use vary_vision::preprocess::{DecodeOptions, ImageProcessor, decode};
//!
//! # fn main() -> vary_vision::Result<()> {
//! # let mut file = std::io::Cursor::new(Vec::new());
//! # image::RgbImage::new(40, 30).write_to(&mut file, image::ImageFormat::Png).ok();
//! # let bytes = file.into_inner();
//! let image = decode(&bytes, &DecodeOptions::default())?;
//! let input = ImageProcessor::vary(64).process(&image, &Device::flex())?;
//! assert_eq!(input.dims(), [1, 3, 64, 64]);
//! # Ok(())
//! # }
//! ```

mod decode;
mod processor;
mod resize;
mod strip;
mod tiles;

pub use decode::{DecodeOptions, decode, open, to_rgb};
pub use processor::{Fit, ImageProcessor};
pub use resize::resize;
pub use strip::Strip;
pub use tiles::{tile_grid, tiles};

use std::path::Path;

use image::RgbImage;
use vary_vision::preprocess::{DecodeOptions, decode, open};

use crate::{Error, Result};

/// Reads an image of a data set as inference reads it: upright by its EXIF orientation, and within
/// the size limits of [`DecodeOptions::default`]. `origin` is the file and record that name it.
///
/// # Errors
/// [`Error::Image`].
pub fn read_image(path: &Path, origin: &str) -> Result<RgbImage> {
    open(path, &DecodeOptions::default()).map_err(|source| unreadable(origin, source))
}

/// As [`read_image`], from the bytes of an image file.
pub(super) fn read_bytes(bytes: &[u8], origin: &str) -> Result<RgbImage> {
    decode(bytes, &DecodeOptions::default()).map_err(|source| unreadable(origin, source))
}

fn unreadable(origin: &str, source: vary_vision::Error) -> Error {
    Error::Image {
        origin: origin.into(),
        source,
    }
}

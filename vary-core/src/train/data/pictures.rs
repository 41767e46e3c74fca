use std::path::Path;

use image::RgbImage;
use vary_vision::preprocess::{DecodeOptions, decode, open};

use crate::{Error, Result};

/// As the original reads them: it does not turn pictures upright by their EXIF data.
fn options() -> DecodeOptions {
    DecodeOptions {
        apply_orientation: false,
        ..DecodeOptions::default()
    }
}

/// Reads a picture of a training set; `origin` is the file and record that name it.
///
/// # Errors
/// [`Error::Picture`].
pub fn read_picture(path: &Path, origin: &str) -> Result<RgbImage> {
    open(path, &options()).map_err(|source| Error::Picture {
        origin: origin.into(),
        source,
    })
}

pub(super) fn read_bytes(bytes: &[u8], origin: &str) -> Result<RgbImage> {
    decode(bytes, &options()).map_err(|source| Error::Picture {
        origin: origin.into(),
        source,
    })
}

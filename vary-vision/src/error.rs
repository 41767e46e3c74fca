use std::path::PathBuf;

/// Result of this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What can go wrong in this crate.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A configuration with sizes that do not fit each other.
    #[error("vision config: {0}")]
    Config(String),

    /// The file of an image could not be read.
    #[error("cannot read image {}: {source}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },

    /// A file, or a slice of bytes, without a single byte.
    #[error("{name}: empty (0 bytes), expected an image; was the file written or fetched whole?")]
    EmptyFile {
        /// Path, or where else the bytes came from.
        name: String,
    },

    /// Data that begins like no known image format.
    #[error("{name}: not an image ({len} bytes that begin with \"{head}\"); expected {FORMATS}")]
    NotAnImage {
        /// Path, or where else the bytes came from.
        name: String,
        /// Size of all the data in bytes.
        len: u64,
        /// Its first bytes, escaped.
        head: String,
    },

    /// An image in a format, or a variant of one, that is not built in.
    #[error("{name}: {reason}; convert it to {FORMATS}")]
    UnsupportedImage {
        /// Path, or where else the bytes came from.
        name: String,
        /// What is not supported.
        reason: String,
    },

    /// An image whose data is cut off or damaged.
    #[error("{name}: broken {format} image: {reason}; fetch or export it again")]
    BrokenImage {
        /// Path, or where else the bytes came from.
        name: String,
        /// Format, by the first bytes.
        format: String,
        /// What the decoder reported.
        reason: String,
    },

    /// An image with an edge over the limit; its pixels were not decoded.
    #[error(
        "{name}: an edge of {width} x {height} pixels is over the limit of {limit}; \
         raise `DecodeOptions::max_edge` if you trust it"
    )]
    EdgeTooLong {
        /// Which image.
        name: String,
        /// In pixels.
        width: u32,
        /// In pixels.
        height: u32,
        /// [`DecodeOptions::max_edge`](crate::preprocess::DecodeOptions::max_edge).
        limit: u32,
    },
    /// An image larger than the limit; its pixels were not decoded.
    #[error(
        "{name}: {width} x {height} pixels are over the limit of {limit}; \
         raise `DecodeOptions::max_pixels` if you trust it"
    )]
    TooManyPixels {
        /// Path, or where else the bytes came from.
        name: String,
        /// Width in the header.
        width: u32,
        /// Height in the header.
        height: u32,
        /// Largest number of pixels allowed.
        limit: u64,
    },

    /// An image, or a size to resize to, without pixels.
    #[error("{name}: an image of {width} x {height} has no pixels; both edges must be at least 1")]
    EmptyImage {
        /// Path, or what else has that size.
        name: String,
        /// Width in pixels.
        width: u32,
        /// Height in pixels.
        height: u32,
    },

    /// An image of another size than what it was given to is for.
    #[error(
        "an image of {width} x {height} pixels, expected {} x {}",
        expected.0, expected.1
    )]
    ImageSize {
        /// Width in pixels.
        width: u32,
        /// Height in pixels.
        height: u32,
        /// Width and height in pixels that were expected.
        expected: (u32, u32),
    },
}

const FORMATS: &str = "PNG, JPEG, WebP, BMP or GIF";

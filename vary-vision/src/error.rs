use std::path::PathBuf;

/// Result of this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What can go wrong in this crate.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A configuration that no network can be made from.
    #[error("vision config: {0}")]
    Config(String),

    /// A file of a picture could not be read.
    #[error("cannot read picture {}: {source}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },

    /// A file, or a slice of bytes, without a single byte.
    #[error("{name}: empty (0 bytes), expected a picture; was the file written or fetched whole?")]
    EmptyFile {
        /// Path, or where else the bytes came from.
        name: String,
    },

    /// Data that begins like no known picture format.
    #[error("{name}: not a picture ({len} bytes that begin with \"{head}\"); expected {FORMATS}")]
    NotAPicture {
        /// Path, or where else the bytes came from.
        name: String,
        /// Size of all the data in bytes.
        len: u64,
        /// Its first bytes, escaped.
        head: String,
    },

    /// A picture in a format, or a variant of one, that is not built in.
    #[error("{name}: {reason}; convert it to {FORMATS}")]
    UnsupportedPicture {
        /// Path, or where else the bytes came from.
        name: String,
        /// What is not supported.
        reason: String,
    },

    /// A picture whose data is cut off or damaged.
    #[error("{name}: broken {format} picture: {reason}; fetch or export it again")]
    BrokenPicture {
        /// Path, or where else the bytes came from.
        name: String,
        /// Format that the first bytes say.
        format: String,
        /// What the decoder met.
        reason: String,
    },

    /// A picture larger than the limit; its pixels were not decoded.
    #[error(
        "{name}: {width} x {height} pixels are over the limit of {limit}; \
         raise `DecodeOptions::max_pixels` if you trust it"
    )]
    TooManyPixels {
        /// Path, or where else the bytes came from.
        name: String,
        /// Width that the header says.
        width: u32,
        /// Height that the header says.
        height: u32,
        /// Largest number of pixels allowed.
        limit: u64,
    },

    /// A picture, or a size to resize to, without pixels.
    #[error("{name}: a picture of {width} x {height} has no pixels; both edges must be at least 1")]
    EmptyPicture {
        /// Path, or what else has that size.
        name: String,
        /// Width in pixels.
        width: u32,
        /// Height in pixels.
        height: u32,
    },
}

const FORMATS: &str = "PNG, JPEG, WebP, BMP or GIF";

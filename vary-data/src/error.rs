use std::io;
use std::path::PathBuf;

/// Result of this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What can go wrong in this crate.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A file or folder that can't be read or written.
    #[error("{}: {source}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// The operating system's reason.
        source: io::Error,
    },

    /// A font that can't be used.
    #[error("font {position}: {reason}; give TrueType or OpenType fonts with the letters of ASCII")]
    Font {
        /// Its place in the list, from 0.
        position: usize,
        /// What is wrong with it.
        reason: String,
    },

    /// A picture can't be drawn at this size.
    #[error(
        "a drawn picture can't be {width} x {height} pixels; its sides are 256 to 4096 pixels, \
         the longer one at most twice the shorter"
    )]
    DrawnSize {
        /// Width in pixels.
        width: u32,
        /// Height in pixels.
        height: u32,
    },

    /// No layout was found in which all texts fit.
    #[error(
        "no room for a {kind} in {width} x {height} pixels with these fonts; draw it larger or \
         give narrower fonts"
    )]
    NoRoom {
        /// What was to be drawn.
        kind: &'static str,
        /// Width in pixels.
        width: u32,
        /// Height in pixels.
        height: u32,
    },

    /// The shapes of a picture could not be drawn.
    #[error("drawing shapes: {0}; this is a defect of this crate, please report it")]
    Shapes(String),
}

impl Error {
    #[allow(dead_code)]
    pub(crate) fn io(path: impl Into<PathBuf>, source: io::Error) -> Self {
        Self::Io {
            path: path.into(),
            source,
        }
    }
}

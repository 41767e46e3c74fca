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

    /// A PDF file that gives no pages.
    #[cfg(feature = "pdf")]
    #[error("{}: no pages from this PDF file: {reason}", path.display())]
    Pdf {
        /// The file.
        path: PathBuf,
        /// Why not.
        reason: crate::pdf::Skip,
    },

    /// Options for PDF pages out of their range.
    #[cfg(feature = "pdf")]
    #[error("option `{option}` for PDF pages is {value}, it must be {allowed}")]
    PdfOption {
        /// The field's name.
        option: &'static str,
        /// What it is.
        value: String,
        /// What it may be.
        allowed: &'static str,
    },

    /// A folder of PDF pages that was begun with other options.
    #[cfg(feature = "pdf")]
    #[error(
        "{}: these pages were begun with other options or another version; use an empty folder, \
         or the same options", path.display()
    )]
    PdfOptionsChanged {
        /// The file with the options of the earlier run.
        path: PathBuf,
    },
}

impl Error {
    #[cfg_attr(not(feature = "pdf"), allow(dead_code))]
    pub(crate) fn io(path: impl Into<PathBuf>, source: io::Error) -> Self {
        Self::Io {
            path: path.into(),
            source,
        }
    }
}

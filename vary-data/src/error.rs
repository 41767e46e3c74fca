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
    /// A font file that holds no font that can be read.
    #[error("{}: no font in it could be read; give a .ttf, .otf or .ttc file", .0.display())]
    Font(PathBuf),
    /// Characters that none of the fonts draws.
    #[error("no font draws {chars:?}; give a font that has them, or leave them out")]
    NoGlyph {
        /// The characters.
        chars: String,
    },
    /// Text that is wider or higher than its place on the page.
    #[error("{text:?} does not fit its column or page; take smaller type or fewer columns")]
    DoesNotFit {
        /// The text.
        text: String,
    },
    /// A formula outside the supported part of LaTeX.
    #[error("formula {latex:?}: {reason}")]
    Formula {
        /// The formula.
        latex: String,
        /// What is wrong with it.
        reason: String,
    },
    /// A style of pages outside its ranges.
    #[error("page style: {0}")]
    PageStyle(String),
    /// A page that could not be laid out.
    #[error("typst could not lay out the page: {0}")]
    Layout(String),
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

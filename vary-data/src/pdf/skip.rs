use std::fmt;

use serde::{Deserialize, Serialize};

/// Why a page, or a whole file, gives nothing.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Skip {
    /// The file needs a password, or its encryption is not known.
    Encrypted,
    /// The page shows no text.
    NoText,
    /// The page is an image: it shows no text, or next to none, on a large image. Invisible text
    /// of an OCR program does not count, since it has that program's mistakes.
    Scanned,
    /// The characters of too many glyphs are not known.
    Garbled {
        /// Glyphs with ink whose character is not known.
        unknown: usize,
        /// Glyphs with ink.
        glyphs: usize,
    },
    /// The file or page can't be read; why.
    Broken(String),
    /// The page is larger than allowed, in points.
    PageTooLarge {
        /// Its longer edge in points.
        points: f32,
        /// The most that is allowed.
        limit: f32,
    },
    /// The child process that reads the file ended; how.
    Ended(String),
    /// It takes longer than allowed.
    TooSlow {
        /// The most that is allowed.
        seconds: u64,
    },
    /// The file is larger than allowed, in bytes.
    FileTooLarge {
        /// Its size in bytes.
        bytes: u64,
        /// The most that is allowed.
        limit: u64,
    },
}

impl Skip {
    /// The reason's name without details, as it is counted in a manifest.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Encrypted => "encrypted",
            Self::NoText => "no_text",
            Self::Scanned => "scanned",
            Self::Garbled { .. } => "garbled",
            Self::Broken(_) => "broken",
            Self::Ended(_) => "ended",
            Self::TooSlow { .. } => "too_slow",
            Self::PageTooLarge { .. } => "page_too_large",
            Self::FileTooLarge { .. } => "file_too_large",
        }
    }
}

impl std::error::Error for Skip {}

impl fmt::Display for Skip {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Encrypted => write!(f, "it is encrypted; remove its password first"),
            Self::NoText => write!(f, "it shows no text"),
            Self::Scanned => write!(f, "it is a scanned image without visible text"),
            Self::Garbled { unknown, glyphs } => write!(
                f,
                "the characters of {unknown} of {glyphs} glyphs are not known"
            ),
            Self::Broken(why) => write!(f, "it is broken: {why}"),
            Self::Ended(how) => write!(f, "the process that reads it ended: {how}"),
            Self::TooSlow { seconds } => write!(f, "it takes more than {seconds} s"),
            Self::PageTooLarge { points, limit } => {
                write!(f, "it is {points} points long, over the limit of {limit}")
            }
            Self::FileTooLarge { bytes, limit } => {
                write!(f, "it has {bytes} bytes, over the limit of {limit}")
            }
        }
    }
}

//! Training data for Vary, without tensors: images, text and boxes, read from disk or drawn.
//! `vary-core` and `vary-vocab-train` make prompts, labels and tensors from them.
//!
//! | feature | module | data |
//! | --- | --- | --- |
//! | (always) | [`sets`] | COCO, Objects365, OpenImages, referring expressions |
//! | `pdf` | `pdf` | pages of PDF files with text and word boxes |
//! | `typeset` | `typeset` | pages typeset by typst, scans of them |
//! | `charts` | `drawn` | charts and forms with questions and answers |
//! | `scenes` | `scenes` | sprites on backgrounds, with boxes |
//! | `lines` | `lines` | text lines cut from PDF files and pages |
//! | `texts` | `texts` | ten kinds of text, with the box of every character |
//!
//! Drawn data are a pure function of the configuration, a seed and an index.

#[cfg(any(feature = "charts", feature = "texts"))]
mod calendar;
#[cfg(feature = "charts")]
pub mod drawn;
mod error;
mod json;
#[cfg(feature = "lines")]
pub mod lines;
mod page;
pub mod path;
#[cfg(feature = "pdf")]
pub mod pdf;
mod question;
#[cfg(any(feature = "charts", feature = "lines", feature = "scenes"))]
mod random;
mod record;
#[cfg(feature = "scenes")]
pub mod scenes;
pub mod sets;
mod split;
#[cfg(feature = "texts")]
pub mod texts;
#[cfg(feature = "typeset")]
pub mod typeset;

pub use error::{Error, Result};
pub use page::{Page, Word};
pub use question::Question;
pub use record::{PageRecord, WordRecord, read_page, write_page};
pub use split::Split;

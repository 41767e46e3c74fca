//! Pages from PDF files: images, text in reading order and word boxes.
//!
//! Pages are drawn and read by hayro, which is pure Rust; text never goes through OCR. A page
//! without a usable text layer is skipped, with the reason ([`Skip`]). [`extract_folder`] converts
//! a whole folder; [`PdfFile`] reads single pages, and [`PdfWorker`] does so in a child process.

mod columns;
mod file;
mod folder;
mod glyphs;
mod layout;
mod manifest;
mod options;
mod record;
mod skip;
mod source;
mod words;
mod worker;

#[cfg(feature = "lines")]
pub(crate) use file::read;
#[cfg(feature = "lines")]
pub(crate) use folder::{files_below, is_pdf};
#[cfg(feature = "lines")]
pub(crate) use source::Source;

pub use file::{PageText, PdfFile, PdfReader};
pub use folder::extract_folder;
pub use manifest::{Manifest, SkippedPage};
pub use options::PdfOptions;
pub use record::PdfRecord;
pub use skip::Skip;
pub use worker::{PdfWorker, serve_if_asked};

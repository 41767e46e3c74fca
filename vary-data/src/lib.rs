//! Training data for Vary, without tensors: what is on disk or drawn, as plain pictures, text and
//! boxes. Prompts, labels and tensors are made from it in `vary-core` and `vary-vocab-train`.

mod error;
mod page;
#[cfg(feature = "pdf")]
pub mod pdf;

pub use error::{Error, Result};
pub use page::{Page, Word};

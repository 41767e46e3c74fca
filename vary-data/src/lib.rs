//! Training data for Vary, without tensors: what is on disk or drawn, as plain pictures, text and
//! boxes. Prompts, labels and tensors are made from it in `vary-core` and `vary-vocab-train`.

#[cfg(feature = "charts")]
pub mod drawn;
mod error;
mod page;
pub mod path;
#[cfg(feature = "pdf")]
pub mod pdf;
mod question;
mod record;
pub mod sets;
#[cfg(feature = "typeset")]
pub mod typeset;

pub use error::{Error, Result};
pub use page::{Page, Word};
pub use question::Question;
pub use record::{WordRecord, write_page};

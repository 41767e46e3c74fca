//! Text-line recognition: the vision vocabulary on strips, read out by CTC.

mod config;
pub mod ctc;
mod model;
mod reader;
mod spans;

pub use config::RecognizerConfig;
pub use model::TextRecognizer;
#[cfg(feature = "train")]
pub(crate) use model::batch;
pub use reader::{Character, LineText, Recognizer, RecognizerFiles};

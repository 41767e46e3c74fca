//! The language side of [Vary](https://arxiv.org/abs/2401.12503) on burn: OPT and Qwen behind one
//! [`LanguageModel`], made of one attention, one rotary embedding and one key/value cache;
//! generation, from logits to tokens; and the tokenizers.

mod attention;
mod error;
pub mod generate;
mod kv_cache;
mod model;
pub mod opt;
pub mod qwen;
mod rope;
pub mod tokenizer;

pub use error::{Error, Result};
pub use kv_cache::KvCache;
pub use model::LanguageModel;

//! The language side of [Vary](https://arxiv.org/abs/2401.12503) on burn: OPT, one attention, one
//! key/value cache, a decode loop and the tokenizer.

mod attention;
mod error;
pub mod generate;
mod kv_cache;
pub mod opt;
pub mod tokenizer;

pub use error::{Error, Result};
pub use kv_cache::KvCache;

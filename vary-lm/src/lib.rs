//! The language side of [Vary](https://arxiv.org/abs/2401.12503) on burn: tokenizers, the decoders
//! OPT and Qwen behind one [`LanguageModel`], and generation.
//!
//! ```
//! use burn::prelude::*;
//! use vary_lm::LanguageModel;
//! use vary_lm::generate::{FinishReason, GenerateOptions, Generator};
//! use vary_lm::qwen::QwenConfig;
//! use vary_lm::tokenizer::TokenizerBuilder;
//!
//! # fn main() -> vary_lm::Result<()> {
//! let tokenizer = TokenizerBuilder::qwen().build()?;
//! let device = Device::flex();
//! let model = QwenConfig::tiny(tokenizer.vocab_size()).init(&device); // random parameters
//!
//! // Appends tokens to the cache and returns the logits after them, `[vocab]`.
//! let mut cache = model.cache(1, 64);
//! let mut feed = |ids: &[u32]| -> Vec<f32> {
//!     let ids: Vec<i32> = ids.iter().map(|&id| id as i32).collect();
//!     let ids = TensorData::new(ids.clone(), [1, ids.len()]);
//!     let embeds = model.embed(Tensor::from_data(ids, &device));
//!     model.next_logits(embeds, &mut cache).into_data().iter().collect()
//! };
//! let first = feed(&tokenizer.encode("Hello", true)?);
//! let options = GenerateOptions { max_new_tokens: 4, ..GenerateOptions::default() };
//! let generation = Generator::new(first, options, |id| Ok(feed(&[id])))?.run()?;
//! assert_eq!(generation.finish, FinishReason::Length);
//!
//! let ids: Vec<u32> = generation.tokens.iter().map(|token| token.id).collect();
//! println!("{}", tokenizer.decode(&ids, true)?);
//! # Ok(())
//! # }
//! ```
//!
//! | module | |
//! | --- | --- |
//! | [`tokenizer`] | tokenizers from `tokenizer.json` and from the files of OPT and Qwen |
//! | [`opt`] | OPT (arXiv 2205.01068): [`OptConfig`](opt::OptConfig) |
//! | [`qwen`] | Qwen-1 and Qwen2: [`QwenConfig`](qwen::QwenConfig) |
//! | [`generate`] | greedy decoding, sampling, stop tokens, loop guard, cancellation |
//!
//! # Features
//!
//! | feature | |
//! | --- | --- |
//! | `flex` | the kernels of `vary-kernels` on burn's Flex backend |
//!
//! Without features everything is plain tensor operations, on any backend.

#![cfg_attr(docsrs, feature(doc_cfg))]

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

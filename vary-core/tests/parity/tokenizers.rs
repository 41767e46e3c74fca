//! The tokenizers that the golden ids of the `prompts` case were made with.

use std::path::Path;

use vary_core::Result;
use vary_lm::tokenizer::Tokenizer;

/// From text to ids.
pub type Encode = Box<dyn Fn(&str) -> Result<Vec<u32>>>;

pub fn opt(vocab: &Path, merges: &Path) -> Encode {
    encode(Tokenizer::from_opt_files(vocab, merges).unwrap())
}

pub fn qwen(file: &Path) -> Encode {
    encode(Tokenizer::from_tiktoken(file).unwrap())
}

fn encode(tokenizer: Tokenizer) -> Encode {
    Box::new(move |text| Ok(tokenizer.encode(text, true)?))
}

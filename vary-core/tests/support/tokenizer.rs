//! A tokenizer for models with random parameters.

use vary_lm::tokenizer::{Tokenizer, TokenizerBuilder};

/// Texts of prompts that are one token each, so that prompts fit a short context.
const PIECES: [&str; 11] = [
    "A chat between a curious user and an artificial intelligence assistant.",
    " The assistant gives helpful, detailed, and polite answers to the user's questions.",
    " USER:",
    "USER:",
    " ASSISTANT:",
    "ASSISTANT:",
    "Detect all objects",
    "Detect an object: ",
    "Detect ",
    "Provide the OCR results",
    " in this image",
];

/// OPT's special tokens, coordinates and these classes.
pub fn opt_tokenizer(classes: &[&str]) -> Tokenizer {
    let builder = TokenizerBuilder::opt().pieces(&PIECES).classes(classes);
    builder.build().unwrap()
}

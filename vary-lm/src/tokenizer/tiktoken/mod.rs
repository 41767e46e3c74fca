//! Qwen-1's vocabulary, a `.tiktoken` file, as a model of the `tokenizers` crate.

mod merges;
mod ranks;
mod synthetic;

use std::collections::HashMap;

use tokenizers::AddedToken;
use tokenizers::models::bpe::{BPE, Vocab};
use tokenizers::normalizers::unicode::NFC;
use tokenizers::pre_tokenizers::PreTokenizerWrapper;
use tokenizers::pre_tokenizers::byte_level::ByteLevel;
use tokenizers::pre_tokenizers::sequence::Sequence;
use tokenizers::pre_tokenizers::split::{Split, SplitPattern};
use tokenizers::tokenizer::SplitDelimiterBehavior;

use super::{END_OF_TEXT, IM_END, IM_START, IMAGE_END, IMAGE_PATCH, IMAGE_START, Tokenizer, bytes};
use crate::{Error, Result};

pub use synthetic::synthetic_tiktoken;

/// Qwen-1's pattern of the pieces that are encoded independently. A digit is a piece, and so is
/// not merged with others; the last blank of a run belongs to the word after it.
const PATTERN: &str = concat!(
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)",
    r"|[^\r\n\p{L}\p{N}]?\p{L}+",
    r"|\p{N}",
    r"| ?[^\s\p{L}\p{N}]+[\r\n]*",
    r"|\s*[\r\n]+",
    r"|\s+(?!\S)",
    r"|\s+",
);

/// Number of Qwen-1's unused special tokens, from `<|extra_0|>` on.
const EXTRAS: usize = 205;

/// Names of the special tokens in the order of their ids.
///
/// The tokenizer in Vary's repository ends with the extras, although the model expects `<img>`,
/// `</img>` and `<imgpad>` at 151857 to 151859. The order of the last nine is Qwen-VL's, which puts
/// them exactly there.
fn special_names() -> Vec<String> {
    let mut names = [END_OF_TEXT, IM_START, IM_END].map(String::from).to_vec();
    names.extend((0..EXTRAS).map(|i| format!("<|extra_{i}|>")));
    let marks = ["<ref>", "</ref>", "<box>", "</box>", "<quad>", "</quad>"];
    let image = [IMAGE_START, IMAGE_END, IMAGE_PATCH];
    names.extend(marks.into_iter().chain(image).map(String::from));
    names
}

/// See [`Tokenizer::from_tiktoken`]; errors name the data `file`.
pub(super) fn build(data: &[u8], file: &str) -> Result<Tokenizer> {
    let failed = |e: tokenizers::Error| Error::tokenizer(file, e);
    let tokens = ranks::read(data, file)?;
    let ranks: HashMap<&[u8], u32> = tokens.iter().map(Vec::as_slice).zip(0..).collect();
    let specials = special_names();
    if let Some(name) = specials.iter().find(|n| ranks.contains_key(n.as_bytes())) {
        let reason = format!(
            "`{name}` has a rank, but is a special token, whose id comes after all ranks; remove \
             it from the file"
        );
        return Err(Error::tokenizer(file, reason));
    }

    let merges = tokens
        .iter()
        .filter_map(|token| merges::last(token, &ranks))
        .map(|(left, right)| (bytes::name(left), bytes::name(right)))
        .collect();
    let vocab: Vocab = tokens.iter().map(bytes::name).zip(0..).collect();
    let model = BPE::builder()
        .vocab_and_merges(vocab, merges)
        // tiktoken keeps a piece that is a token, even one that merging would not reach.
        .ignore_merges(true)
        .build()
        .map_err(failed)?;

    let pattern = SplitPattern::Regex(PATTERN.into());
    let split = Split::new(pattern, SplitDelimiterBehavior::Isolated, false).map_err(failed)?;
    let to_bytes = ByteLevel::default()
        .add_prefix_space(false)
        .use_regex(false);
    let mut inner = tokenizers::Tokenizer::new(model);
    inner.with_normalizer(Some(NFC)).map_err(failed)?;
    inner.with_pre_tokenizer(Some(PreTokenizerWrapper::Sequence(Sequence::new(vec![
        split.into(),
        to_bytes.into(),
    ]))));
    inner.with_decoder(Some(ByteLevel::default()));
    // `normalized`: the original looks for special tokens after NFC, which makes the `>` of `<img>`
    // and U+0338 behind it one character; that is not a special token.
    let specials = specials
        .into_iter()
        .map(|name| AddedToken::from(name, true).normalized(true));
    inner.add_special_tokens(specials).map_err(failed)?;
    Ok(Tokenizer {
        ids: inner.get_vocab_size(true),
        inner: inner.into(),
    })
}

#[cfg(test)]
mod tests;

//! The two tokenizers that the golden ids of the `prompts` case were made with, as far as that case
//! needs them.

use std::collections::HashMap;
use std::path::Path;

use ::tokenizers::models::bpe::BPE;
use ::tokenizers::normalizers::unicode::NFC;
use ::tokenizers::pre_tokenizers::byte_level::ByteLevel;
use ::tokenizers::pre_tokenizers::split::{Split, SplitPattern};
use ::tokenizers::{
    AddedToken, NormalizedString, Normalizer, OffsetReferential, OffsetType, PreTokenizedString,
    PreTokenizer, SplitDelimiterBehavior, Tokenizer,
};
use vary_core::Result;

/// From text to ids.
pub type Encode = Box<dyn Fn(&str) -> Result<Vec<u32>>>;

/// OPT's: byte-level BPE, a `</s>` in front, blanks around the tokens of a picture stripped.
pub fn opt(vocab: &Path, merges: &Path) -> Encode {
    let bpe = BPE::from_file(vocab.to_str().unwrap(), merges.to_str().unwrap())
        .build()
        .unwrap();
    let mut tokenizer = Tokenizer::new(bpe);
    tokenizer.with_pre_tokenizer(Some(ByteLevel::default().add_prefix_space(false)));
    let image = ["<imgpad>", "<img>", "</img>"]
        .map(|t| AddedToken::from(t, true).lstrip(true).rstrip(true));
    let special = std::iter::once(AddedToken::from("</s>", true)).chain(image);
    tokenizer.add_special_tokens(special).unwrap();
    let bos = tokenizer.token_to_id("</s>").unwrap();
    Box::new(move |text| {
        let encoding = tokenizer.encode(text, false).unwrap();
        Ok(std::iter::once(bos)
            .chain(encoding.get_ids().iter().copied())
            .collect())
    })
}

/// Qwen's: a rank per byte string, special tokens after them.
pub fn qwen(file: &Path) -> Encode {
    const PATTERN: &str = concat!(
        r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}",
        r"| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+",
    );
    let text = std::fs::read_to_string(file).unwrap();
    let ranks: HashMap<Vec<u8>, u32> = text
        .lines()
        .map(|line| line.split_once(' ').unwrap())
        .map(|(token, rank)| (base64(token), rank.parse().unwrap()))
        .collect();
    let first = ranks.len() as u32;
    let extra = (0..205).map(|i| format!("<|extra_{i}|>"));
    let special: Vec<(String, u32)> = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"]
        .map(String::from)
        .into_iter()
        .chain(extra)
        .chain(
            [
                "ref", "/ref", "box", "/box", "quad", "/quad", "img", "/img", "imgpad",
            ]
            .map(|t| format!("<{t}>")),
        )
        .zip(first..)
        .collect();
    let pattern = SplitPattern::Regex(PATTERN.into());
    let split = Split::new(pattern, SplitDelimiterBehavior::Isolated, false).unwrap();
    Box::new(move |text| {
        let mut ids = Vec::new();
        let mut rest = text;
        while !rest.is_empty() {
            let next = special
                .iter()
                .filter_map(|(token, id)| Some((rest.find(token.as_str())?, token.len(), *id)))
                .min_by_key(|(at, ..)| *at);
            let (at, len) = next.map_or((rest.len(), 0), |(at, len, _)| (at, len));
            let mut plain = NormalizedString::from(&rest[..at]);
            NFC.normalize(&mut plain).unwrap();
            let mut words = PreTokenizedString::from(plain);
            split.pre_tokenize(&mut words).unwrap();
            for (word, ..) in words.get_splits(OffsetReferential::Normalized, OffsetType::Byte) {
                ids.extend(lowest_rank_first(word.as_bytes(), &ranks));
            }
            ids.extend(next.map(|(.., id)| id));
            rest = &rest[at + len..];
        }
        Ok(ids)
    })
}

fn lowest_rank_first(word: &[u8], ranks: &HashMap<Vec<u8>, u32>) -> Vec<u32> {
    let mut parts: Vec<Vec<u8>> = word.iter().map(|b| vec![*b]).collect();
    let pair = |parts: &[Vec<u8>], i: usize| ranks.get(&parts[i..i + 2].concat()).copied();
    while let Some((_, i)) = (1..parts.len())
        .filter_map(|i| Some((pair(&parts, i - 1)?, i - 1)))
        .min()
    {
        let right = parts.remove(i + 1);
        parts[i].extend(right);
    }
    parts.iter().map(|part| ranks[part]).collect()
}

fn base64(text: &str) -> Vec<u8> {
    const DIGITS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut bytes = Vec::new();
    let (mut bits, mut held) = (0u32, 0);
    for digit in text.bytes().take_while(|b| *b != b'=') {
        bits = bits << 6 | DIGITS.iter().position(|d| *d == digit).unwrap() as u32;
        held += 6;
        if held >= 8 {
            held -= 8;
            bytes.push((bits >> held) as u8);
        }
    }
    bytes
}

//! Properties of any text with the small Qwen vocabulary.

use std::collections::HashMap;
use std::sync::OnceLock;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use proptest::prelude::*;
use tokenizers::normalizers::unicode::NFC;
use tokenizers::pre_tokenizers::split::{Split, SplitPattern};
use tokenizers::{
    NormalizedString, Normalizer, OffsetReferential, OffsetType, PreTokenizedString, PreTokenizer,
    SplitDelimiterBehavior,
};
use vary_lm::tokenizer::Tokenizer;

use super::bundled;

/// The pattern of the fixture's README.
const PATTERN: &str = concat!(
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}",
    r"| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+",
);

struct Tiny {
    tokenizer: Tokenizer,
    ranks: HashMap<Vec<u8>, u32>,
    split: Split,
}

fn tiny() -> &'static Tiny {
    static TINY: OnceLock<Tiny> = OnceLock::new();
    TINY.get_or_init(|| {
        let file = bundled("tiny_qwen_vocab");
        let ranks = std::fs::read_to_string(&file).unwrap();
        let ranks = ranks.lines().map(|line| line.split_once(' ').unwrap());
        let pattern = SplitPattern::Regex(PATTERN.into());
        Tiny {
            tokenizer: Tokenizer::from_tiktoken(&file).unwrap(),
            ranks: ranks
                .map(|(token, rank)| (BASE64_STANDARD.decode(token).unwrap(), rank))
                .map(|(token, rank)| (token, rank.parse().unwrap()))
                .collect(),
            split: Split::new(pattern, SplitDelimiterBehavior::Isolated, false).unwrap(),
        }
    })
}

fn nfc(text: &str) -> String {
    let mut text = NormalizedString::from(text);
    NFC.normalize(&mut text).unwrap();
    text.get().to_owned()
}

/// Ids by plain byte-pair encoding of every piece, the lowest rank first.
fn plain(text: &str, tiny: &Tiny) -> Vec<u32> {
    let mut words = PreTokenizedString::from(nfc(text));
    tiny.split.pre_tokenize(&mut words).unwrap();
    let words = words.get_splits(OffsetReferential::Normalized, OffsetType::Byte);
    let mut ids = vec![];
    for (word, ..) in words {
        let mut parts: Vec<Vec<u8>> = word.bytes().map(|b| vec![b]).collect();
        let rank = |pair: &[Vec<u8>]| tiny.ranks.get(&pair.concat()).copied();
        while let Some((_, i)) = parts
            .windows(2)
            .enumerate()
            .filter_map(|(i, pair)| Some((rank(pair)?, i)))
            .min()
        {
            let right = parts.remove(i + 1);
            parts[i].extend(right);
        }
        ids.extend(parts.iter().map(|part| tiny.ranks[part]));
    }
    ids
}

fn texts() -> impl Strategy<Value = String> {
    let pieces = prop::sample::select(vec![
        "the",
        " image",
        "ing",
        "'s",
        "'LL",
        "'\u{17F}",
        " ",
        "   ",
        "\t",
        "\n",
        "\r\n",
        "\u{a0}",
        "1",
        "42",
        "٣",
        "Ⅷ",
        "é",
        "e\u{301}",
        "한",
        "\u{1112}\u{1161}",
        "你好",
        "😀",
        "👩\u{200D}",
        "!?",
        "_",
        "<",
        "|>",
        ">\u{338}",
        "\u{fb01}",
        "\u{212B}",
    ]);
    let piece = prop_oneof![3 => pieces.prop_map(String::from), 1 => any::<String>()];
    prop::collection::vec(piece, 0..20).prop_map(|pieces| pieces.concat())
}

proptest! {
    #[test]
    fn text_round_trips_composed(text in texts()) {
        let qwen = &tiny().tokenizer;
        let ids = qwen.encode(&text, true).unwrap();
        prop_assert_eq!(qwen.decode(&ids, false).unwrap(), nfc(&text));
    }

    #[test]
    fn ids_equal_plain_merging(text in texts()) {
        let tiny = tiny();
        prop_assert_eq!(tiny.tokenizer.encode(&text, true).unwrap(), plain(&text, tiny));
    }
}

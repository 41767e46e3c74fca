//! What a `tokenizer.json` may hold, checked before the `tokenizers` crate builds anything from it:
//! some of its parts panic or allocate without bounds for values that no tokenizer has.

use std::borrow::Cow;
use std::collections::HashMap;
use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, IgnoredAny, MapAccess, Visitor};
use serde_json::Value;

/// More ids than any tokenizer has.
const MAX_IDS: u32 = 10_000_000;

/// A `tokenizer.json` that consists of known parts.
pub(super) struct Checked<'a> {
    /// Without padding and truncation, which change what is encoded.
    pub json: Cow<'a, [u8]>,
    /// The number of ids: the largest plus one.
    pub ids: usize,
    /// Added tokens with the ids that they have to get.
    pub added: Vec<Added>,
}

/// Checks the contents of a `tokenizer.json`.
///
/// # Errors
/// What is not allowed, in words.
pub(super) fn check(json: &[u8]) -> Result<Checked<'_>, String> {
    let file: File = serde_json::from_slice(json).map_err(|e| e.to_string())?;
    let ids = file.check()?;
    let mut json = Cow::Borrowed(json);
    if file.padding.is_some() || file.truncation.is_some() {
        let mut whole: Value = serde_json::from_slice(&json).map_err(|e| e.to_string())?;
        whole["padding"] = Value::Null;
        whole["truncation"] = Value::Null;
        json = Cow::Owned(whole.to_string().into_bytes());
    }
    let added = file.added_tokens;
    Ok(Checked { json, ids, added })
}

/// Whether a table of embeddings may have a row of that number.
///
/// # Errors
/// The limit, in words.
pub(super) fn in_range(id: u32) -> Result<(), String> {
    match id < MAX_IDS {
        true => Ok(()),
        false => Err(format!("token id {id} is over the limit of {MAX_IDS}")),
    }
}

#[derive(Deserialize)]
struct File {
    model: Model,
    #[serde(default)]
    added_tokens: Vec<Added>,
    #[serde(default)]
    #[expect(dead_code, reason = "its form is checked")]
    normalizer: Option<Normalizer>,
    #[serde(default)]
    #[expect(dead_code, reason = "its form is checked")]
    pre_tokenizer: Option<PreTokenizer>,
    #[serde(default)]
    post_processor: Option<PostProcessor>,
    #[serde(default)]
    padding: Option<IgnoredAny>,
    #[serde(default)]
    truncation: Option<IgnoredAny>,
}

impl File {
    fn check(&self) -> Result<usize, String> {
        self.model.check()?;
        let added = self.added_tokens.iter().map(|token| token.id).max();
        let largest = self.model.vocab.0.max(added).ok_or("it has no tokens")?;
        in_range(largest)?;
        let post = self.post_processor.as_ref();
        match post
            .and_then(PostProcessor::largest)
            .filter(|id| *id > largest)
        {
            Some(id) => Err(format!(
                "its post-processor adds id {id}, which is of no token"
            )),
            None => Ok(largest as usize + 1),
        }
    }
}

#[derive(Deserialize)]
pub(super) struct Added {
    pub id: u32,
    pub content: String,
}

#[derive(Deserialize)]
struct Model {
    #[serde(rename = "type")]
    kind: Option<String>,
    #[serde(default)]
    dropout: Option<f64>,
    #[serde(default)]
    continuing_subword_prefix: Option<String>,
    #[serde(default)]
    end_of_word_suffix: Option<String>,
    vocab: Largest,
    #[serde(default)]
    merges: Option<IgnoredAny>,
}

impl Model {
    fn check(&self) -> Result<(), String> {
        // Old files lack the type; of the models only BPE has merges.
        let kind = self.kind.as_deref();
        if kind.is_some_and(|kind| kind != "BPE") || self.merges.is_none() {
            return Err("its model must be `BPE`".into());
        }
        for (name, value) in [
            ("continuing_subword_prefix", &self.continuing_subword_prefix),
            ("end_of_word_suffix", &self.end_of_word_suffix),
        ] {
            if value.as_deref().is_some_and(|text| !text.is_empty()) {
                return Err(format!(
                    "`{name}` must be empty, as in every byte-level tokenizer"
                ));
            }
        }
        match self.dropout.is_some_and(|dropout| dropout != 0.0) {
            true => Err("`dropout` must be 0: encoding would be random".into()),
            false => Ok(()),
        }
    }
}

/// The largest id of a vocabulary.
struct Largest(Option<u32>);

impl<'de> Deserialize<'de> for Largest {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Ids;
        impl<'de> Visitor<'de> for Ids {
            type Value = Largest;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a map of tokens to ids")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Largest, A::Error> {
                let mut largest = None;
                while let Some((_, id)) = map.next_entry::<IgnoredAny, u32>()? {
                    largest = largest.max(Some(id));
                }
                Ok(Largest(largest))
            }
        }
        deserializer.deserialize_map(Ids)
    }
}

/// Normalizers of byte-level tokenizers.
#[derive(Deserialize)]
#[serde(tag = "type")]
enum Normalizer {
    #[serde(alias = "NFD", alias = "NFKC", alias = "NFKD")]
    #[serde(rename = "NFC")]
    Unicode,
    Sequence {
        #[expect(dead_code, reason = "its form is checked")]
        normalizers: Vec<Normalizer>,
    },
}

/// Pre-tokenizers of byte-level tokenizers.
#[derive(Deserialize)]
#[serde(tag = "type")]
enum PreTokenizer {
    #[serde(alias = "Split", alias = "Digits", alias = "Punctuation")]
    #[serde(alias = "Whitespace", alias = "WhitespaceSplit")]
    #[serde(rename = "ByteLevel")]
    Known,
    Sequence {
        #[expect(dead_code, reason = "its form is checked")]
        pretokenizers: Vec<PreTokenizer>,
    },
}

#[derive(Deserialize)]
#[serde(tag = "type")]
enum PostProcessor {
    ByteLevel,
    TemplateProcessing {
        #[serde(default)]
        special_tokens: HashMap<String, Special>,
    },
    Sequence {
        processors: Vec<PostProcessor>,
    },
}

#[derive(Deserialize)]
struct Special {
    ids: Vec<u32>,
}

impl PostProcessor {
    /// The largest id that it adds.
    fn largest(&self) -> Option<u32> {
        match self {
            Self::ByteLevel => None,
            Self::TemplateProcessing { special_tokens } => {
                let ids = special_tokens.values().flat_map(|special| &special.ids);
                ids.copied().max()
            }
            Self::Sequence { processors } => processors.iter().filter_map(Self::largest).max(),
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use serde_json::json;

    use super::*;

    /// A file of two tokens, with one field changed.
    fn with(pointer: &str, value: Value) -> Value {
        let mut file = json!({
            "added_tokens": [{"id": 2, "content": "</s>"}],
            "normalizer": {"type": "Sequence", "normalizers": [{"type": "NFC"}]},
            "pre_tokenizer": {"type": "Sequence", "pretokenizers": [
                {"type": "Split", "pattern": {"Regex": "a"}, "behavior": "Isolated"},
                {"type": "ByteLevel", "add_prefix_space": false},
            ]},
            "post_processor": {"type": "TemplateProcessing", "single": [], "special_tokens":
                {"</s>": {"id": "</s>", "ids": [2], "tokens": ["</s>"]}}},
            "decoder": {"type": "ByteLevel"}, "padding": null, "truncation": null,
            "model": {"type": "BPE", "dropout": null, "continuing_subword_prefix": "",
                "end_of_word_suffix": null, "vocab": {"a": 0, "b": 1}, "merges": []},
        });
        *file.pointer_mut(pointer).unwrap() = value;
        file
    }

    #[test]
    fn known_parts_pass() {
        let text = with("/padding", Value::Null).to_string();
        let checked = check(text.as_bytes()).unwrap();
        assert_eq!((checked.ids, &*checked.json), (3, text.as_bytes()));
        let padded = with(
            "/padding",
            json!({"strategy": {"Fixed": 4_000_000_000_u32}}),
        );
        let checked = check(padded.to_string().as_bytes()).map(|c| c.json.into_owned());
        let without: Value = serde_json::from_slice(&checked.unwrap()).unwrap();
        assert_eq!(without, with("/padding", Value::Null));
    }

    #[test]
    fn other_parts_are_refused() {
        for (pointer, value, reason) in [
            ("/model/type", json!("Unigram"), "BPE"),
            ("/model/merges", Value::Null, "BPE"),
            (
                "/model/continuing_subword_prefix",
                json!("##"),
                "continuing_subword_prefix",
            ),
            ("/model/dropout", json!(0.1), "random"),
            ("/model/vocab/a", json!(3_999_999_999_u32), "3999999999"),
            ("/model/vocab/a", json!(-1), "invalid value"),
            ("/added_tokens/0/id", json!(10_000_000), "10000000"),
            ("/normalizer/type", json!("Precompiled"), "Precompiled"),
            (
                "/normalizer/normalizers/0/type",
                json!("Replace"),
                "Replace",
            ),
            ("/pre_tokenizer/type", json!("FixedLength"), "FixedLength"),
            ("/post_processor/special_tokens/~1s/ids", json!([3]), "id 3"),
        ] {
            let pointer = pointer.replace("~1s", "<~1s>");
            let file = with(&pointer, value).to_string();
            let error = check(file.as_bytes()).err().unwrap_or_default();
            assert!(error.contains(reason), "{pointer}: {error}");
        }
    }
}

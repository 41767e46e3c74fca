use crate::checkpoint::WEIGHT_NAMES;

const CONFIG: &str = "config.json";
const GENERATION: &str = "generation_config.json";
/// Tokenizers in the order of preference, each with all of its files.
const TOKENIZERS: &[&[&str]] = &[
    &["tokenizer.json"],
    &["qwen.tiktoken"],
    &["vocab.json", "merges.txt"],
];

/// The files of a repository that a model is made of.
#[derive(Debug, PartialEq)]
pub(super) struct Wanted {
    /// All but the weights.
    pub files: Vec<&'static str>,
    /// The weights or the index of their shards.
    pub weights: &'static str,
}

impl Wanted {
    /// Chooses among the files that a repository or a snapshot `has`. The error is what is missing.
    pub fn among(has: impl Fn(&str) -> bool) -> Result<Self, &'static str> {
        if !has(CONFIG) {
            return Err(CONFIG);
        }
        let mut files = vec![CONFIG];
        files.extend([GENERATION].into_iter().filter(|name| has(name)));
        let tokenizer = TOKENIZERS
            .iter()
            .find(|names| names.iter().all(|name| has(name)))
            .ok_or("tokenizer (tokenizer.json, qwen.tiktoken, or vocab.json and merges.txt)")?;
        files.extend(tokenizer.iter());
        let weights = WEIGHT_NAMES.iter().find(|name| has(name)).ok_or(
            "model.safetensors, pytorch_model.bin or an index of their shards (.index.json)",
        )?;
        Ok(Self { files, weights })
    }
}

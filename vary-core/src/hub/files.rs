use std::path::Path;

use crate::checkpoint::WEIGHT_NAMES;
use crate::error::{Error, Result};

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

/// Refuses weights that this build can't read, before gigabytes are downloaded.
pub(super) fn check_readable(weights: &Path) -> Result<()> {
    let is_pytorch = weights.to_string_lossy().contains("pytorch_model.bin");
    if is_pytorch && !cfg!(feature = "pytorch") {
        return Err(Error::UnknownFormat {
            path: weights.into(),
            reason: "PyTorch files need the feature `pytorch` of vary-core",
        });
    }
    Ok(())
}

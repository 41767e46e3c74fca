use std::collections::HashSet;

use burn::nn::LinearConfig;
use burn::prelude::*;
use serde::{Deserialize, Serialize};
use vary_vision::vocab::StripConfig;

use super::TextRecognizer;
use crate::{Error, Result};

/// Steps of a column at most.
const MAX_STEPS: usize = 16;

/// Configuration of a [`TextRecognizer`], the content of its `config.json`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RecognizerConfig {
    /// Always `vary-recognizer`.
    pub model_type: String,
    /// The network on strips.
    pub strip_config: StripConfig,
    /// Steps of CTC in a column of the network; two characters in a row take a step each.
    pub steps_per_column: usize,
    /// The characters that it reads, in the order of their classes, which begin at 1.
    pub alphabet: String,
}

impl RecognizerConfig {
    /// The `model_type` of these models.
    pub const MODEL_TYPE: &'static str = "vary-recognizer";

    /// The embedded model's: Western and Central European languages.
    pub fn nano() -> Self {
        Self {
            model_type: Self::MODEL_TYPE.into(),
            strip_config: StripConfig::nano(),
            steps_per_column: 3,
            alphabet: latin(),
        }
    }

    /// A few thousand parameters, for tests.
    pub fn tiny(alphabet: &str) -> Self {
        Self {
            model_type: Self::MODEL_TYPE.into(),
            strip_config: StripConfig::tiny(),
            steps_per_column: 1,
            alphabet: alphabet.into(),
        }
    }

    /// Classes: the characters and the blank.
    pub fn classes(&self) -> usize {
        self.alphabet.chars().count() + 1
    }

    /// Checks that the sizes fit each other.
    ///
    /// # Errors
    /// [`Error::Config`] naming the field and the reason.
    pub fn validate(&self) -> Result<()> {
        self.strip_config.validate()?;
        let fail = |reason: String| Err(Error::Config(reason));
        if self.model_type != Self::MODEL_TYPE {
            return fail(format!(
                "`model_type` is `{}`; a text recognizer has `{}`",
                self.model_type,
                Self::MODEL_TYPE
            ));
        }
        if !(1..=MAX_STEPS).contains(&self.steps_per_column) {
            return fail(format!(
                "`steps_per_column` is {}; 1 to {MAX_STEPS} are possible",
                self.steps_per_column
            ));
        }
        let mut seen = HashSet::new();
        match self.alphabet.chars().find(|c| !seen.insert(*c)) {
            Some(twice) => fail(format!("`alphabet` has {twice:?} twice")),
            None if seen.is_empty() => fail("`alphabet` is empty".into()),
            None => Ok(()),
        }
    }

    /// Makes the network with random weights.
    pub fn init(&self, device: &Device) -> TextRecognizer {
        let outputs = self.steps_per_column * self.classes();
        TextRecognizer {
            encoder: self.strip_config.init(device),
            head: LinearConfig::new(self.strip_config.embed_dim, outputs).init(device),
            classes: self.classes(),
        }
    }
}

/// ASCII, Latin-1, Latin Extended-A, Greek letters, and typographic and common symbols.
fn latin() -> String {
    let ranges = [
        ' '..='~',
        '¡'..='¬',
        '®'..='ÿ',
        'Ā'..='ſ',
        'Α'..='Ρ',
        'Σ'..='Ω',
        'α'..='ω',
    ];
    let symbols = "ȘșȚț–—‘’‚“”„†‡•…‰′″‹›€™ℓ№←↑→↓↔⇒−∂∆∏∑√∞∫≈≠≤≥■□▪▶►▼◆○●★☆✓✔✗✘";
    ranges
        .into_iter()
        .flatten()
        .chain(symbols.chars())
        .collect()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn presets_are_valid() {
        RecognizerConfig::nano().validate().unwrap();
        RecognizerConfig::tiny("ab ").validate().unwrap();
        assert!(RecognizerConfig::tiny("aba").validate().is_err());
        assert!(RecognizerConfig::tiny("").validate().is_err());
    }
}

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};

/// A split of drawn data: which fonts, backgrounds, surfaces and colours an image may show.
///
/// [`Test`](Self::Test) has its own; the other splits share theirs. So the metrics of the test
/// split measure how a model generalises. Validation and training differ by their seeds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Split {
    /// For training.
    #[default]
    Train,
    /// For choosing and calibrating checkpoints.
    Validation,
    /// For the final report.
    Test,
}

impl Split {
    /// All splits.
    pub const ALL: [Self; 3] = [Self::Train, Self::Validation, Self::Test];

    /// The name that [`FromStr`] reads.
    pub fn name(self) -> &'static str {
        match self {
            Self::Train => "train",
            Self::Validation => "validation",
            Self::Test => "test",
        }
    }
}

impl fmt::Display for Split {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Split {
    type Err = Error;

    /// # Errors
    /// [`Error::Setting`] listing the names.
    fn from_str(text: &str) -> Result<Self> {
        named("split", text, Self::ALL, Self::name)
    }
}

/// The value of `all` with the name `text`.
pub(crate) fn named<T: Copy, const N: usize>(
    field: &'static str,
    text: &str,
    all: [T; N],
    name: fn(T) -> &'static str,
) -> Result<T> {
    let found = all.into_iter().find(|&value| name(value) == text);
    found.ok_or_else(|| Error::Setting {
        field,
        problem: format!("is {text:?}, not one of {}", all.map(name).join(", ")),
    })
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn split_names_parse() {
        for split in Split::ALL {
            assert_eq!(split.name().parse::<Split>().unwrap(), split);
            let json = serde_json::to_string(&split).unwrap();
            assert_eq!(json, format!("\"{split}\""));
        }
        let error = "held_out".parse::<Split>().unwrap_err().to_string();
        assert!(error.contains("train, validation, test"), "{error}");
    }
}

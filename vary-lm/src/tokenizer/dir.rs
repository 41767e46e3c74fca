use std::path::{Path, PathBuf};

use super::Tokenizer;
use crate::{Error, Result};

/// Name of the vocabulary in Qwen's checkpoints.
const QWEN_FILE: &str = "qwen.tiktoken";

impl Tokenizer {
    /// Reads the tokenizer in a checkpoint's directory: `tokenizer.json` where there is one; else
    /// `qwen.tiktoken`, or another file of that kind; else OPT's `vocab.json` and `merges.txt`.
    ///
    /// # Errors
    /// [`Error::Io`] when the directory cannot be read, [`Error::Tokenizer`] when it has none of
    /// the files or several `.tiktoken` files to choose from, and those of the reader of the file.
    pub fn from_dir(dir: impl AsRef<Path>) -> Result<Self> {
        let dir = dir.as_ref();
        let tiktoken = tiktoken_files(dir)?;
        let json = dir.join("tokenizer.json");
        if json.is_file() {
            return Self::from_file(json);
        }
        match tiktoken.as_slice() {
            [] => {}
            [file] => return Self::from_tiktoken(file),
            several => {
                let names: Vec<_> = several.iter().map(|f| f.display().to_string()).collect();
                let reason = format!(
                    "several vocabularies ({}) and none is named {QWEN_FILE}; rename the right one \
                     to that",
                    names.join(", ")
                );
                return Err(Error::tokenizer(dir.display(), reason));
            }
        }
        let (vocab, merges) = (dir.join("vocab.json"), dir.join("merges.txt"));
        if vocab.is_file() && merges.is_file() {
            return Self::from_opt_files(vocab, merges);
        }
        let reason = format!(
            "found neither tokenizer.json, nor {QWEN_FILE} (or another .tiktoken file), nor \
             vocab.json with merges.txt; copy those of the original checkpoint into the directory"
        );
        Err(Error::tokenizer(dir.display(), reason))
    }
}

/// Files to choose from: only the one with the usual name where it exists.
fn tiktoken_files(dir: &Path) -> Result<Vec<PathBuf>> {
    let failed = |e| Error::io(dir, e);
    let mut files = vec![];
    for entry in std::fs::read_dir(dir).map_err(failed)? {
        let path = entry.map_err(failed)?.path();
        if path.extension().is_some_and(|e| e == "tiktoken") && path.is_file() {
            files.push(path);
        }
    }
    // The file system lists a directory in any order.
    files.sort_unstable();
    let usual = dir.join(QWEN_FILE);
    Ok(if files.contains(&usual) {
        vec![usual]
    } else {
        files
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::panic)]

    use super::*;
    use crate::tokenizer::{IM_END, TokenizerBuilder, synthetic_tiktoken};

    #[test]
    fn kinds_in_order_of_preference() {
        let dir = tempfile::tempdir().unwrap();
        let path = |name: &str| dir.path().join(name);
        let size = || Tokenizer::from_dir(dir.path()).unwrap().vocab_size();
        let error = || Tokenizer::from_dir(dir.path()).unwrap_err().to_string();
        for name in [
            "tokenizer.json",
            "qwen.tiktoken",
            "vocab.json",
            "merges.txt",
        ] {
            assert!(error().contains(name), "{}", error());
        }

        let vocab = r#"{"</s>": 0, "<pad>": 1, "a": 2}"#;
        std::fs::write(path("vocab.json"), vocab).unwrap();
        assert!(error().contains("merges.txt"), "{}", error());
        std::fs::write(path("merges.txt"), "").unwrap();
        assert_eq!(size(), 3 + 3);

        std::fs::write(path("other.tiktoken"), synthetic_tiktoken(300)).unwrap();
        assert_eq!(size(), 300 + 217);
        std::fs::write(path("second.tiktoken"), synthetic_tiktoken(301)).unwrap();
        assert!(error().contains("second.tiktoken"), "{}", error());
        std::fs::write(path("qwen.tiktoken"), synthetic_tiktoken(302)).unwrap();
        assert_eq!(size(), 302 + 217);

        let built = TokenizerBuilder::opt().build().unwrap();
        std::fs::write(path("tokenizer.json"), built.to_json().unwrap()).unwrap();
        assert_eq!(size(), built.vocab_size());
        assert!(built.token_to_id(IM_END).is_none());

        std::fs::write(path("tokenizer.json"), "{}").unwrap();
        assert!(
            error().contains("not a valid tokenizer.json"),
            "{}",
            error()
        );
    }

    #[test]
    fn missing_directory() {
        let dir = tempfile::tempdir().unwrap();
        let none = dir.path().join("none");
        let error = Tokenizer::from_dir(&none).unwrap_err();
        assert!(matches!(error, Error::Io { path, .. } if path == none));
    }
}

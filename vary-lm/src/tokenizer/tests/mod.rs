#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod build;
mod coordinates;
mod opt_files;
mod save;

use std::sync::OnceLock;

use tempfile::TempDir;

use super::*;

const CLASSES: [&str; 5] = ["car", "traffic light", "Bow Tie", "C++ book", "köttbulle"];
const PIECES: [&str; 4] = ["Detect ", "Detect all objects", " and ", " in this image"];

/// A tokenizer of [`CLASSES`] and [`PIECES`] for an OPT decoder.
pub(super) fn built() -> Tokenizer {
    static BUILT: OnceLock<Tokenizer> = OnceLock::new();
    let build = || {
        let builder = TokenizerBuilder::opt().pieces(&PIECES).classes(&CLASSES);
        builder.build().unwrap()
    };
    BUILT.get_or_init(build).clone()
}

/// The text of each token of `text`.
fn texts(tokenizer: &Tokenizer, text: &str) -> Vec<String> {
    let ids = tokenizer.encode(text, false).unwrap();
    let decode = |id: &u32| tokenizer.decode(&[*id], false).unwrap();
    ids.iter().map(decode).collect()
}

/// A directory with OPT's two files and the tokenizer read from them: bytes and the merges of
/// "hello".
pub(super) fn tiny_opt() -> (TempDir, Tokenizer) {
    let dir = tempfile::tempdir().unwrap();
    let mut names: Vec<String> = ["<s>", PAD, EOS, "<unk>"].map(String::from).to_vec();
    names.extend((0..=255).map(|b| bytes::to_char(b).to_string()));
    names.extend(["he", "ll", "hell", "hello"].map(String::from));
    let vocab: std::collections::BTreeMap<_, _> = names.iter().zip(0u32..).collect();
    let [vocab_file, merges_file] = ["vocab.json", "merges.txt"].map(|f| dir.path().join(f));
    std::fs::write(&vocab_file, serde_json::to_string(&vocab).unwrap()).unwrap();
    std::fs::write(&merges_file, "#version: 0.2\nh e\nl l\nhe ll\nhell o\n").unwrap();
    let tokenizer = Tokenizer::from_opt_files(vocab_file, merges_file).unwrap();
    (dir, tokenizer)
}

#[test]
fn missing_tokens_and_ids() {
    let tokenizer = built();
    let size = tokenizer.vocab_size() as u32;
    let error = tokenizer.decode(&[5, size], true).unwrap_err();
    assert!(
        matches!(error, Error::UnknownId { id, .. } if id == size),
        "{error:?}"
    );
    let error = tokenizer.require("<quad>").unwrap_err().to_string();
    assert!(error.contains("`<quad>`"), "{error}");
}

#[test]
fn unreadable_files() {
    let dir = tempfile::tempdir().unwrap();
    let none = dir.path().join("none.json");
    assert!(matches!(Tokenizer::from_file(&none), Err(Error::Io { path, .. }) if path == none));
    let opt = Tokenizer::from_opt_files(&none, &none);
    assert!(matches!(opt, Err(Error::Io { .. })));
    for json in ["", "{\"version\": 3"] {
        let error = Tokenizer::from_bytes(json).unwrap_err();
        assert!(matches!(error, Error::Tokenizer { .. }), "{error:?}");
    }
    let words = r#"{"version":"1.0","truncation":null,"padding":null,"added_tokens":[],
        "normalizer":null,"pre_tokenizer":null,"post_processor":null,"decoder":null,
        "model":{"type":"WordLevel","vocab":{"a":0},"unk_token":"a"}}"#;
    let error = Tokenizer::from_bytes(words).unwrap_err().to_string();
    assert!(error.contains("BPE"), "{error}");
}

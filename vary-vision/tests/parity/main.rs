//! Parity with the original PyTorch code; see `fixtures/parity/*/README.md`.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

mod clip;
mod preprocess;
#[path = "../../../fixtures/support.rs"]
mod support;
mod tiles;
mod vocab;

/// Names of the cases of a kind: `preprocess`, `preprocess_2` ..., at least one.
fn cases(kind: &str) -> Vec<String> {
    let entries = std::fs::read_dir(support::dir("")).unwrap();
    let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let is_number = |rest: &str| rest.parse::<u32>().is_ok();
    let of_kind = |name: &String| match name.strip_prefix(kind) {
        Some("") => true,
        Some(rest) => rest.strip_prefix('_').is_some_and(is_number),
        None => false,
    };
    let mut names: Vec<String> = names.filter(of_kind).collect();
    names.sort();
    assert!(!names.is_empty(), "no case of {kind}");
    names
}

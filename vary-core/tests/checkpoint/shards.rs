use std::path::{Path, PathBuf};

use burn::prelude::*;
use serde_json::json;
use vary_core::Error;
use vary_core::checkpoint::{CheckpointFiles, IndexReport, SaveOptions, load, save};

use crate::support::{Tensors, bytes_of, key_map, model, official, put};

const INDEX: &str = "model.safetensors.index.json";
const SHARDS: [&str; 2] = ["model-1-of-2.safetensors", "model-2-of-2.safetensors"];

/// Splits the official tensors in two and lists them.
fn halves() -> ([Tensors; 2], serde_json::Map<String, serde_json::Value>) {
    let mut halves = [Tensors::new(), Tensors::new()];
    let mut listed = serde_json::Map::new();
    for (i, (name, tensor)) in official().into_iter().enumerate() {
        listed.insert(name.clone(), json!(SHARDS[i % 2]));
        halves[i % 2].insert(name, tensor);
    }
    (halves, listed)
}

fn put_all(
    dir: &Path,
    halves: &[Tensors; 2],
    listed: serde_json::Map<String, serde_json::Value>,
) -> PathBuf {
    for (name, half) in SHARDS.iter().zip(halves) {
        put(dir, name, bytes_of(half));
    }
    put(
        dir,
        INDEX,
        json!({"metadata": {"total_size": 0}, "weight_map": listed}).to_string(),
    )
}

fn report(path: &Path) -> IndexReport {
    match CheckpointFiles::open(path) {
        Err(Error::IndexMismatch { report, .. }) => *report,
        other => panic!("expected an index mismatch, got {other:?}"),
    }
}

#[test]
fn shards_load() {
    let dir = tempfile::tempdir().unwrap();
    let (halves, listed) = halves();
    let index = put_all(dir.path(), &halves, listed);
    let out = dir.path().join("whole.safetensors");
    for path in [dir.path(), &index] {
        let files = CheckpointFiles::open(path).unwrap();
        assert_eq!(files.path(), index);
        let model = load(model(&Device::flex()), &files, &key_map()).unwrap();
        let plain = SaveOptions::default().metadata(Default::default());
        save(&model, &key_map(), &out, &plain).unwrap();
        assert!(std::fs::read(&out).unwrap() == bytes_of(&official()));
    }
}

#[test]
fn missing_shard_is_named() {
    let dir = tempfile::tempdir().unwrap();
    let (halves, listed) = halves();
    put_all(dir.path(), &halves, listed);
    std::fs::remove_file(dir.path().join(SHARDS[1])).unwrap();
    let error = CheckpointFiles::open(dir.path()).unwrap_err();
    assert!(error.to_string().contains(SHARDS[1]), "{error}");
    let Error::MissingShards { shards, .. } = error else {
        panic!("{error}")
    };
    assert_eq!(shards, [SHARDS[1]]);
}

#[test]
fn index_matches_shards() {
    let dir = tempfile::tempdir().unwrap();
    let (halves, listed) = halves();
    let key = |name: &str, shard: usize| format!("{name} (in {})", SHARDS[shard]);
    let first = halves[0].keys().next().unwrap().clone();

    let mut lacking = halves.clone();
    lacking[0].remove(&first);
    let index = put_all(dir.path(), &lacking, listed.clone());
    assert_eq!(report(&index).absent, [key(&first, 0)]);

    let mut extra = halves.clone();
    extra[1].insert("extra".into(), (vec![1], vec![1.0]));
    let index = put_all(dir.path(), &extra, listed.clone());
    assert_eq!(report(&index).unlisted, [key("extra", 1)]);

    let mut twice = halves.clone();
    twice[1].insert(first.clone(), halves[0][&first].clone());
    let index = put_all(dir.path(), &twice, listed);
    let report = report(&index);
    assert_eq!(report.duplicates, [key(&first, 1)]);
    assert!(report.absent.is_empty() && report.unlisted.is_empty());
    let text = CheckpointFiles::open(&index).unwrap_err().to_string();
    assert!(text.contains("1 in more than one shard"), "{text}");
}

#[test]
fn index_path_escape_fails() {
    let dir = tempfile::tempdir().unwrap();
    let inner = dir.path().join("inner");
    std::fs::create_dir(&inner).unwrap();
    let outside = put(dir.path(), "out.safetensors", bytes_of(&official()));
    for shard in [
        "../out.safetensors",
        outside.to_str().unwrap(),
        "a/b",
        "a\\b",
        "..",
        ".",
        "",
    ] {
        let index = put(
            &inner,
            INDEX,
            json!({"weight_map": {"a": shard}}).to_string(),
        );
        let error = CheckpointFiles::open(&index).unwrap_err();
        assert!(matches!(error, Error::BadIndex { .. }), "{shard}: {error}");
    }
}

#[test]
fn malformed_index_fails() {
    let dir = tempfile::tempdir().unwrap();
    let twice = r#"{"weight_map": {"a": "x.safetensors", "a": "y.safetensors"}}"#;
    for text in ["", "{", "{}", "[]", r#"{"weight_map": {"a": 1}}"#, twice] {
        let index = put(dir.path(), INDEX, text);
        let error = CheckpointFiles::open(&index).unwrap_err();
        assert!(matches!(error, Error::BadIndex { .. }), "{text}: {error}");
    }
}

#[test]
fn truncated_shard_is_named() {
    let dir = tempfile::tempdir().unwrap();
    let (halves, listed) = halves();
    put_all(dir.path(), &halves, listed);
    let bytes = bytes_of(&halves[0]);
    put(dir.path(), SHARDS[0], &bytes[..bytes.len() - 1]);
    let error = CheckpointFiles::open(dir.path()).unwrap_err();
    let Error::Truncated {
        path,
        needed,
        found,
    } = error
    else {
        panic!("{error}")
    };
    assert_eq!((path, needed), (dir.path().join(SHARDS[0]), found + 1));
}

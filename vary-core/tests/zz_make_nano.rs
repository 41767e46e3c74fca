//! throw-away
#![allow(clippy::unwrap_used)]
use burn::prelude::*;
use vary_core::checkpoint::{SaveOptions, StoredType};
use vary_core::model::VaryTinyConfig;
#[test]
fn make() {
    let root = concat!(env!("CARGO_MANIFEST_DIR"), "/assets/nano");
    let atlas: serde_json::Value = serde_json::from_slice(
        &std::fs::read(concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/../vary-vocab-train/assets/atlas.json"
        ))
        .unwrap(),
    )
    .unwrap();
    let names: Vec<&str> = atlas
        .as_array()
        .unwrap()
        .iter()
        .map(|v| v["name"].as_str().unwrap())
        .collect();
    let tokenizer = vary_lm::tokenizer::nano_tokenizer(&names).unwrap();
    let device = Device::flex();
    device.seed(1);
    let config = VaryTinyConfig::nano(tokenizer.vocab_size());
    config
        .init(&device)
        .save(
            &config,
            root,
            &SaveOptions::default().stored(StoredType::F16),
        )
        .unwrap();
    tokenizer.save(format!("{root}/tokenizer.json")).unwrap();
}

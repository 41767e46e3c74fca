use burn::prelude::*;
use vary_core::checkpoint::{CheckpointFiles, Precision, names_and_shapes};
use vary_core::model::{FamilyConfig, FamilyModel, VaryTiny, VaryTinyConfig};

use crate::support::{assert_official, weights};

const CASE: &str = "vary_tiny";

#[test]
fn older_tower_name() {
    let device = Device::flex();
    let (_, config) = VaryTiny::load(weights(CASE), &device).unwrap();
    let dir = tempfile::tempdir().unwrap();
    let bytes = std::fs::read(weights(CASE)).unwrap();
    let file = safetensors::SafeTensors::deserialize(&bytes).unwrap();
    let tensors: Vec<_> = file
        .iter()
        .map(|(name, tensor)| (name.replace("vision_tower", "vision_tower_2"), tensor))
        .collect();
    let path = dir.path().join("model.safetensors");
    safetensors::serialize_to_file(tensors, None, &path).unwrap();
    let files = CheckpointFiles::open(&path).unwrap();
    VaryTiny::from_files(&config, &files, &device, Precision::F32).unwrap();
}

#[test]
fn contradictory_config_is_error() {
    let device = Device::flex();
    let files = CheckpointFiles::open(weights(CASE)).unwrap();
    let (_, config) = VaryTiny::load(weights(CASE), &device).unwrap();
    type Change = fn(&mut VaryTinyConfig);
    let changes: [(Change, &str); 4] = [
        (|c| c.opt.ffn_dim += 1, "fc1"),
        (|c| c.sam_config.depth += 1, "missing"),
        (|c| c.image_token_len += 1, "image_token_len"),
        (|c| c.im_end_token = c.opt.vocab_size as u32, "im_end_token"),
    ];
    for (change, named) in changes {
        let mut config = config.clone();
        change(&mut config);
        let error = VaryTiny::from_files(&config, &files, &device, Precision::F32)
            .unwrap_err()
            .to_string();
        assert!(error.contains(named), "{error}");
    }
}

#[test]
fn full_size_official_keys() {
    let model = VaryTinyConfig::vary_tiny().init(&Device::flex());
    let ours = names_and_shapes(&model, &model.key_map()).unwrap();
    assert_official("full_size_keys.json", "vary_tiny", ours);
}

#[test]
fn published_config_tower() {
    let mut published = serde_json::to_value(VaryTinyConfig::vary_tiny()).unwrap();
    let fields = published.as_object_mut().unwrap();
    for name in [
        "sam_config",
        "im_patch_token",
        "im_start_token",
        "im_end_token",
    ] {
        assert!(fields.remove(name).is_some());
    }
    let read: VaryTinyConfig = serde_json::from_value(published).unwrap();
    assert_eq!(read, VaryTinyConfig::vary_tiny());
}

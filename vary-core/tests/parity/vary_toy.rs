use burn::prelude::*;
use vary_core::Error;
use vary_core::checkpoint::{CheckpointFiles, Precision, names_and_shapes};
use vary_core::model::{FamilyConfig, FamilyModel, ModelConfig, VaryModel, VaryToy, VaryToyConfig};

use crate::case::{ModelCase, each};
use crate::support::{assert_close, assert_official, devices, floats, io, json, prompts, weights};

const CASE: &str = "vary_toy";
const TOLERANCE: f32 = 5e-4;

#[test]
fn tower_tokens_match() {
    each::<VaryToy>(|case| {
        let io = io(case);
        for device in devices() {
            let (model, _) = VaryToy::load(weights(case), &device).unwrap();
            let pixels = |name| Tensor::<4>::from_data(io.data(name), &device);
            let [clip, vocab] = model.tower_tokens(pixels("images_clip"), pixels("images_high"));
            for (name, tokens) in [("clip_tokens", clip), ("vocab_tokens", vocab)] {
                assert_close(name, &floats(tokens), &io.floats(name), TOLERANCE);
            }
        }
    });
}

#[test]
fn full_size_official_keys() {
    let config = VaryToyConfig::vary_toy();
    config.validate().unwrap();
    let model = config.init(&Device::flex());
    let ours = names_and_shapes(&model, &model.key_map()).unwrap();
    assert_eq!(ours.len(), 769);
    let parameters = ours
        .iter()
        .map(|(_, shape)| shape.iter().product::<usize>());
    assert_eq!(parameters.sum::<usize>(), 2_237_365_504);
    assert_official("full_size_keys.json", "vary_toy", ours);
}

#[test]
fn published_config_towers() {
    // Qwen-1.8B's fields and what the training code adds, without sizes of the towers.
    let mut published = serde_json::to_value(VaryToyConfig::vary_toy()).unwrap();
    let fields = published.as_object_mut().unwrap();
    for name in [
        "clip_config",
        "sam_config",
        "im_patch_token",
        "image_token_len",
    ] {
        assert!(fields.remove(name).is_some());
    }
    fields.insert(
        "vision_tower".into(),
        "openai/clip-vit-large-patch14".into(),
    );
    let dir = tempfile::tempdir().unwrap();
    // The published file says `mmgpt`; the code of the repository `vary`.
    for model_type in [Some("vary"), Some("mmgpt"), None] {
        match model_type {
            Some(name) => published["model_type"] = name.into(),
            None => drop(published.as_object_mut().unwrap().remove("model_type")),
        }
        let text = serde_json::to_vec(&published).unwrap();
        std::fs::write(dir.path().join("config.json"), text).unwrap();
        let read = ModelConfig::read(dir.path()).unwrap();
        let mut expected = VaryToyConfig::vary_toy();
        expected.model_type = model_type.unwrap_or("vary").into();
        assert_eq!(read, expected.into());
        read.validate().unwrap();
    }
}

#[test]
fn old_position_ids_are_accepted() {
    let (_, config) = VaryToy::load(weights(CASE), &Device::flex()).unwrap();
    let bytes = std::fs::read(weights(CASE)).unwrap();
    let file = safetensors::SafeTensors::deserialize(&bytes).unwrap();
    let ids = [0u8; 16];
    let ids = safetensors::tensor::TensorView::new(safetensors::Dtype::I64, vec![1, 2], &ids);
    let name = "transformer.vision_tower.vision_model.embeddings.position_ids";
    let tensors = file.iter().chain([(name, ids.unwrap())]);
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("model.safetensors");
    safetensors::serialize_to_file(tensors, None, &path).unwrap();
    let files = CheckpointFiles::open(&path).unwrap();
    VaryToy::from_files(&config, &files, &Device::flex(), Precision::F32).unwrap();
}

#[test]
fn contradictory_config_is_error() {
    let device = Device::flex();
    let files = CheckpointFiles::open(weights(CASE)).unwrap();
    let (_, config) = VaryToy::load(weights(CASE), &device).unwrap();
    type Change = fn(&mut VaryToyConfig);
    let changes: [(Change, &str); 7] = [
        (|c| c.qwen.intermediate_size += 2, "mlp.w1"),
        (|c| c.clip_config.num_hidden_layers += 1, "missing"),
        (|c| c.clip_config.image_size *= 2, "one to one"),
        (
            |c| c.vision_select_layer = c.clip_config.num_hidden_layers as isize + 1,
            "vision_select_layer",
        ),
        (|c| c.image_token_len += 1, "image_token_len"),
        (
            |c| c.im_patch_token = c.qwen.vocab_size as u32,
            "im_patch_token",
        ),
        (|c| c.model_type = "llava".into(), "llava"),
    ];
    for (change, named) in changes {
        let mut config = config.clone();
        change(&mut config);
        let error = VaryToy::from_files(&config, &files, &device, Precision::F32)
            .unwrap_err()
            .to_string();
        assert!(error.contains(named), "{error}");
    }
}

#[test]
fn other_family_is_error() {
    let dir = tempfile::tempdir().unwrap();
    let mut config = json(CASE, "config.json");
    config["model_type"] = "llama".into();
    std::fs::write(dir.path().join("config.json"), config.to_string()).unwrap();
    let error = ModelConfig::read(dir.path()).unwrap_err();
    assert!(matches!(error, Error::Config(_)), "{error}");
    assert!(error.to_string().contains("\"llama\""), "{error}");
    std::fs::write(dir.path().join("config.json"), "{}").unwrap();
    let error = ModelConfig::read(dir.path()).unwrap_err();
    assert!(error.to_string().contains("no `model_type`"), "{error}");
}

#[test]
fn images_match_placeholders() {
    let io = io(CASE);
    let (model, _) = VaryToy::load(weights(CASE), &Device::flex()).unwrap();
    let tokens = model.image_tokens(&io, &[0, 1]);
    let prompt = &prompts(&io, "")[..1];
    for tokens in [None, Some(tokens)] {
        let error = model.embed(prompt, tokens).unwrap_err();
        assert!(matches!(error, Error::ImagePlaceholder { .. }), "{error}");
    }
}

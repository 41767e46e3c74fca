use burn::prelude::*;
use vary_core::checkpoint::{CheckpointFiles, Precision, SaveOptions, names_and_shapes};
use vary_core::model::{
    Family, FamilyConfig, FamilyModel, GotLayout, GotOcr2, GotOcr2Config, ModelConfig, VaryModel,
};
use vary_core::prompt::{FrameColor, PromptVariant, Region, Shown, Task, prompt_ids};
use vary_lm::generate::{GenerateOptions, Generator};
use vary_lm::tokenizer::Tokenizer;

use crate::support::{
    Tensors, assert_close, assert_official, case_dir, companion_dir, devices, floats, io, items,
    json, read, weights,
};

const CASE: &str = "got_ocr2";

/// The configurations of transformers 4 and 5 with the weights of that layout.
fn transformers(file: &str, device: &Device) -> (GotOcr2, GotOcr2Config) {
    let config: GotOcr2Config = read(&json(CASE, file));
    let path = case_dir(CASE).join("weights_hf.safetensors");
    let files = CheckpointFiles::open(path).unwrap();
    let model = GotOcr2::from_files(&config, &files, device, Precision::F32).unwrap();
    (model, config)
}

#[test]
fn vision_stages_match() {
    let io = io(CASE);
    for device in devices() {
        let (model, _) = GotOcr2::load(weights(CASE), &device).unwrap();
        let tower = &model.vision_tower_high;
        let pixels = Tensor::<4>::from_data(io.data("pixel_values"), &device);
        let check = |name: &str, got: Vec<f32>| {
            let golden = io.floats(name);
            let largest = golden.iter().fold(1f32, |a, b| a.max(b.abs()));
            assert_close(name, &got, &golden, 5e-5 * largest);
        };
        let mut x = tower.embed(pixels.clone().narrow(0, 0, 1));
        check("vision_embed", floats(x.clone()));
        for (i, block) in tower.blocks.iter().enumerate() {
            x = block.forward(x);
            check(&format!("vision_block_{i}"), floats(x.clone()));
        }
        let neck = tower.neck.forward(x);
        check("vision_neck", floats(neck.clone()));
        let net_2 = tower.net_2.forward(neck);
        check("vision_net_2", floats(net_2.clone()));
        check("vision_net_3", floats(tower.net_3.forward(net_2)));
        check("vocab_tokens", floats(tower.forward(pixels.clone())));
        check("image_tokens", floats(model.encode(pixels)));
    }
}

#[test]
fn hidden_states_and_cache_match() {
    let io = io(CASE);
    let ids: Vec<u32> = io.rows("single_input_ids")[0]
        .iter()
        .map(|&id| id as u32)
        .collect();
    for device in devices() {
        let (model, _) = GotOcr2::load(weights(CASE), &device).unwrap();
        let pixels = Tensor::<4>::from_data(io.data("pixel_values"), &device);
        let tokens = model.encode(pixels.narrow(0, 0, 1));
        let embeds = model
            .embed(std::slice::from_ref(&ids), Some(tokens))
            .unwrap();
        let check = |name: &str, got: Vec<f32>| assert_close(name, &got, &io.floats(name), 5e-4);
        check("single_inputs_embeds", floats(embeds.clone()));
        let lm = model.language_model();
        let mut cache = lm.cache(1, ids.len());
        let mut states = vec![];
        lm.forward_states(embeds, None, Some(&mut cache), &mut |x| {
            states.push(x.clone())
        });
        assert_eq!(states.len(), model.qwen.h.len() + 1);
        for (i, state) in states.into_iter().enumerate() {
            check(&format!("single_hidden_state_{i}"), floats(state));
        }
        let (keys, values) = cache.layer_tensors(0).unwrap();
        check("single_layer0_key_cache", floats(keys));
        check("single_layer0_value_cache", floats(values));
    }
}

/// Runs of two tokens that occurred before, in prompt or answer, are banned.
#[test]
fn repeated_pairs_are_banned() {
    let io = io(CASE);
    let ids = |name| -> Vec<u32> { io.rows(name)[0].iter().map(|&i| i as u32).collect() };
    let (prompt, expected) = (ids("single_input_ids"), ids("single_ngram2_new_ids"));
    for device in devices() {
        let (model, _) = GotOcr2::load(weights(CASE), &device).unwrap();
        let pixels = Tensor::<4>::from_data(io.data("pixel_values"), &device);
        let tokens = model.encode(pixels.narrow(0, 0, 1));
        let embeds = model
            .embed(std::slice::from_ref(&prompt), Some(tokens))
            .unwrap();
        let lm = model.language_model();
        let mut cache = lm.cache(1, prompt.len() + expected.len());
        let first = floats(lm.next_logits(embeds, &mut cache));
        let options = GenerateOptions {
            max_new_tokens: expected.len(),
            no_repeat_ngram: Some(2),
            ..GenerateOptions::default()
        };
        let generated = Generator::new(first, options, |id| {
            let embeds = model.embed(&[vec![id]], None).unwrap();
            Ok(floats(lm.next_logits(embeds, &mut cache)))
        });
        let generated = generated.unwrap().after(&prompt).run().unwrap();
        let got: Vec<u32> = generated.tokens.iter().map(|token| token.id).collect();
        assert_eq!(got, expected);
    }
}

#[test]
fn banned_tokens_match() {
    for case in items(&json("got_prompts", "ngrams.json")) {
        let ids: Vec<u32> = read(&case["ids"]);
        let banned: Vec<u32> = read(&case["banned"]);
        let n: usize = read(&case["ngram_size"]);
        let vocab = 2 + ids.iter().max().copied().unwrap_or(0);
        for id in 0..vocab {
            // The token is the likeliest by far: it is chosen unless it is banned.
            let logits = (0..vocab)
                .map(|i| if i == id { 9.0 } else { 0.0 })
                .collect();
            let options = GenerateOptions {
                max_new_tokens: 1,
                no_repeat_ngram: Some(n),
                ..GenerateOptions::default()
            };
            let generator = Generator::new(logits, options, |_| unreachable!()).unwrap();
            let generated = generator.after(&ids).run().unwrap();
            let chosen = generated.tokens[0].id == id;
            assert_eq!(chosen, !banned.contains(&id), "{case}");
        }
    }
}

#[test]
fn prompts_match() {
    let tokenizer = Tokenizer::from_tiktoken(companion_dir("tokenizer").join("tiny.tiktoken"));
    let tokenizer = tokenizer.unwrap();
    let mut config = GotOcr2Config::tiny(tokenizer.vocab_size());
    config.image_placeholder.len = read(&json("got_prompts", "config.json")["image_tokens"]);
    let config = ModelConfig::from(config);
    for case in items(&json("got_prompts", "prompts.json")) {
        let place: Option<[u32; 4]> = read(&case["box"]);
        let region = match (place, case["color"].as_str()) {
            (Some(place), None) => Some(Region::Box(place)),
            (None, Some("blue")) => Some(Region::Framed(FrameColor::Blue)),
            (None, None) => None,
            other => panic!("{other:?}"),
        };
        let task = match (case["format"] == true, region) {
            (false, None) => Task::Ocr,
            (true, None) => Task::Markdown,
            (false, Some(region)) => Task::OcrIn(region),
            (true, Some(region)) => Task::MarkdownIn(region),
        };
        let views: usize = read(&case["pictures"]);
        let pages = case["kind"] == "multi_page";
        for (variant, ids) in [
            (PromptVariant::Original, "tiny_ids"),
            (PromptVariant::Hub, "hub_tiny_ids"),
            (PromptVariant::Transformers, "hf_tiny_ids"),
        ] {
            let shown = Shown {
                size: read(&case["size"]),
                images: if pages { views } else { 1 },
                tiled: case["kind"] == "multi_crop",
                variant,
            };
            let question = task.question_about(Family::GotOcr2, &shown).unwrap();
            if variant == PromptVariant::Original {
                assert_eq!(question, case["question"].as_str().unwrap());
            }
            let turns = [(question.as_str(), None)];
            let got = prompt_ids(&tokenizer, &config, variant, views, &turns).unwrap();
            let expected: Vec<u32> = read(&case[ids]);
            assert_eq!(got, expected, "{variant:?}: {case}");
        }
    }
}

#[test]
fn both_layouts_are_one_model() {
    let device = Device::flex();
    let (original, config) = GotOcr2::load(weights(CASE), &device).unwrap();
    let dir = tempfile::tempdir().unwrap();
    let save = |model: &GotOcr2, config: &GotOcr2Config, name: &str| {
        let dir = dir.path().join(name);
        model.save(config, &dir, &SaveOptions::default()).unwrap();
        (
            ModelConfig::read(&dir).unwrap(),
            Tensors::open(&dir.join("model.safetensors")),
        )
    };
    let same = |saved: &Tensors, path: &std::path::Path| {
        let expected = Tensors::open(path);
        let sorted = |mut names: Vec<String>| {
            names.sort();
            names
        };
        assert_eq!(sorted(saved.names()), sorted(expected.names()));
        for name in expected.names() {
            saved.data(&name).assert_eq(&expected.data(&name), true);
        }
    };
    let golden = case_dir(CASE).join("weights_hf.safetensors");
    for file in ["config_hf.json", "config_hf5.json"] {
        let (model, hf) = transformers(file, &device);
        assert_eq!(hf, config.clone().with_layout(GotLayout::Transformers));
        let (again, saved) = save(&model, &hf, file);
        assert_eq!(again, hf.clone().into());
        same(&saved, &golden);
        // Back to the original, whose head is stored a second time.
        let files = CheckpointFiles::open(&golden).unwrap();
        let model = GotOcr2::from_files(&config, &files, &device, Precision::F32).unwrap();
        let (again, saved) = save(&model, &config, "original");
        assert_eq!(again, config.clone().into());
        same(&saved, &weights(CASE));
    }
    let (model, _) = transformers("config_hf.json", &device);
    let pixels = Tensor::<4>::from_data(io(CASE).data("pixel_values"), &device);
    let tokens = [&model, &original].map(|model| floats(model.encode(pixels.clone())));
    assert_eq!(tokens[0], tokens[1]);
}

#[test]
fn full_size_official_keys() {
    for (layout, name, count) in [
        (GotLayout::Original, "GOT-OCR2_0 (original)", 472),
        (GotLayout::Transformers, "GOT-OCR-2.0-hf", 471),
    ] {
        let config = GotOcr2Config::got_ocr2().with_layout(layout);
        config.validate().unwrap();
        let model = config.init(&Device::flex());
        let ours = names_and_shapes(&model, &model.key_map()).unwrap();
        assert_eq!(ours.len(), count);
        let head = "lm_head.weight".to_string();
        let distinct = ours.iter().filter(|(name, _)| *name != head);
        let parameters = distinct.map(|(_, shape)| shape.iter().product::<usize>());
        assert_eq!(parameters.sum::<usize>(), 560_528_640);
        assert_official("full_size_keys_got.json", name, ours);
    }
}

#[test]
fn published_configs_open() {
    let full = GotOcr2Config::got_ocr2();
    // The original's fields, without the tower's.
    let mut original = serde_json::to_value(&full).unwrap();
    for name in ["sam_config", "image_token_len"] {
        assert!(original.as_object_mut().unwrap().remove(name).is_some());
    }
    // transformers leaves out what equals its defaults.
    let few = serde_json::json!({
        "model_type": "got_ocr2",
        "text_config": {"model_type": "qwen2", "vocab_size": 151_860, "rope_parameters": {
            "rope_theta": 1_000_000.0, "rope_type": "default"
        }},
        "vision_config": {"image_size": 1024},
        "torch_dtype": "bfloat16",
    });
    let none = serde_json::json!({"model_type": "got_ocr2"});
    let transformers = full.clone().with_layout(GotLayout::Transformers);
    let dir = tempfile::tempdir().unwrap();
    for (fields, expected) in [
        (original, &full),
        (few, &transformers),
        (none, &transformers),
    ] {
        std::fs::write(dir.path().join("config.json"), fields.to_string()).unwrap();
        let config = ModelConfig::read(dir.path()).unwrap();
        config.validate().unwrap();
        assert_eq!(config, expected.clone().into());
    }
}

#[test]
fn wrong_fields_are_named() {
    let dir = tempfile::tempdir().unwrap();
    let message = |fields: serde_json::Value| {
        std::fs::write(dir.path().join("config.json"), fields.to_string()).unwrap();
        let config = ModelConfig::read(dir.path());
        config
            .and_then(|config| config.validate())
            .unwrap_err()
            .to_string()
    };
    let tiny = serde_json::to_value(GotOcr2Config::tiny(300)).unwrap();
    let with = |field: &str, value: serde_json::Value| {
        let mut fields = tiny.clone();
        fields[field] = value;
        message(fields)
    };
    assert!(with("hidden_size", "a".into()).contains("hidden_size"));
    assert!(with("image_token_len", 3.into()).contains("image_token_len"));
    assert!(with("im_patch_token", 300.into()).contains("im_patch_token"));
    let nested = serde_json::json!({
        "model_type": "got_ocr2", "text_config": {"num_hidden_layers": -1},
    });
    assert!(message(nested).contains("num_hidden_layers"));
}

#[test]
fn a_head_that_differs_from_its_tie_is_an_error() {
    let bytes = std::fs::read(weights(CASE)).unwrap();
    let file = safetensors::SafeTensors::deserialize(&bytes).unwrap();
    let head = file.tensor("lm_head.weight").unwrap();
    let mut changed = head.data().to_vec();
    changed[3] ^= 0x10;
    let changed = safetensors::tensor::TensorView::new(head.dtype(), head.shape().into(), &changed);
    let others = file.iter().filter(|(name, _)| *name != "lm_head.weight");
    let tensors = others.chain([("lm_head.weight", changed.unwrap())]);
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("model.safetensors");
    safetensors::serialize_to_file(tensors, None, &path).unwrap();
    let (_, config) = GotOcr2::load(weights(CASE), &Device::flex()).unwrap();
    let files = CheckpointFiles::open(&path).unwrap();
    let error = GotOcr2::from_files(&config, &files, &Device::flex(), Precision::F32).unwrap_err();
    assert!(error.to_string().contains("lm_head.weight"), "{error}");
}

use std::path::PathBuf;

use burn::prelude::*;
use vary_core::checkpoint::{CheckpointFiles, SaveOptions, names_and_shapes};
use vary_core::model::{VaryTiny, VaryTinyConfig};
use vary_lm::generate::{GenerateOptions, Generator};

use crate::support::{Tensors, assert_close, case_dir, companion, devices};

const TOLERANCE: f32 = 5e-4;

pub fn io() -> Tensors {
    Tensors::open(&case_dir("vary_tiny").join("io.safetensors"))
}

/// The case's weights; its `config.json` lies beside them.
pub fn weights() -> PathBuf {
    case_dir("vary_tiny").join("weights.safetensors")
}

/// A golden batch's rows without their padding: ids, and where the mask is 1.
pub fn prompts(io: &Tensors) -> Vec<Vec<u32>> {
    let masks = io.rows("attention_mask");
    let unpad = |(ids, mask): (Vec<i64>, Vec<i64>)| {
        let kept = ids.iter().zip(&mask).filter(|(_, m)| **m == 1);
        kept.map(|(id, _)| *id as u32).collect()
    };
    io.rows("input_ids")
        .into_iter()
        .zip(masks)
        .map(unpad)
        .collect()
}

fn floats<const D: usize>(tensor: Tensor<D>) -> Vec<f32> {
    tensor.into_data().try_to_vec().unwrap()
}

fn image(io: &Tensors, rows: std::ops::Range<usize>, device: &Device) -> Tensor<4> {
    Tensor::<4>::from_data(io.data("images_high"), device).slice([rows])
}

#[test]
fn logits_match() {
    let io = io();
    for device in devices() {
        let (model, _) = VaryTiny::load(weights(), &device).unwrap();
        let images = io.data("images_high").shape()[0];
        let pixels = image(&io, 0..images, &device);
        let vocab_tokens = model.vision_tower.forward(pixels.clone());
        assert_close(
            "vocab_tokens",
            &floats(vocab_tokens),
            &io.floats("vocab_tokens"),
            TOLERANCE,
        );
        let tokens = model.encode(pixels);
        assert_close(
            "image_tokens",
            &floats(tokens.clone()),
            &io.floats("image_tokens"),
            TOLERANCE,
        );

        let prompts = prompts(&io);
        let hidden =
            model
                .decoder
                .forward(model.embed(&prompts, Some(tokens)).unwrap(), None, None);
        let logits = model.decoder.logits(hidden);
        let expected = Tensor::<3>::from_data(io.data("logits"), &device);
        let vocab = logits.dims()[2];
        for (row, prompt) in prompts.iter().enumerate() {
            let part = [row..row + 1, 0..prompt.len(), 0..vocab];
            let got = floats(logits.clone().slice(part.clone()));
            assert_close(
                "logits",
                &got,
                &floats(expected.clone().slice(part)),
                TOLERANCE,
            );
        }
    }
}

#[test]
fn greedy_answers_match() {
    let io = io();
    for device in devices() {
        let (model, config) = VaryTiny::load(weights(), &device).unwrap();
        for (prompt, answer, images) in [
            ("greedy_prompt_ids", "greedy_new_ids", 0..1),
            ("two_image_prompt_ids", "two_image_greedy_new_ids", 0..2),
        ] {
            let ids: Vec<u32> = io.rows(prompt)[0].iter().map(|&id| id as u32).collect();
            let expected: Vec<u32> = io.rows(answer)[0].iter().map(|&id| id as u32).collect();
            let tokens = model.encode(image(&io, images, &device));
            let embeds = model
                .embed(std::slice::from_ref(&ids), Some(tokens))
                .unwrap();
            let [_, seq, d_model] = embeds.dims();
            let mut cache = model.decoder.cache(1, config.opt.max_position_embeddings);
            let hidden = model.decoder.forward(embeds, None, Some(&mut cache));
            if prompt == "two_image_prompt_ids" {
                let logits = floats(model.decoder.logits(hidden.clone()));
                assert_close(
                    "two_image_logits",
                    &logits,
                    &io.floats("two_image_logits"),
                    TOLERANCE,
                );
            }
            let last = hidden.slice([0..1, seq - 1..seq, 0..d_model]);
            let first = floats(model.decoder.logits(last));

            let mut steps = first.clone();
            let options = GenerateOptions {
                max_new_tokens: expected.len(),
                ..GenerateOptions::default()
            };
            let generated = Generator::new(first, options, |id| {
                let embeds = model.embed(&[vec![id]], None).unwrap();
                let hidden = model.decoder.forward(embeds, None, Some(&mut cache));
                let logits = floats(model.decoder.logits(hidden));
                steps.extend(&logits);
                Ok(logits)
            });
            let generated = generated.unwrap().run().unwrap();
            let got: Vec<u32> = generated.tokens.iter().map(|token| token.id).collect();
            assert_eq!(got, expected, "{answer}");
            if answer == "greedy_new_ids" {
                let golden = io.floats("greedy_step_logits");
                assert_close(
                    "greedy_step_logits",
                    &steps[..golden.len()],
                    &golden,
                    TOLERANCE,
                );
            }
        }
    }
}

#[test]
fn saving_what_was_loaded_gives_the_same_tensors() {
    let dir = tempfile::tempdir().unwrap();
    let device = Device::flex();
    let source = weights();
    let (model, config) = VaryTiny::load(&source, &device).unwrap();
    model
        .save(&config, dir.path(), &SaveOptions::default())
        .unwrap();
    let original = Tensors::open(&source);
    let saved = Tensors::open(&dir.path().join("model.safetensors"));
    let sorted = |mut names: Vec<String>| {
        names.sort();
        names
    };
    assert_eq!(sorted(saved.names()), sorted(original.names()));
    for name in original.names() {
        saved.data(&name).assert_eq(&original.data(&name), true);
    }
    let (_, again) = VaryTiny::load(dir.path(), &device).unwrap();
    assert_eq!(again, config);
}

#[test]
fn the_older_name_of_the_tower_is_read() {
    let device = Device::flex();
    let (_, config) = VaryTiny::load(weights(), &device).unwrap();
    let dir = tempfile::tempdir().unwrap();
    let bytes = std::fs::read(weights()).unwrap();
    let file = safetensors::SafeTensors::deserialize(&bytes).unwrap();
    let tensors: Vec<_> = file
        .iter()
        .map(|(name, tensor)| (name.replace("vision_tower", "vision_tower_2"), tensor))
        .collect();
    let path = dir.path().join("model.safetensors");
    safetensors::serialize_to_file(tensors, None, &path).unwrap();
    VaryTiny::from_files(&config, &CheckpointFiles::open(&path).unwrap(), &device).unwrap();
}

#[test]
fn a_config_that_contradicts_the_weights_is_an_error() {
    let device = Device::flex();
    let files = CheckpointFiles::open(weights()).unwrap();
    let (_, config) = VaryTiny::load(weights(), &device).unwrap();
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
        let error = VaryTiny::from_files(&config, &files, &device)
            .unwrap_err()
            .to_string();
        assert!(error.contains(named), "{error}");
    }
}

#[test]
fn the_full_size_model_has_the_official_keys() {
    let official = &companion("full_size_keys.json")["vary_tiny"];
    let official = official.as_object().unwrap();
    let model = VaryTinyConfig::vary_tiny().init(&Device::flex());
    let ours = names_and_shapes(&model, &VaryTiny::key_map()).unwrap();
    assert_eq!(ours.len(), official.len());
    for (name, shape) in ours {
        let expected: Vec<usize> = crate::support::read(&official[&name]);
        assert_eq!(shape, expected, "{name}");
    }
}

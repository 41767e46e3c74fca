//! What the cases of both families have: logits, greedy answers, files.

use burn::prelude::*;
use vary_core::model::{VaryTiny, VaryToy};
use vary_lm::generate::{GenerateOptions, Generator};

use crate::case::{ModelCase, each};
use crate::support::{Tensors, assert_close, devices, floats, io, prompts, weights};

const TOLERANCE: f32 = 5e-4;

fn check_logits<M: ModelCase>(case: &str) {
    let io = io(case);
    for device in devices() {
        let (model, _) = M::load_case(case, &device);
        let images: Vec<usize> = (0..io.data("images_high").shape()[0]).collect();
        let tokens = model.image_tokens(&io, &images);
        let golden = io.floats("image_tokens");
        assert_close("image_tokens", &floats(tokens.clone()), &golden, TOLERANCE);

        let prompts = prompts(&io);
        let lm = model.language_model();
        let logits = |prompts: &[Vec<u32>], tokens| {
            let embeds = model.embed(prompts, tokens).unwrap();
            lm.logits(lm.forward(embeds, None, None))
        };
        let together = logits(&prompts, Some(tokens.clone()));
        let expected = Tensor::<3>::from_data(io.data("logits"), &device);
        let mut seen = 0;
        for (row, prompt) in prompts.iter().enumerate() {
            let vocab = together.dims()[2];
            let part = [row..row + 1, 0..prompt.len(), 0..vocab];
            let golden = floats(expected.clone().slice(part.clone()));
            let got = floats(together.clone().slice(part));
            assert_close("logits", &got, &golden, TOLERANCE);
            // Alone, without the padding that the batch brings.
            let has_image = prompt.contains(&model.image_placeholder().start);
            let own = has_image.then(|| tokens.clone().narrow(0, seen, 1));
            seen += usize::from(has_image);
            let alone = floats(logits(std::slice::from_ref(prompt), own));
            assert_close("logits alone", &alone, &golden, TOLERANCE);
        }
    }
}

fn check_greedy<M: ModelCase>(case: &str) {
    let io = io(case);
    for device in devices() {
        let (model, _) = M::load_case(case, &device);
        let lm = model.language_model();
        for (prompt, answer, images) in [
            ("greedy_prompt_ids", "greedy_new_ids", &[0][..]),
            (
                "two_image_prompt_ids",
                "two_image_greedy_new_ids",
                &[0, 1][..],
            ),
        ] {
            let ids = |name| -> Vec<u32> { io.rows(name)[0].iter().map(|&i| i as u32).collect() };
            let (prompt_ids, expected) = (ids(prompt), ids(answer));
            let tokens = model.image_tokens(&io, images);
            let embeds = model
                .embed(std::slice::from_ref(&prompt_ids), Some(tokens))
                .unwrap();
            let mut cache = lm.cache(1, prompt_ids.len() + expected.len());
            if prompt == "two_image_prompt_ids" {
                let logits = floats(lm.logits(lm.forward(embeds.clone(), None, None)));
                let golden = io.floats("two_image_logits");
                assert_close("two_image_logits", &logits, &golden, TOLERANCE);
            }
            let first = floats(lm.next_logits(embeds, &mut cache));

            let mut steps = first.clone();
            let options = GenerateOptions {
                max_new_tokens: expected.len(),
                ..GenerateOptions::default()
            };
            let generated = Generator::new(first, options, |id| {
                let embeds = model.embed(&[vec![id]], None).unwrap();
                let logits = floats(lm.next_logits(embeds, &mut cache));
                steps.extend(&logits);
                Ok(logits)
            });
            let generated = generated.unwrap().run().unwrap();
            let got: Vec<u32> = generated.tokens.iter().map(|token| token.id).collect();
            assert_eq!(got, expected, "{answer}");
            if answer == "greedy_new_ids" {
                let golden = io.floats("greedy_step_logits");
                let steps = &steps[..golden.len()];
                assert_close("greedy_step_logits", steps, &golden, TOLERANCE);
            }
        }
    }
}

fn check_round_trip<M: ModelCase>(case: &str) {
    let dir = tempfile::tempdir().unwrap();
    let (model, config) = M::load_case(case, &Device::flex());
    model.write(&config, dir.path());
    let original = Tensors::open(&weights(case));
    let saved = Tensors::open(&dir.path().join("model.safetensors"));
    let sorted = |mut names: Vec<String>| {
        names.sort();
        names
    };
    assert_eq!(sorted(saved.names()), sorted(original.names()));
    for name in original.names() {
        saved.data(&name).assert_eq(&original.data(&name), true);
    }
    let again = vary_core::model::ModelConfig::read(dir.path()).unwrap();
    assert_eq!(again, config);
}

#[test]
fn vary_tiny_logits() {
    each::<VaryTiny>(check_logits::<VaryTiny>);
}

#[test]
fn vary_toy_logits() {
    each::<VaryToy>(check_logits::<VaryToy>);
}

#[test]
fn vary_tiny_greedy_answers() {
    each::<VaryTiny>(check_greedy::<VaryTiny>);
}

#[test]
fn vary_toy_greedy_answers() {
    each::<VaryToy>(check_greedy::<VaryToy>);
}

#[test]
fn vary_tiny_round_trip() {
    each::<VaryTiny>(check_round_trip::<VaryTiny>);
}

#[test]
fn vary_toy_round_trip() {
    each::<VaryToy>(check_round_trip::<VaryToy>);
}

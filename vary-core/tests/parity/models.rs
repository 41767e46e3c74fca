//! What the cases of all families have: logits, greedy answers, files.

use burn::prelude::*;
use vary_core::model::{GotOcr2, VaryTiny, VaryToy};
use vary_lm::generate::{GenerateOptions, Generator};

use crate::case::{GoldenAnswer, ModelCase, each, row_images};
use crate::support::{Tensors, assert_close, devices, floats, io, prompts, weights};

const TOLERANCE: f32 = 5e-4;

fn check_logits<M: ModelCase>(case: &str) {
    let io = io(case);
    for device in devices() {
        let (model, _) = M::load_case(case, &device);
        let images: Vec<usize> = (0..io.data(M::IMAGES).shape()[0]).collect();
        let tokens = model.image_tokens(&io, &images);
        let golden = io.floats("image_tokens");
        assert_close("image_tokens", &floats(tokens), &golden, TOLERANCE);

        let prompts = prompts(&io, M::BATCH);
        let rows = row_images(&model, &io, &prompts);
        let lm = model.language_model();
        let logits = |prompts: &[Vec<u32>], images: &[usize]| {
            let tokens = (!images.is_empty()).then(|| model.image_tokens(&io, images));
            let embeds = model.embed(prompts, tokens).unwrap();
            lm.logits(lm.forward(embeds, None, None))
        };
        let together = logits(&prompts, &rows.concat());
        let expected = Tensor::<3>::from_data(io.data(&format!("{}logits", M::BATCH)), &device);
        for (row, (prompt, images)) in prompts.iter().zip(&rows).enumerate() {
            let vocab = together.dims()[2];
            let part = [row..row + 1, 0..prompt.len(), 0..vocab];
            let golden = floats(expected.clone().slice(part.clone()));
            let got = floats(together.clone().slice(part));
            assert_close("logits", &got, &golden, TOLERANCE);
            // Alone, without the padding that the batch brings.
            let alone = floats(logits(std::slice::from_ref(prompt), images));
            assert_close("logits alone", &alone, &golden, TOLERANCE);
        }
    }
}

fn check_greedy<M: ModelCase>(case: &str) {
    let io = io(case);
    for device in devices() {
        let (model, _) = M::load_case(case, &device);
        let lm = model.language_model();
        for answer in M::ANSWERS {
            let GoldenAnswer { images, .. } = *answer;
            let ids = |name| -> Vec<u32> { io.rows(name)[0].iter().map(|&i| i as u32).collect() };
            let (prompt_ids, expected) = (ids(answer.prompt), ids(answer.ids));
            let tokens = model.image_tokens(&io, images);
            let embeds = model
                .embed(std::slice::from_ref(&prompt_ids), Some(tokens))
                .unwrap();
            let mut cache = lm.cache(1, prompt_ids.len() + expected.len());
            if let Some(name) = answer.logits {
                let logits = floats(lm.logits(lm.forward(embeds.clone(), None, None)));
                let golden = io.floats(name);
                let end = &logits[logits.len() - golden.len()..];
                assert_close(name, end, &golden, TOLERANCE);
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
            assert_eq!(got, expected, "{}", answer.ids);
            if let Some(name) = answer.steps {
                let golden = io.floats(name);
                let steps = &steps[..golden.len()];
                assert_close(name, steps, &golden, TOLERANCE);
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

#[test]
fn got_ocr2_logits() {
    each::<GotOcr2>(check_logits::<GotOcr2>);
}

#[test]
fn got_ocr2_greedy_answers() {
    each::<GotOcr2>(check_greedy::<GotOcr2>);
}

#[test]
fn got_ocr2_round_trip() {
    each::<GotOcr2>(check_round_trip::<GotOcr2>);
}

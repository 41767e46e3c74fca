#![allow(clippy::unwrap_used)]

use std::marker::PhantomData;

use burn::optim::GradientsParams;
use vary_core::model::{FamilyConfig, ModelConfig, VaryTinyConfig, VaryToy};
use vary_core::train::{compute_in_bf16, draw_parameters};
use vary_data::Split;
use vary_data::scenes::{Atlas, SceneConfig};
use vary_data::texts::{TextConfig, Texts};
use vary_lm::tokenizer::CoordinateTokens;

use super::sample::{Asked, Place};
use super::*;
use crate::charts::Charts;
use crate::dense::token_of;
use crate::recipe::Preset;

fn objective() -> SceneObjective {
    objective_of(Preset::Nano)
}

fn objective_of<M: TrainableModel>(preset: Preset) -> SceneObjective<M> {
    let atlas = Atlas::embedded().unwrap();
    let names: Vec<&str> = atlas.names().iter().map(String::as_str).collect();
    let tokenizer = preset.tokenizer(&names).unwrap();
    SceneObjective {
        trained: PhantomData,
        model: preset.model(tokenizer.vocab_size()),
        scenes: SceneConfig::default(),
        text_config: TextConfig::default(),
        texts: Texts::embedded().unwrap(),
        charts: None,
        text_share: 0.5,
        micro_batch_size: 2,
        questions: 3,
        follow_ups: 0.0,
        coordinates: CoordinateTokens::find(&tokenizer),
        atlas,
        tokenizer,
        seed: 3,
        dense_steps: 2,
        frozen_steps: 1,
        sigma: 10.0,
    }
}

/// A Vary-tiny of a few thousand parameters with its helper heads, for small images.
fn tiny(objective: &mut SceneObjective, device: &Device) -> SceneModel {
    let config = VaryTinyConfig::tiny(objective.tokenizer.vocab_size());
    objective.model = config.clone().into();
    objective.scenes.size = 32;
    objective.text_config.size = 64;
    let classes = objective.atlas.names().len();
    let model = SceneModel::new(config.init(device), &objective.model, classes, device);
    draw_parameters(&model);
    model
}

/// The places of all questions, each with its sequence.
fn each<'a>(
    sample: &'a SceneSample,
    places: fn(&Asked) -> &[Place],
) -> impl Iterator<Item = (&'a Asked, Place)> {
    let of = move |asked: &'a Asked| places(asked).iter().map(move |place| (asked, *place));
    sample.asked.iter().flat_map(of)
}

#[test]
fn boxes_precede_their_coordinates() {
    let objective = objective();
    let coordinates = objective.coordinates.as_ref().unwrap();
    let mut boxes = 0;
    for index in 0..50 {
        let sample = objective.sample(index).unwrap();
        for (asked, (at, bbox)) in each(&sample, |asked| &asked.boxes) {
            let spelt: Vec<f32> = asked.ids[at + 1..at + 5]
                .iter()
                .map(|&id| f32::from(coordinates.get(id).unwrap().value) / 1000.0)
                .collect();
            let off = spelt
                .iter()
                .zip(bbox)
                .map(|(a, b)| (a - b).abs())
                .fold(0.0, f32::max);
            assert!(off <= 0.0006, "{spelt:?} {bbox:?}");
            boxes += 1;
        }
    }
    assert!(boxes > 60, "{boxes}");
}

#[test]
fn letters_precede_their_tokens() {
    let objective = objective();
    let mut letters = 0;
    for index in 0..60 {
        let sample = objective.sample(index).unwrap();
        let drawn = objective.draw(index);
        assert_eq!(sample.reads, (index / 2) % 2 == 1, "{index}");
        assert_eq!(
            each(&sample, |asked| &asked.letters).count() > 0,
            sample.reads
        );
        assert!(!sample.reads || each(&sample, |asked| &asked.boxes).count() == 0);
        for (asked, question) in sample.asked.iter().zip(&drawn.questions) {
            // Places by the letter that is there.
            let answer = question.answer.chars().zip(&question.places);
            let inked = answer.filter_map(|(c, place)| Some((c, (*place)?)));
            let inked: Vec<_> = inked.filter(|(c, _)| !c.is_whitespace()).collect();
            for (at, bbox) in &asked.letters {
                let read = objective
                    .tokenizer
                    .decode(&asked.ids[at + 1..at + 2], false);
                let read = read.unwrap();
                let first = read.trim_start().chars().next().unwrap();
                let there = inked
                    .iter()
                    .find(|(_, place)| place.map(|v| v / 192.0) == *bbox);
                // A piece of markup before it, as of a list, has no ink of its own.
                let (found, _) = there.unwrap();
                assert!(read.contains(*found), "{read:?} is not at {found:?}");
                letters += usize::from(first == *found);
            }
        }
    }
    assert!(letters > 500, "{letters}");
}

#[test]
fn answers_attend_to_their_subject() {
    let objective = objective();
    let grid = objective.model.info().sam_config.token_grid_size();
    let coordinates = objective.coordinates.as_ref().unwrap();
    let mut supervised = 0;
    for index in 0..40 {
        let sample = objective.sample(index).unwrap();
        for asked in &sample.asked {
            let token_at = |at: usize| {
                asked
                    .attention
                    .iter()
                    .find(|target| target.0 == at)
                    .map(|t| t.1)
            };
            for (at, bbox) in asked.boxes.iter().chain(&asked.letters) {
                assert_eq!(token_at(*at), Some(token_of(*bbox, grid)));
                supervised += 1;
            }
            if sample.reads {
                assert_eq!(asked.attention.len(), asked.letters.len());
                continue;
            }
            // From the first position that is learned to the one before the last coordinate.
            let first = asked.labels.iter().position(|&label| label >= 0).unwrap() - 1;
            let is_coordinate = |&i: &usize| coordinates.get(asked.ids[i]).is_some();
            let last = (first..asked.ids.len())
                .rfind(is_coordinate)
                .unwrap_or(first);
            let positions: Vec<usize> = asked.attention.iter().map(|target| target.0).collect();
            assert_eq!(positions, (first..last).collect::<Vec<_>>());
        }
    }
    assert!(supervised > 500, "{supervised}");
}

#[test]
fn answers_alone_are_learned() {
    let objective = objective();
    let end = objective.tokenizer.require("</s>").unwrap();
    for index in 0..20 {
        let sample = objective.sample(index).unwrap();
        for asked in &sample.asked {
            let first = asked.labels.iter().position(|&label| label >= 0).unwrap();
            assert!(asked.labels[first..].iter().all(|&label| label >= 0));
            assert_eq!(asked.ids.last(), Some(&end));
            let prompt = objective.tokenizer.decode(&asked.ids[..first], false);
            let prompt = prompt.unwrap();
            assert!(prompt.ends_with("ASSISTANT:"), "{prompt}");
        }
    }
}

#[test]
fn turns_learn_like_single_questions() {
    let mut objective = objective();
    let mut config = VaryTinyConfig::nano(objective.tokenizer.vocab_size());
    config.opt.max_position_embeddings = 400;
    objective.model = config.into();
    let alone: Vec<_> = (0..40).map(|i| objective.sample(i).unwrap()).collect();
    objective.follow_ups = 1.0;
    let mut turns = 0;
    for (index, alone) in (0..).zip(&alone) {
        let sample = objective.sample(index).unwrap();
        let [together] = &sample.asked[..] else {
            // Two pages do not fit.
            assert!(sample.asked.len() > 1 && sample.reads, "{index}");
            continue;
        };
        turns += alone.asked.len();
        // What is learned at a position, for each kind.
        let learned = |asked: &Asked| -> Vec<i64> {
            asked.labels.iter().copied().filter(|l| *l >= 0).collect()
        };
        let placed = |asked: &Asked, places: &[Place]| -> Vec<(u32, [f32; 4])> {
            places
                .iter()
                .map(|(at, bbox)| (asked.ids[at + 1], *bbox))
                .collect()
        };
        let attention = |asked: &Asked| -> Vec<(u32, usize)> {
            asked
                .attention
                .iter()
                .map(|(at, token)| (asked.ids[at + 1], *token))
                .collect()
        };
        let all = alone.asked.iter();
        assert_eq!(
            learned(together),
            all.clone().flat_map(learned).collect::<Vec<_>>()
        );
        assert_eq!(
            attention(together),
            all.clone().flat_map(attention).collect::<Vec<_>>()
        );
        for places in [|a: &Asked| a.boxes.clone(), |a: &Asked| a.letters.clone()] {
            let alone: Vec<_> = all.clone().flat_map(|a| placed(a, &places(a))).collect();
            assert_eq!(placed(together, &places(together)), alone);
        }
        // One image, and every question.
        let text = objective.tokenizer.decode(&together.ids, false).unwrap();
        assert_eq!(text.matches("<img>").count(), 1);
        assert_eq!(text.matches("USER:").count(), alone.asked.len());
    }
    assert!(turns > 60, "{turns}");
}

#[test]
fn soft_targets_are_distributions() {
    let objective = objective();
    let values = [0, 3, 500, 1000];
    let targets = objective.soft_targets(&values, &Device::flex().autodiff());
    for (row, value) in values.into_iter().enumerate() {
        let target = targets.clone().narrow(0, row, 1).into_data();
        let target: Vec<f32> = target.iter().collect();
        assert!((target.iter().sum::<f32>() - 1.0).abs() < 1e-4);
        let best = (0..target.len()).max_by(|&a, &b| target[a].total_cmp(&target[b]));
        assert_eq!(best, Some(usize::from(value)));
    }
}

#[test]
fn frozen_parts_get_no_gradient() {
    let mut objective = objective();
    objective.text_share = 0.0;
    let device = Device::flex().autodiff();
    let model = tiny(&mut objective, &device);
    let samples: Vec<_> = (0..2).map(|i| objective.sample(i).unwrap()).collect();
    for (index, tower, decoder) in [(0, true, false), (2, false, true), (3, true, true)] {
        let step = Step {
            index,
            samples: &samples,
        };
        let model = objective.freeze(model.clone(), index).fork(&device);
        let loss = objective.loss(&model, &samples, step).unwrap();
        let grads = loss.total.backward();
        let vary = &model.vary;
        let of_tower = vary.vision_tower.net_3.weight.val().grad(&grads);
        let of_decoder = vary.decoder.layers[0].fc1.weight.val().grad(&grads);
        assert_eq!(
            (of_tower.is_some(), of_decoder.is_some()),
            (tower, decoder),
            "step {index}"
        );
    }
}

#[test]
fn bf16_is_close() {
    let mut objective = objective();
    let device = Device::flex().autodiff();
    let model = tiny(&mut objective, &device);
    // A scene and a text.
    let samples: Vec<_> = (1..3).map(|i| objective.sample(i).unwrap()).collect();
    let loss = |model: &SceneModel, index| {
        let step = Step {
            index,
            samples: &samples,
        };
        let loss = objective.loss(model, &samples, step).unwrap();
        loss.total.into_scalar::<f32>()
    };
    let half = compute_in_bf16(model.clone()).unwrap();
    for index in [0, 2, 3] {
        let (exact, rounded) = (loss(&model, index), loss(&half, index));
        // The helper heads start at zero: alone they round nothing.
        assert!(index == 0 || exact != rounded);
        assert!((exact - rounded).abs() < 0.01 * exact, "{exact} {rounded}");
    }
}

#[test]
fn vary_toy_uses_its_prompts() {
    let mut objective = objective_of::<VaryToy>(Preset::ToyNano);
    objective.charts = Some((Charts::new(Split::Train).unwrap(), 0.5));
    let coordinates = objective.coordinates.as_ref().unwrap();
    let (mut boxes, mut charts) = (0, 0);
    for index in 0..40 {
        let sample = objective.sample(index).unwrap();
        assert_eq!(sample.pixels.len(), 2);
        for asked in &sample.asked {
            let text = objective.tokenizer.decode(&asked.ids, false).unwrap();
            let (before, answer) = text.split_once("<|im_start|>assistant\n").unwrap();
            assert!(
                before.starts_with("<|im_start|>system\nYou should"),
                "{before}"
            );
            assert!(!before.contains("in this image<"), "{before}");
            let whole = asked.ids.len() < objective.model.info().max_positions;
            assert!(!whole || answer.ends_with("<|im_end|>"), "{answer}");
            charts += usize::from(before.contains("single word or phrase."));
        }
        for (asked, (at, _)) in each(&sample, |asked| &asked.boxes) {
            let spelt = &asked.ids[at + 1..at + 5];
            assert!(spelt.iter().all(|&id| coordinates.get(id).is_some()));
            boxes += 1;
        }
    }
    assert!(boxes > 30 && charts > 5, "{boxes} {charts}");
}

#[test]
fn vary_toy_towers_are_frozen() {
    let mut objective = objective_of::<VaryToy>(Preset::ToyTiny);
    objective.dense_steps = 0;
    objective.scenes.size = 32;
    objective.text_config.size = 64;
    let device = Device::flex().autodiff();
    let ModelConfig::VaryToy(config) = objective.model.clone() else {
        unreachable!("a preset of the second stage");
    };
    let classes = objective.atlas.names().len();
    let model = SceneModel::new(config.init(&device), &objective.model, classes, &device);
    draw_parameters(&model);
    let samples: Vec<_> = (1..3).map(|i| objective.sample(i).unwrap()).collect();
    let step = Step {
        index: 0,
        samples: &samples,
    };
    let model = objective.freeze(model, 0).fork(&device);
    let loss = objective.loss(&model, &samples, step).unwrap();
    let named = |name: &str| loss.parts.iter().any(|(part, _)| *part == name);
    assert!(
        named("attention") && !named("patch_box"),
        "{:?}",
        loss.parts
    );
    let grads = GradientsParams::from_grads(loss.total.backward(), &model);
    let vary = &model.vary;
    assert!(grads.get::<2>(vary.qwen.h[1].mlp.w1.weight.id).is_some());
    assert!(grads.get::<2>(vary.mm_projector.weight.id).is_some());
    assert!(grads.get::<2>(vary.mm_projector_vary.weight.id).is_some());
    assert!(
        grads
            .get::<4>(vary.vision_tower_high.net_3.weight.id)
            .is_none()
    );
    let clip = &vary.vision_tower.embeddings.patch_embedding;
    assert!(grads.get::<4>(clip.weight.id).is_none());
}

#[test]
fn pass_size_keeps_the_loss() {
    let mut objective = objective();
    let model = tiny(&mut objective, &Device::flex());
    let samples: Vec<_> = (0..16).map(|i| objective.sample(i).unwrap()).collect();
    let step = Step {
        index: 3,
        samples: &samples,
    };
    let loss = |pass: usize| -> f32 {
        let passes = samples.chunks(pass);
        let losses = passes.map(|micro| objective.loss(&model, micro, step).unwrap().total);
        losses.map(|loss| loss.into_scalar::<f32>()).sum()
    };
    // Sixteen images are padded to whole tiles.
    let (large, small) = (loss(16), loss(4));
    assert!((large - small).abs() < 1e-4 * small, "{large} {small}");
}

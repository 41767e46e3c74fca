//! A checkpoint's score map: in `config.json`, and on the scores of every answer.

#![cfg(feature = "nano")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::num::NonZeroUsize;

use burn::prelude::*;
use image::{Rgb, RgbImage};
use vary_core::checkpoint::{Precision, read_config_json};
use vary_core::detection::{Detection, ScoreMap};
use vary_core::model::{ModelConfig, VaryTinyConfig, VaryToyConfig};
use vary_core::pipeline::{AnswerOptions, Event};
use vary_core::prompt::Task;
use vary_core::{Error, Pipeline, Weights};

fn map() -> ScoreMap {
    ScoreMap::try_from(vec![[0.0, 0.5], [0.5, 0.9], [1.0, 0.95]]).unwrap()
}

/// Vary-nano, calibrated or not.
fn nano(map: Option<ScoreMap>) -> Pipeline {
    let mut checkpoint = Weights::nano().open().unwrap();
    checkpoint.config.set_score_map(map);
    checkpoint.config.set_readings(NonZeroUsize::MIN);
    checkpoint.load(&Device::flex(), Precision::F32).unwrap()
}

#[test]
fn every_way_to_boxes_goes_through_the_map() {
    let (raw, mapped) = (nano(None), nano(Some(map())));
    let seen = RgbImage::from_fn(64, 48, |x, y| {
        Rgb([x as u8 * 3, y as u8 * 5, (x * y) as u8])
    });
    let expected: Vec<Detection> = raw
        .detect(&seen)
        .unwrap()
        .into_iter()
        .map(|found| Detection {
            score: map().apply(found.score),
            ..found
        })
        .collect();
    assert!(!expected.is_empty(), "a picture with boxes is needed");

    assert_eq!(mapped.detect(&seen).unwrap(), expected);
    let options = AnswerOptions::default();
    let answer = mapped.answer(&seen, Task::DetectAll, &options).unwrap();
    assert_eq!(answer.detections, expected);
    // All else is as the model said it.
    let plain = raw.answer(&seen, Task::DetectAll, &options).unwrap();
    assert_eq!(answer.tokens, plain.tokens);

    let mut chat = mapped.chat(&seen).unwrap();
    let question = Task::DetectAll.question(mapped.config().family());
    let mut boxes = vec![];
    for event in chat.stream(&question, &options).unwrap() {
        match event.unwrap() {
            Event::Box(found) => boxes.push(found),
            Event::Done(done) => assert_eq!(done.detections, expected),
            _ => {}
        }
    }
    boxes.sort_by(|a, b| b.score.total_cmp(&a.score));
    assert_eq!(boxes, expected);

    let located = |vary: &Pipeline| vary.locate(&seen, "the car").unwrap().unwrap().score;
    assert_eq!(located(&mapped), map().apply(located(&raw)));
}

#[test]
fn both_families_carry_it_and_need_not() {
    let configs: [ModelConfig; 2] = [
        VaryTinyConfig::tiny(300).into(),
        VaryToyConfig::tiny(600).into(),
    ];
    for mut config in configs {
        let dir = tempfile::tempdir().unwrap();
        let round_trip = |config: &ModelConfig| {
            let json = match config {
                ModelConfig::VaryTiny(config) => serde_json::to_string(config),
                ModelConfig::VaryToy(config) => serde_json::to_string(config),
            };
            let json = json.unwrap();
            std::fs::write(dir.path().join("config.json"), &json).unwrap();
            assert_eq!(&ModelConfig::read(dir.path()).unwrap(), config);
            json
        };
        assert!(!round_trip(&config).contains("score_map"));
        config.set_score_map(Some(map()));
        let json = round_trip(&config);
        assert!(json.contains(r#""score_map":[[0.0,0.5],[0.5,0.9],[1.0,0.95]]"#));
        assert_eq!(config.score_map(), Some(&map()));
    }
}

#[test]
fn a_bad_map_names_file_and_field() {
    let dir = tempfile::tempdir().unwrap();
    let mut json = serde_json::to_value(VaryTinyConfig::tiny(300)).unwrap();
    json["score_map"] = serde_json::json!([[0.0, 0.5], [1.0, 0.4]]);
    std::fs::write(dir.path().join("config.json"), json.to_string()).unwrap();
    let error = read_config_json::<VaryTinyConfig>(dir.path()).unwrap_err();
    let Error::ConfigField { field, reason, .. } = &error else {
        panic!("{error}")
    };
    assert_eq!(field, "score_map");
    assert!(reason.contains("from [0.0, 0.5] to [1.0, 0.4]"), "{error}");
}

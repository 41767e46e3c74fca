//! Answers with boxes that are read several times.

#![cfg(feature = "nano")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::num::NonZeroUsize;

use burn::prelude::*;
use image::{Rgb, RgbImage};
use vary_core::checkpoint::Precision;
use vary_core::detection::{Detection, ScoreMap, fuse};
use vary_core::model::{ModelConfig, VaryTinyConfig};
use vary_core::pipeline::{
    Answer, AnswerOptions, DecodeOptions, Event, MIN_SCORE, Sampling, decode,
};
use vary_core::prompt::Task;
use vary_core::{Pipeline, Weights};

/// Vary-nano with raw scores.
fn nano() -> Pipeline {
    let mut checkpoint = Weights::nano().open().unwrap();
    checkpoint.config.set_calibration(None);
    checkpoint.load(&Device::flex(), Precision::F32).unwrap()
}

fn picture() -> RgbImage {
    RgbImage::from_fn(64, 48, |x, y| {
        Rgb([x as u8 * 3, y as u8 * 5, (x * y) as u8])
    })
}

fn readings(count: usize) -> AnswerOptions {
    AnswerOptions {
        readings: NonZeroUsize::new(count),
        ..AnswerOptions::default()
    }
}

fn at_random(seed: u64, count: usize) -> AnswerOptions {
    AnswerOptions {
        sampling: Some(Sampling {
            temperature: 0.8,
            seed,
            ..Sampling::default()
        }),
        ..readings(count)
    }
}

fn ask(vary: &Pipeline, options: &AnswerOptions) -> Answer {
    vary.answer(&picture(), Task::DetectAll, options).unwrap()
}

fn assert_same(found: &[Detection], expected: &[Detection]) {
    assert_eq!(found.len(), expected.len(), "{found:?}\n{expected:?}");
    for (a, b) in found.iter().zip(expected) {
        assert_eq!(a.label, b.label);
        assert!((a.score - b.score).abs() < 1e-4, "{a:?}\n{b:?}");
        assert!(a.bbox.iou(&b.bbox) > 0.999, "{a:?}\n{b:?}");
    }
}

#[test]
fn read_at_once_as_one_after_the_other() {
    let vary = nano();
    let alone: Vec<Answer> = (5..9).map(|seed| ask(&vary, &at_random(seed, 1))).collect();
    let boxes = alone.iter().map(|answer| answer.detections.clone());
    let expected = fuse(boxes, AnswerOptions::default().nms_iou);
    let answer = ask(&vary, &at_random(5, 4));
    assert_same(&answer.detections, &expected);
    assert!(expected.len() > alone[0].detections.len());
    // They differ in length, so that some have ended while others go on.
    let lengths: Vec<usize> = alone.iter().map(|a| a.usage.new_tokens).collect();
    assert!(lengths.iter().any(|&l| l != lengths[0]), "{lengths:?}");
    // All else is of the first.
    assert_eq!(
        (&answer.text, &answer.tokens),
        (&alone[0].text, &alone[0].tokens)
    );
    assert_eq!(answer.usage, alone[0].usage);
}

#[test]
fn a_conversation_goes_on_from_the_first_reading() {
    let vary = nano();
    let talk = |count| {
        let mut chat = vary.chat(&picture()).unwrap();
        let question = Task::DetectAll.to_string();
        let first = chat.ask(&question, &readings(count)).unwrap();
        let second = chat
            .ask("Detect an object: the car.", &readings(1))
            .unwrap();
        (first.text, second.text, second.tokens)
    };
    assert_eq!(talk(1), talk(3));
}

#[test]
fn boxes_are_streamed_as_the_first_reading_tells_them() {
    let vary = nano();
    let boxes = |count| -> Vec<Detection> {
        let stream = vary.stream(&picture(), Task::DetectAll, &readings(count));
        let events = stream.unwrap().filter_map(|event| match event.unwrap() {
            Event::Box(found) => Some(found),
            _ => None,
        });
        events.collect()
    };
    assert_eq!(boxes(1), boxes(3));
}

#[test]
fn an_answer_of_words_is_read_once() {
    let vary = nano();
    let sign = include_bytes!("../../examples/assets/sign.png");
    let sign = decode(sign, &DecodeOptions::default()).unwrap();
    let read = |count| vary.answer(&sign, Task::Ocr, &readings(count)).unwrap();
    let (once, thrice) = (read(1), read(3));
    assert!(once.detections.is_empty());
    assert_eq!(
        (once.text, once.detections),
        (thrice.text, thrice.detections)
    );
}

#[test]
fn the_unsure_are_left_out() {
    let vary = nano();
    let at_least = |min_score| {
        let options = AnswerOptions {
            min_score,
            ..at_random(5, 4)
        };
        ask(&vary, &options).detections
    };
    let all = at_least(None);
    assert_eq!(at_least(Some(0.0)), all, "raw scores are no probabilities");
    let middle = all[all.len() / 2].score;
    let sure: Vec<Detection> = all.iter().filter(|d| d.score >= middle).cloned().collect();
    assert!(!sure.is_empty() && sure.len() < all.len());
    assert_eq!(at_least(Some(middle)), sure);
    for bad in [-0.1, 1.1, f32::NAN] {
        let options = AnswerOptions {
            min_score: Some(bad),
            ..AnswerOptions::default()
        };
        let error = vary.answer(&picture(), Task::DetectAll, &options);
        assert!(error.unwrap_err().to_string().contains("`min_score`"));
    }
}

#[test]
fn a_checkpoint_says_for_how_many_readings_it_is_calibrated() {
    let map = ScoreMap::try_from(vec![[0.0, 0.01], [1.0, 0.99]]).unwrap();
    let mut config = VaryTinyConfig {
        readings: NonZeroUsize::new(4).unwrap(),
        ..VaryTinyConfig::tiny(300)
    };
    let of = |config: &VaryTinyConfig| {
        let config = ModelConfig::from(config.clone());
        (config.readings().get(), config.min_score())
    };
    assert_eq!(of(&config), (1, 0.0), "without a map");
    config.score_map = Some(map.clone());
    assert_eq!(of(&config), (4, MIN_SCORE));
    let json = serde_json::to_value(&config).unwrap();
    assert_eq!(json["readings"], 4);
    let mut zero = json.clone();
    zero["readings"] = 0.into();
    assert!(serde_json::from_value::<VaryTinyConfig>(zero).is_err());
    assert_eq!(
        serde_json::from_value::<VaryTinyConfig>(json).unwrap(),
        config
    );

    // What it says is what is done.
    let mut checkpoint = Weights::nano().open().unwrap();
    let calibration = Some((map.clone(), config.readings));
    checkpoint.config.set_calibration(calibration);
    let calibrated = checkpoint.load(&Device::flex(), Precision::F32).unwrap();
    let expected = ask(&nano(), &readings(4)).detections.into_iter();
    let expected = expected.map(|d| Detection {
        score: map.apply(d.score),
        ..d
    });
    let expected: Vec<Detection> = expected.filter(|d| d.score >= MIN_SCORE).collect();
    assert_eq!(
        ask(&calibrated, &AnswerOptions::default()).detections,
        expected
    );
}

//! Pictures that are read several times, each time otherwise placed.

#![cfg(feature = "nano")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::num::NonZeroUsize;

use burn::prelude::*;
use image::{Rgb, RgbImage};
use vary_core::checkpoint::Precision;
use vary_core::detection::{BoundingBox, Detection, MIN_SCORE, ScoreMap, fuse, parse_answer};
use vary_core::model::{MAX_READINGS, ModelConfig, VaryTinyConfig};
use vary_core::pipeline::{AnswerOptions, DecodeOptions, decode};
use vary_core::prompt::Task;
use vary_core::{Pipeline, Weights};
use vary_vision::preprocess::{Region, close_by};

/// Vary-nano with raw scores, that reads so often.
fn nano(readings: usize) -> Pipeline {
    let mut checkpoint = Weights::nano().open().unwrap();
    checkpoint.config.set_score_map(None);
    checkpoint.config.set_readings(count(readings));
    checkpoint.load(&Device::flex(), Precision::F32).unwrap()
}

fn count(readings: usize) -> NonZeroUsize {
    NonZeroUsize::new(readings).unwrap()
}

fn picture() -> RgbImage {
    RgbImage::from_fn(64, 48, |x, y| {
        Rgb([x as u8 * 3, y as u8 * 5, (x * y) as u8])
    })
}

fn scene() -> RgbImage {
    let scene = include_bytes!("../../examples/assets/scene.png");
    decode(scene, &DecodeOptions::default()).unwrap()
}

/// What is seen of the picture from close by with a margin of 6 %, all of it left and above or right and below, and where that
/// begins in pixels of the picture. Outside of the picture its edges are repeated.
fn placed(picture: &RgbImage, before: bool) -> (RgbImage, [i64; 2]) {
    let Region {
        x,
        y,
        width,
        height,
    } = close_by(picture);
    let [right, below] = [width, height].map(|edge| (f64::from(edge) * 0.06).round() as u32);
    let (left, above) = match before {
        true => (i64::from(right), i64::from(below)),
        false => (0, 0),
    };
    let at = |at: u32, origin: i64, edge: u32| {
        (i64::from(at) + origin).clamp(0, i64::from(edge) - 1) as u32
    };
    let (origin, size) = ([x - left, y - above], picture.dimensions());
    let shown = RgbImage::from_fn(width + right, height + below, |x, y| {
        *picture.get_pixel(at(x, origin[0], size.0), at(y, origin[1], size.1))
    });
    (shown, origin)
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
fn boxes_are_those_of_the_picture_placed_three_ways() {
    let (once, thrice) = (nano(1), nano(3));
    // A wall with the scene in its lower right corner, so that there is something to come closer to.
    let (width, height) = (700, 660);
    let mut picture = RgbImage::from_pixel(width, height, Rgb([200; 3]));
    image::imageops::replace(&mut picture, &scene(), 700 - 512, 660 - 512);
    let mut readings = vec![once.detect(&picture).unwrap()];
    for before in [false, true] {
        let (shown, origin) = placed(&picture, before);
        assert!(shown.width() < width && shown.height() < height);
        let mut found = once.detect(&shown).unwrap();
        for one in &mut found {
            let b = one.bbox;
            let [dx, dy] = origin.map(|edge| edge as f32);
            one.bbox = BoundingBox::new(b.x1 + dx, b.y1 + dy, b.x2 + dx, b.y2 + dy);
            one.bbox = one.bbox.clamp(width, height);
        }
        readings.push(found);
    }
    assert!(readings.iter().all(|found| found.len() > 3));
    // In length, so that some have ended while others go on, or in place.
    assert_ne!(readings[0], readings[1]);
    let expected = fuse(readings, AnswerOptions::default().nms_iou);
    assert_same(&thrice.detect(&picture).unwrap(), &expected);
}

#[test]
fn the_text_has_the_coordinates_of_the_picture_as_it_is() {
    let (vary, picture) = (nano(5), scene());
    let options = AnswerOptions::default();
    let answer = vary.answer(&picture, Task::DetectAll, &options).unwrap();
    let (width, height) = picture.dimensions();
    let told = parse_answer(&answer.text).boxes;
    assert!(told.len() > 3);
    for one in told {
        let bbox = BoundingBox::from_thousandths(one.coords, width, height);
        let same = |d: &Detection| d.label == one.label && d.bbox.iou(&bbox) > 0.8;
        assert!(answer.detections.iter().any(same), "{one:?}\n{answer:?}");
    }
}

#[test]
fn a_conversation_goes_on_as_if_it_were_told_anew() {
    let (vary, picture) = (nano(3), scene());
    let options = AnswerOptions::default();
    let mut chat = vary.chat(&picture).unwrap();
    let first = chat
        .ask(&Task::DetectAll.question(vary.config().family()), &options)
        .unwrap();
    assert!(!first.detections.is_empty());
    let question = "Detect an object: the car.";
    let second = chat.ask(question, &options).unwrap();
    let mut anew = vary.chat(&picture).unwrap();
    anew.continue_from(chat.history()[..1].to_vec());
    let expected = anew.ask(question, &options).unwrap();
    assert_eq!(second.text, expected.text);
    assert_same(&second.detections, &expected.detections);
}

#[test]
fn what_was_encoded_is_read_as_often_as_the_picture() {
    let (vary, picture) = (nano(3), scene());
    let seen = vary.encode(&picture).unwrap();
    assert_eq!(seen.tokens().dims()[0], 3);
    assert_eq!(vary.detect(&seen).unwrap(), vary.detect(&picture).unwrap());
    // Two pictures, each placed so often.
    let options = AnswerOptions::default();
    let both = vary.answer(&[&picture, &self::picture()], Task::DetectAll, &options);
    assert_eq!(both.unwrap().usage.image_tokens, 72);
}

#[test]
fn words_are_agreed_on() {
    let sign = include_bytes!("../../examples/assets/sign.png");
    let sign = decode(sign, &DecodeOptions::default()).unwrap();
    let read = |readings| {
        let options = AnswerOptions::default();
        nano(readings).answer(&sign, Task::Ocr, &options).unwrap()
    };
    let (once, often) = (read(1), read(5));
    assert_eq!(often.text, "Group\nPaper deep\nHandle scale");
    // By other probabilities, which are probabilities again.
    assert_ne!(once.tokens, often.tokens);
    assert!(often.tokens.iter().all(|t| t.log_confidence <= 1e-5));
}

#[test]
fn more_readings_than_there_are_places_are_an_error() {
    let builder = |readings| Pipeline::builder().readings(count(readings)).build();
    assert!(builder(MAX_READINGS).is_ok());
    let error = builder(MAX_READINGS + 1).unwrap_err().to_string();
    assert!(error.contains("`readings` is 11"), "{error}");
}

#[test]
fn the_unsure_are_left_out() {
    let vary = nano(4);
    let at_least = |min_score| {
        let options = AnswerOptions {
            min_score,
            ..AnswerOptions::default()
        };
        let answer = vary.answer(&scene(), Task::DetectAll, &options);
        answer.unwrap().detections
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
fn a_checkpoint_says_how_often_it_is_read() {
    let map = ScoreMap::try_from(vec![[0.0, 0.01], [1.0, 0.99]]).unwrap();
    let mut config = VaryTinyConfig {
        readings: count(4),
        ..VaryTinyConfig::tiny(300)
    };
    let of = |config: &VaryTinyConfig| {
        let config = ModelConfig::from(config.clone());
        (config.readings().get(), config.min_score())
    };
    assert_eq!(of(&config), (4, 0.0), "without a map");
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
    checkpoint.config.set_score_map(Some(map.clone()));
    checkpoint.config.set_readings(config.readings);
    let calibrated = checkpoint.load(&Device::flex(), Precision::F32).unwrap();
    let expected = nano(4).detect(&scene()).unwrap().into_iter();
    let expected = expected.map(|d| Detection {
        score: map.apply(d.score),
        ..d
    });
    let expected: Vec<Detection> = expected.filter(|d| d.score >= MIN_SCORE).collect();
    assert_eq!(calibrated.detect(&scene()).unwrap(), expected);
}

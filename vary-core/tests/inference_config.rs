//! `inference_config.json`: calibrated scores, pages that are read line by line, bad files.

#![cfg(feature = "nano")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use burn::prelude::*;
use image::{Rgb, RgbImage, imageops};
use vary_core::detection::{CalibrationMap, Detection};
use vary_core::pipeline::Usage;
use vary_core::prelude::*;
use vary_core::{Error, Weights};
use vary_vision::layout::text_lines;
use vary_vision::preprocess::Letterbox;

#[allow(dead_code)]
mod support;

use support::assert_same;

fn map() -> CalibrationMap {
    CalibrationMap::try_from(vec![[0.0, 0.5], [0.5, 0.9], [1.0, 0.95]]).unwrap()
}

fn nano(inference: InferenceConfig) -> Pipeline {
    Pipeline::builder()
        .weights(Weights::nano())
        .device(Device::flex())
        .inference_config(inference)
        .build()
        .unwrap()
}

#[test]
fn calibrated_scores() {
    let raw = nano(InferenceConfig::default());
    let mapped = nano(InferenceConfig::default().with_calibration_map(map()));
    let image = RgbImage::from_fn(64, 48, |x, y| {
        Rgb([x as u8 * 3, y as u8 * 5, (x * y) as u8])
    });
    let mut expected: Vec<Detection> = raw.detect(&image).unwrap();
    assert!(!expected.is_empty(), "an image with boxes is needed");
    for found in &mut expected {
        found.score = map().apply(found.score);
    }

    assert_eq!(mapped.detect(&image).unwrap(), expected);
    let options = AnswerOptions::default();
    let answer = mapped.answer(&image, Task::DetectAll, &options).unwrap();
    assert_eq!(answer.detections, expected);
    // All else is as the model wrote it.
    let plain = raw.answer(&image, Task::DetectAll, &options).unwrap();
    assert_eq!(answer.tokens, plain.tokens);

    let stream = mapped.stream(&image, Task::DetectAll, &options).unwrap();
    let mut boxes = vec![];
    for event in stream {
        match event.unwrap() {
            Event::Box(found) => boxes.push(found),
            Event::Done(done) => assert_eq!(done.detections, expected),
            _ => {}
        }
    }
    boxes.sort_by(|a, b| b.score.total_cmp(&a.score));
    assert_eq!(boxes, expected);
}

/// A sign with three lines of text, above itself.
fn page() -> RgbImage {
    let sign = include_bytes!("../../examples/assets/sign.png");
    let sign = decode(sign, &DecodeOptions::default()).unwrap();
    let (width, height) = sign.dimensions();
    let mut page = RgbImage::new(width, 2 * height);
    imageops::replace(&mut page, &sign, 0, 0);
    imageops::replace(&mut page, &sign, 0, height.into());
    page
}

#[test]
fn pages_line_by_line() {
    let by_lines = nano(InferenceConfig::default().with_line_segmentation(true));
    let whole = nano(InferenceConfig::default());
    let page = page();
    let options = AnswerOptions::default();
    let lines = text_lines(&page);
    assert!(lines.len() > 1, "{lines:?}");
    let mut expected: Vec<String> = vec![];
    let mut usage = Usage::default();
    for line in lines {
        let strip = line.crop(&page);
        let letterbox = Letterbox::new(strip.dimensions(), 192).unwrap();
        let square = letterbox.apply(&strip).unwrap();
        let answer = whole.answer(&square, Task::Ocr, &options).unwrap();
        usage.image_tokens += answer.usage.image_tokens;
        usage.prompt_tokens += answer.usage.prompt_tokens;
        usage.new_tokens += answer.usage.new_tokens;
        expected.push(answer.text);
    }
    expected.retain(|text| !text.is_empty());

    let answer = by_lines.answer(&page, Task::Ocr, &options).unwrap();
    assert_eq!(answer.text, expected.join("\n"));
    assert_eq!(answer.usage, usage);
    assert_eq!(answer.tokens.len(), usage.new_tokens);
    let last = answer.tokens.last().unwrap().range.end;
    assert_eq!(last, answer.text.len());
    assert_eq!(answer.lines().len(), expected.len());

    // The same from an encoded image, in a batch and as a stream.
    let encoded = by_lines.encode(&page).unwrap();
    assert_same(&by_lines.read(&encoded).unwrap(), &answer);
    let batch = by_lines.answer_batch(&[&page, &page], Task::Ocr, &options);
    for one in batch {
        assert_same(&one.unwrap(), &answer);
    }
    let mut text = String::new();
    for event in by_lines.stream(&page, Task::Ocr, &options).unwrap() {
        match event.unwrap() {
            Event::Token { text: more } => text.push_str(&more),
            Event::Done(done) => assert_same(&done, &answer),
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(text, answer.text);

    // Other tasks see the whole page.
    let ask = |vary: &Pipeline| vary.markdown(&page).unwrap();
    assert_same(&ask(&by_lines), &ask(&whole));
}

#[test]
fn files() {
    let dir = tempfile::tempdir().unwrap();
    assert_eq!(
        InferenceConfig::read(dir.path()).unwrap(),
        InferenceConfig::default()
    );
    let config = InferenceConfig::default()
        .with_calibration_map(map())
        .with_line_segmentation(true);
    config.write(dir.path()).unwrap();
    assert_eq!(InferenceConfig::read(dir.path()).unwrap(), config);

    for (text, expected, reason) in [
        (
            r#"{"calibration_map": [[0.0, 0.5], [1.0, 0.4]]}"#,
            "calibration_map",
            "[1.0, 0.4]",
        ),
        (
            r#"{"line_segmentation": 3}"#,
            "line_segmentation",
            "boolean",
        ),
        (r#"{"band_lines": 1}"#, "band_lines", "unknown field"),
        ("[", ".", ""),
    ] {
        std::fs::write(dir.path().join("inference_config.json"), text).unwrap();
        let error = InferenceConfig::read(dir.path()).unwrap_err();
        let message = error.to_string();
        assert!(matches!(error, Error::ConfigField { .. }), "{message}");
        assert!(
            message.contains(expected) && message.contains(reason),
            "{text}: {message}"
        );
        assert!(message.contains("inference_config.json"), "{message}");
    }
}

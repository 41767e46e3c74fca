//! `inference_config.json`: calibrated scores, bad files.

#![cfg(feature = "nano")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use burn::prelude::*;
use image::{Rgb, RgbImage};
use vary_core::detection::{CalibrationMap, Detection};
use vary_core::prelude::*;
use vary_core::{Error, Weights};

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

#[test]
fn files() {
    let dir = tempfile::tempdir().unwrap();
    assert_eq!(
        InferenceConfig::read(dir.path()).unwrap(),
        InferenceConfig::default()
    );
    let config = InferenceConfig::default().with_calibration_map(map());
    config.write(dir.path()).unwrap();
    assert_eq!(InferenceConfig::read(dir.path()).unwrap(), config);

    for (text, expected, reason) in [
        (
            r#"{"calibration_map": [[0.0, 0.5], [1.0, 0.4]]}"#,
            "calibration_map",
            "[1.0, 0.4]",
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

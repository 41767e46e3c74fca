//! Shared by the tests of the pipeline, which run in processes of their own.

use std::path::Path;

use burn::prelude::*;
use image::RgbImage;
use vary_core::pipeline::{Answer, Times};
use vary_core::{Pipeline, Weights};

/// An image that differs from those of other seeds.
pub fn image(seed: u32) -> RgbImage {
    RgbImage::from_fn(64, 48, |x, y| {
        image::Rgb([
            (x * 3 + seed * 40) as u8,
            (y * 5) as u8,
            (x * y + seed) as u8,
        ])
    })
}

/// All but the times.
pub fn timeless(answer: &Answer) -> Answer {
    let mut answer = answer.clone();
    answer.times = Times::default();
    answer
}

/// Asserts that two answers are the same token for token. Confidences may differ in the last
/// digits: the products of a batch are summed in another order.
#[allow(dead_code)]
pub fn assert_same(found: &Answer, expected: &Answer) {
    let confidences = |answer: &Answer| answer.tokens.iter().map(|t| t.log_confidence).sum::<f32>();
    let difference = (confidences(found) - confidences(expected)).abs();
    assert!(difference <= 1e-3, "{found:?}\n{expected:?}");
    let rounded = |answer: &Answer| {
        let mut answer = timeless(answer);
        for token in &mut answer.tokens {
            token.log_confidence = 0.0;
        }
        for object in &mut answer.detections {
            object.score = (object.score * 1e3).round();
        }
        answer
    };
    assert_eq!(rounded(found), rounded(expected));
}

/// The model of a directory or weight file, on the CPU.
pub fn open(dir: &Path) -> vary_core::Result<Pipeline> {
    Pipeline::builder()
        .weights(Weights::dir(dir))
        .device(Device::flex())
        .build()
}

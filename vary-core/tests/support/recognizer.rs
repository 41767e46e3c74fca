//! A recognizer, and a page for it.

use burn::prelude::*;
use image::RgbImage;
use vary_core::recognition::{Recognizer, RecognizerConfig};

/// A recognizer with random parameters that is sure of what it reads: what it doubts is left out.
pub fn recognizer() -> Recognizer {
    let config = RecognizerConfig::tiny("abcdefgh. ");
    let device = Device::flex();
    device.seed(7);
    let mut model = config.init(&device);
    model.head.weight = model.head.weight.map(|weight| weight.mul_scalar(50.0));
    Recognizer::new(model, config).unwrap()
}

/// Lines of strokes as high as letters.
pub fn lines_page() -> RgbImage {
    RgbImage::from_fn(400, 120, |x, y| {
        let letter = (20..380).contains(&x) && x % 9 < 4 && x % 63 < 45;
        let line = (20..100).contains(&y) && y % 20 < 10;
        image::Rgb([if letter && line { 20 } else { 240 }; 3])
    })
}

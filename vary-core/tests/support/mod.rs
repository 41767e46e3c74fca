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

/// The model of a directory or weight file, on the CPU.
pub fn open(dir: &Path) -> vary_core::Result<Pipeline> {
    Pipeline::builder()
        .weights(Weights::dir(dir))
        .device(Device::flex())
        .build()
}

//! The vision side: preprocessing, the nano tower, and Vary-toy's CLIP tower.
// `criterion_group!` makes a public function without documentation.
#![allow(clippy::unwrap_used, missing_docs)]

use std::hint::black_box;
use std::time::Duration;

use burn::prelude::*;
use criterion::{Criterion, criterion_group, criterion_main};
use image::{Rgb, RgbImage};
use vary_vision::clip::ClipVisionConfig;
use vary_vision::preprocess::ImageProcessor;
use vary_vision::vocab::VisionVocabularyConfig;

/// An image whose values change from pixel to pixel.
fn gradient(width: u32, height: u32) -> RgbImage {
    RgbImage::from_fn(width, height, |x, y| {
        Rgb([(x * 7 + y) as u8, (x ^ y) as u8, (x + y * 5) as u8])
    })
}

fn preprocess(c: &mut Criterion) {
    let image = gradient(1000, 750);
    let mut group = c.benchmark_group("preprocess_1000x750");
    for size in [128, 1024] {
        let processor = ImageProcessor::vary(size);
        group.bench_function(format!("to_{size}"), |b| {
            b.iter(|| processor.pixels(black_box(&image)).unwrap());
        });
    }
    let clip = ImageProcessor::clip(224);
    group.bench_function("clip_to_224", |b| {
        b.iter(|| clip.pixels(black_box(&image)).unwrap());
    });
    group.finish();
}

fn encode(c: &mut Criterion) {
    let device = Device::flex();
    let config = VisionVocabularyConfig::nano();
    let tower = config.init(&device);
    let size = config.img_size;
    let pixels = ImageProcessor::vary(size)
        .process(&gradient(256, 256), &device)
        .unwrap();
    let mut group = c.benchmark_group("nano_tower");
    for batch in [1, 8] {
        let pixels = pixels.clone().repeat_dim(0, batch);
        // `into_data` waits for the result on every backend.
        group.bench_function(format!("batch_{batch}"), |b| {
            b.iter(|| tower.forward(black_box(pixels.clone())).into_data());
        });
    }
    group.finish();
}

/// At full size: 1.2 GB of random weights.
fn clip(c: &mut Criterion) {
    let device = Device::flex();
    let config = ClipVisionConfig::large_patch14_224();
    let tower = config.init(&device);
    let pixels = ImageProcessor::clip(config.image_size)
        .process(&gradient(640, 480), &device)
        .unwrap();
    let mut group = c.benchmark_group("clip_large");
    group
        .sample_size(10)
        .measurement_time(Duration::from_secs(20));
    group.bench_function("batch_1", |b| {
        b.iter(|| tower.forward(black_box(pixels.clone()), -2).into_data());
    });
    group.finish();
}

criterion_group!(benches, preprocess, encode, clip);
criterion_main!(benches);

//! The pipeline with the embedded model: loading, encoding an image, detecting.
#![allow(clippy::unwrap_used, missing_docs)]

use std::hint::black_box;

use burn::prelude::*;
use criterion::{Criterion, criterion_group, criterion_main};
use vary_core::Pipeline;
use vary_core::pipeline::{DecodeOptions, decode};

const SCENE: &[u8] = include_bytes!("../../examples/assets/scene.png");

fn pipeline() -> Pipeline {
    Pipeline::builder().device(Device::flex()).build().unwrap()
}

fn load(c: &mut Criterion) {
    c.bench_function("load_nano", |b| b.iter(pipeline));
}

fn detect(c: &mut Criterion) {
    let vary = pipeline();
    let image = decode(SCENE, &DecodeOptions::default()).unwrap();
    let encoded = vary.encode(&image).unwrap();
    let mut group = c.benchmark_group("scene");
    group.bench_function("encode", |b| {
        b.iter(|| vary.encode(black_box(&image)).unwrap().tokens().into_data());
    });
    group.bench_function("detect", |b| {
        b.iter(|| vary.detect(black_box(&image)).unwrap())
    });
    group.bench_function("detect_encoded", |b| {
        b.iter(|| vary.detect(black_box(&encoded)).unwrap())
    });
    group.finish();
}

criterion_group!(benches, load, detect);
criterion_main!(benches);

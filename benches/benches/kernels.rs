//! The kernels beside the tensor operations that they stand for.
// `criterion_group!` makes a public function without documentation.
#![allow(missing_docs)]

use std::hint::black_box;
use std::time::Duration;

use burn::nn::LinearConfig;
use burn::prelude::*;
use burn::tensor::Distribution;
use burn::tensor::activation;
use criterion::measurement::WallTime;
use criterion::{BenchmarkGroup, Criterion, Throughput, criterion_group, criterion_main};
use vary_kernels::attention::{Map, reference};
use vary_kernels::quantized::{Bits, Matrix, linear};
use vary_kernels::{gelu, rel_pos_attention};

/// Rows of activations.
const ROWS: [usize; 3] = [1, 8, 64];

const NORMAL: Distribution = Distribution::Normal(0.0, 1.0);

fn attention(c: &mut Criterion) {
    let sam = |window| Map {
        batch: 1,
        size: [64, 64],
        heads: [12, 64],
        window,
    };
    let nano = |window| Map {
        batch: 2,
        size: [24, 24],
        heads: [4, 32],
        window,
    };
    let maps = [
        ("sam_base_global", sam(None)),
        ("sam_base_windows", sam(Some([14, 14]))),
        ("nano_global", nano(None)),
        ("nano_windows", nano(Some([8, 8]))),
    ];
    for (name, map) in maps {
        let mut group = c.benchmark_group(format!("attention_{name}"));
        group.sample_size(10);
        for training in [false, true] {
            // A step at the size of SAM keeps gigabytes of logits in the reference.
            if !(training && map.size == [64, 64]) {
                attention_of_map(&mut group, map, training);
            }
        }
        group.finish();
    }
}

fn attention_of_map(group: &mut BenchmarkGroup<'_, WallTime>, map: Map, training: bool) {
    let device = match training {
        true => Device::flex().autodiff(),
        false => Device::flex(),
    };
    let [height, width] = map.size;
    let [rows, cols] = map.seen();
    let channels = 3 * map.channels();
    let qkv = Tensor::<4>::random([map.batch, height, width, channels], NORMAL, &device);
    let qkv = if training { qkv.require_grad() } else { qkv };
    let padding = Tensor::<1>::random([channels], NORMAL, &device);
    let table = |side| Tensor::<2>::random([2 * side - 1, map.heads[1]], NORMAL, &device);
    let (rel_h, rel_w) = (table(rows), table(cols));
    let inputs = || (qkv.clone(), padding.clone(), rel_h.clone(), rel_w.clone());
    let attend = |bf16| {
        let (qkv, padding, rel_h, rel_w) = inputs();
        rel_pos_attention(qkv, padding, rel_h, rel_w, map.heads[0], map.window, bf16)
    };
    let kernel = || attend(false);
    let rounded = || attend(true);
    let operations = || {
        let (qkv, padding, rel_h, rel_w) = inputs();
        reference::attention(qkv, padding, rel_h, rel_w, map)
    };
    let computed: [(&str, &dyn Fn() -> Tensor<4>); 3] = [
        ("kernel", &kernel),
        ("kernel_bf16", &rounded),
        ("operations", &operations),
    ];
    for (name, compute) in computed {
        match training {
            false => group.bench_function(name, |b| b.iter(|| compute().into_data())),
            // Gradients are those of f32.
            true if name == "kernel_bf16" => group,
            true => group.bench_function(format!("{name}_with_backward"), |b| {
                b.iter(|| black_box(compute().sum().backward()));
            }),
        };
    }
}

fn activations(c: &mut Criterion) {
    let x = Tensor::<3>::random([1, 4096, 3072], NORMAL, &Device::flex());
    let mut group = c.benchmark_group("gelu_4096x3072");
    group.bench_function("kernel", |b| b.iter(|| gelu(x.clone()).into_data()));
    group.bench_function("operations", |b| {
        b.iter(|| activation::gelu(x.clone()).into_data());
    });
    group.finish();
}

/// A matrix that no cache holds, times one row, the rows of a batch, and as many as a prompt has.
fn products(c: &mut Criterion) {
    let (rows, cols) = (65_536, 2048);
    let weights: Vec<f32> = (0..rows * cols)
        .map(|i| (i as u32).wrapping_mul(2_654_435_761) as f32 / u32::MAX as f32 - 0.5)
        .collect();
    let mut group = c.benchmark_group("product_65536x2048");
    group
        .sample_size(10)
        .measurement_time(Duration::from_secs(10));
    for (name, bits) in [
        ("bf16", Bits::Sixteen),
        ("8_bits", Bits::Eight),
        ("4_bits", Bits::Four),
    ] {
        let matrix = Matrix::new(bits, &weights, [rows, cols]);
        for tokens in ROWS {
            let x: Vec<f32> = (0..tokens * cols).map(|i| (i as f32).sin()).collect();
            let mut out = vec![0.0; tokens * rows];
            group.throughput(Throughput::Bytes(matrix.bytes() as u64));
            group.bench_function(format!("{name}_{tokens}_rows"), |b| {
                b.iter(|| matrix.multiply(black_box(&x), None, &mut out));
            });
        }
    }
    let device = Device::flex();
    let layer = LinearConfig::new(cols, rows).with_bias(false).init(&device);
    for tokens in ROWS {
        let x = Tensor::<2>::random([tokens, cols], NORMAL, &device);
        group.throughput(Throughput::Bytes((rows * cols * 4) as u64));
        group.bench_function(format!("f32_{tokens}_rows"), |b| {
            b.iter(|| linear(&layer, x.clone()).into_data());
        });
    }
    group.finish();
}

criterion_group!(benches, attention, activations, products);
criterion_main!(benches);

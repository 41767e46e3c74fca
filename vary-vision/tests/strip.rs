//! The vision vocabulary on strips.
#![allow(clippy::unwrap_used)]

use burn::prelude::*;
use burn::tensor::{Distribution, Tolerance};
use vary_vision::vocab::{StripConfig, StripEncoder};

fn encoder() -> (StripConfig, StripEncoder) {
    let (config, device) = (StripConfig::tiny(), Device::flex());
    device.seed(3);
    let encoder = config.init(&device);
    (config, encoder)
}

fn strips(count: usize, width: usize) -> Tensor<3> {
    let shape = [count, StripConfig::tiny().height, width];
    Tensor::random(shape, Distribution::Uniform(0.0, 1.0), &Device::flex())
}

#[test]
fn strips_of_any_width() {
    let (config, encoder) = encoder();
    // From one column to more than relative positions tell apart.
    for columns in [1, 2, 3, 7, 40] {
        let width = columns * config.column_width();
        let out = encoder.forward(strips(2, width));
        assert_eq!(out.dims(), [2, columns, config.embed_dim]);
    }
}

#[test]
fn a_strip_does_not_depend_on_its_batch() {
    let (_, encoder) = encoder();
    let strips = strips(3, 36);
    let together = encoder.forward(strips.clone());
    for i in 0..3 {
        let alone = encoder.forward(strips.clone().narrow(0, i, 1)).into_data();
        let row = together.clone().narrow(0, i, 1).into_data();
        row.assert_approx_eq(&alone, Tolerance::<f32>::absolute(1e-5));
    }
}

#[test]
fn residual_convolutions_begin_as_the_identity() {
    let of = |depths: &[usize]| {
        let config = StripConfig {
            stem_depths: depths.to_vec(),
            ..StripConfig::tiny()
        };
        config.init(&Device::flex())
    };
    let (plain, mut grown) = (of(&[]), of(&[1, 2]));
    for (layer, known) in grown.stem.iter_mut().zip(&plain.stem) {
        layer.conv = known.conv.clone();
        layer.norm = known.norm.clone();
    }
    grown.proj = plain.proj.clone();
    grown.blocks = plain.blocks.clone();
    grown.norm = plain.norm.clone();
    let strips = strips(2, 24);
    let before = plain.forward(strips.clone()).into_data();
    assert_eq!(grown.forward(strips.clone()).into_data(), before);
    // They are not left out: with other weights the result is another one.
    let conv = &mut grown.stem[1].residual[1].conv;
    conv.weight = conv.weight.clone().map(|weight| weight + 0.1);
    assert_ne!(grown.forward(strips).into_data(), before);
}

#[test]
fn far_columns_reach_each_other() {
    let (_, encoder) = encoder();
    let (mut pixels, width) = (vec![0.0f32; 16 * 160], 160);
    let device = Device::flex();
    let encode = |pixels: &[f32]| {
        let data = TensorData::new(pixels.to_vec(), [1, 16, width]);
        let out: Vec<f32> = encoder
            .forward(Tensor::from_data(data, &device))
            .into_data()
            .iter()
            .collect();
        out[..16].to_vec()
    };
    let before = encode(&pixels);
    pixels
        .iter_mut()
        .skip(158)
        .step_by(160)
        .for_each(|p| *p = 1.0);
    assert_ne!(encode(&pixels), before);
}

#[test]
fn contradicting_sizes_are_refused() {
    let refused = |change: fn(&mut StripConfig)| {
        let mut config = StripConfig::tiny();
        change(&mut config);
        config.validate().unwrap_err().to_string()
    };
    StripConfig::nano().validate().unwrap();
    for (message, field) in [
        (refused(|c| c.height = 18), "`height`"),
        (refused(|c| c.stem = vec![]), "`stem`"),
        (refused(|c| c.stem = vec![4, 0]), "`stem`"),
        (refused(|c| c.stem_depths = vec![1; 3]), "`stem_depths`"),
        (refused(|c| c.stem_depths = vec![65]), "`stem_depths`"),
        (refused(|c| c.num_heads = 3), "`num_heads`"),
        (
            refused(|c| c.global_attn_indexes = vec![9]),
            "`global_attn_indexes`",
        ),
        (refused(|c| c.max_distance = 1 << 20), "`max_distance`"),
        (refused(|c| c.mlp_ratio = f64::NAN), "`mlp_ratio`"),
        (refused(|c| c.layer_norm_eps = 0.0), "`layer_norm_eps`"),
    ] {
        assert!(message.contains(field), "{message}");
    }
}

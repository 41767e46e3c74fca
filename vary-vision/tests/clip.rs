//! The CLIP tower from outside: its official configuration, and what it computes.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use burn::prelude::*;
use serde_json::json;
use vary_vision::clip::{ClipActivation, ClipVisionConfig};

/// The fields that have no default, as the official file of CLIP-L has them.
fn official() -> serde_json::Value {
    json!({
        "model_type": "clip_vision_model",
        "hidden_size": 1024,
        "intermediate_size": 4096,
        "num_hidden_layers": 24,
        "num_attention_heads": 16,
        "image_size": 224,
        "patch_size": 14,
        "projection_dim": 768,
    })
}

#[test]
fn official_config_is_read() {
    let config: ClipVisionConfig = serde_json::from_value(official()).unwrap();
    assert_eq!(config, ClipVisionConfig::large_patch14_224());
    config.validate().unwrap();
    assert_eq!(config.num_tokens(), 256);
    let written = serde_json::to_value(&config).unwrap();
    assert_eq!(written["hidden_act"], "quick_gelu");
}

#[test]
fn official_parameter_count() {
    // Nothing is drawn, so this is quick.
    struct Count(usize);
    impl burn::module::ModuleVisitor for Count {
        fn visit_float<const D: usize>(&mut self, param: &burn::module::Param<Tensor<D>>) {
            self.0 += param.lazy_shape().num_elements();
        }
    }
    let mut count = Count(0);
    let network = ClipVisionConfig::large_patch14_224().init(&Device::flex());
    network.visit(&mut count);
    assert_eq!(count.0, 303_179_776);
}

#[test]
#[should_panic(expected = "expected 8, got 32")]
fn wrong_shape_panics() {
    let device = Device::flex();
    let network = ClipVisionConfig::tiny().init(&device);
    // As many patches as in a square of 16.
    network.forward(Tensor::zeros([1, 3, 8, 32], &device), -2);
}

#[test]
fn later_layers_are_skipped() {
    let device = Device::flex();
    let mut network = ClipVisionConfig::tiny().init(&device);
    let pixels = Tensor::ones([1, 3, 16, 16], &device);
    let expected = network.forward(pixels.clone(), -2).into_data();
    network.encoder.layers.truncate(2);
    let got = network.forward(pixels, -1).into_data();
    got.assert_eq(&expected, true);
}

#[test]
fn batch_items_are_independent() {
    let device = Device::flex();
    let mut config = ClipVisionConfig::tiny();
    config.hidden_act = ClipActivation::Gelu;
    let network = config.init(&device);
    let ones = Tensor::<4>::ones([1, 3, 16, 16], &device);
    let both = Tensor::cat(vec![ones.clone(), ones.clone() * 0.5], 0);
    let alone = network.forward(ones, -2);
    let first = network.forward(both, -2).narrow(0, 0, 1);
    let worst = (alone - first).abs().max().into_scalar::<f32>();
    assert!(worst < 1e-5, "off by {worst}");
}

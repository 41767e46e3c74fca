//! The queries and keys of one head are those that its layer attends with.

#![allow(clippy::unwrap_used, missing_docs)]

use burn::module::Param;
use burn::nn::Linear;
use burn::prelude::*;
use burn::tensor::Distribution;
use burn::tensor::activation::softmax;
use vary_lm::LanguageModel;
use vary_lm::opt::OptConfig;
use vary_lm::qwen::{QkvProjection, QwenConfig};

const HEADS: usize = 4;
const DIM: usize = 8;
const WIDTH: usize = HEADS * DIM;

/// Makes a layer the identity times `scale`, or zero where the widths differ.
fn set(layer: &mut Linear, scale: f32, device: &Device) {
    let [from, to] = layer.weight.dims();
    let weight = match from == to {
        true => Tensor::eye(from, device) * scale,
        false => Tensor::zeros([from, to], device),
    };
    layer.weight = Param::from_tensor(weight);
    layer.bias = None;
}

/// Compares what a layer that only attends adds to the state with attention by the queries and keys
/// of each head; `values` are `[batch, seq, kv_heads * DIM]` of the layer's input.
fn check(model: &dyn LanguageModel, kv_heads: usize, values: impl Fn(Tensor<3>) -> Tensor<3>) {
    let device = model.device();
    let seq = 7;
    let mut states = vec![];
    let x = Tensor::random([2, seq, WIDTH], Distribution::Default, &device);
    model.forward_states(x, None, None, &mut |state| states.push(state.clone()));
    let (entered, left) = (states[0].clone(), states[1].clone());
    let added = left - entered.clone();
    let values = values(entered.clone());
    let later = Tensor::<2, Bool>::tril_mask([seq, seq], 0, &device).unsqueeze::<3>();
    for head in 0..HEADS {
        let [q, k] = model.queries_and_keys(0, head, entered.clone());
        let scores = q.matmul(k.swap_dims(1, 2)) / (DIM as f32).sqrt();
        let scores = scores.mask_fill(later.clone().expand([2, seq, seq]), f32::NEG_INFINITY);
        let of = head * kv_heads / HEADS;
        let expected = softmax(scores, 2).matmul(values.clone().narrow(2, of * DIM, DIM));
        let got = added.clone().narrow(2, head * DIM, DIM);
        let off = (got - expected.clone()).abs().max().into_scalar::<f32>();
        let size = expected.abs().max().into_scalar::<f32>();
        assert!(off < 1e-4 * size.max(1.0), "head {head}: {off} of {size}");
    }
}

#[test]
fn of_opt() {
    let device = Device::flex();
    device.seed(5);
    let config = OptConfig {
        hidden_size: WIDTH,
        num_attention_heads: HEADS,
        ffn_dim: 16,
        num_hidden_layers: 2,
        vocab_size: 10,
        max_position_embeddings: 16,
        dropout: 0.0,
        ..OptConfig::opt_125m()
    };
    let mut model = config.init(&device);
    let layer = &mut model.layers[0];
    set(&mut layer.self_attn.out_proj, 1.0, &device);
    set(&mut layer.fc2, 0.0, &device);
    let layer = model.layers[0].clone();
    check(&model, HEADS, |state| {
        let normed = layer.self_attn_layer_norm.forward(state);
        layer.self_attn.v_proj.forward(normed)
    });
}

#[test]
fn of_qwen() {
    let device = Device::flex();
    device.seed(6);
    // Beyond the trained length of 4 positions are stretched and queries scaled.
    for (kv_heads, separate_qkv, seq_length) in [
        (HEADS, false, 256),
        (2, false, 256),
        (2, true, 256),
        (HEADS, false, 4),
    ] {
        let config = QwenConfig {
            hidden_size: WIDTH,
            num_attention_heads: HEADS,
            num_key_value_heads: Some(kv_heads),
            kv_channels: DIM,
            separate_qkv,
            seq_length,
            ..QwenConfig::tiny(10)
        };
        let mut model = config.init(&device);
        // Far enough from zero that it matters what is attended to.
        let large = |layer: &mut Linear| {
            let weight = layer.weight.val() * 30.0;
            layer.weight = Param::from_tensor(weight);
        };
        let block = &mut model.h[0];
        match &mut block.attn.qkv {
            QkvProjection::Fused(qkv) => large(&mut qkv.c_attn),
            QkvProjection::Separate(qkv) => {
                large(&mut qkv.q_proj);
                large(&mut qkv.k_proj);
                large(&mut qkv.v_proj);
            }
        }
        set(&mut block.attn.c_proj, 1.0, &device);
        set(&mut block.mlp.c_proj, 0.0, &device);
        let block = model.h[0].clone();
        check(&model, kv_heads, |state| {
            let normed = block.ln_1.forward(state);
            match &block.attn.qkv {
                QkvProjection::Fused(qkv) => {
                    let all = qkv.c_attn.forward(normed);
                    all.narrow(2, (HEADS + kv_heads) * DIM, kv_heads * DIM)
                }
                QkvProjection::Separate(qkv) => qkv.v_proj.forward(normed),
            }
        });
    }
}

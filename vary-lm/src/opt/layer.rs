use burn::nn::{Dropout, DropoutConfig, LayerNorm, LayerNormConfig, Linear, LinearConfig};
use burn::prelude::*;
use burn::tensor::activation::relu;
use vary_kernels::quantized::linear;

use super::OptConfig;
use crate::attention::causal_attention;
use crate::kv_cache::LayerCaches;

/// Self-attention of an OPT layer; every projection has a bias.
#[derive(Module, Debug)]
pub struct SelfAttention {
    /// Query projection.
    pub q_proj: Linear,
    /// Key projection.
    pub k_proj: Linear,
    /// Value projection.
    pub v_proj: Linear,
    /// Output projection.
    pub out_proj: Linear,
    num_heads: usize,
}

impl SelfAttention {
    fn new(config: &OptConfig, device: &Device) -> Self {
        let projection = || LinearConfig::new(config.hidden_size, config.hidden_size).init(device);
        Self {
            q_proj: projection(),
            k_proj: projection(),
            v_proj: projection(),
            out_proj: projection(),
            num_heads: config.num_attention_heads,
        }
    }

    fn forward(
        &self,
        x: Tensor<3>,
        padding: Option<&Tensor<2, Bool>>,
        caches: LayerCaches<'_>,
    ) -> Tensor<3> {
        let split = |t| caches.split_heads(t, self.num_heads);
        let q = split(linear(&self.q_proj, x.clone()));
        let k = split(linear(&self.k_proj, x.clone()));
        let v = split(linear(&self.v_proj, x));
        linear(&self.out_proj, causal_attention(q, k, v, padding, caches))
    }
}

/// Pre-norm layer of OPT: attention, then a ReLU feed-forward layer.
#[derive(Module, Debug)]
pub struct DecoderLayer {
    /// Norm before the attention.
    pub self_attn_layer_norm: LayerNorm,
    /// Causal self-attention.
    pub self_attn: SelfAttention,
    /// Norm before the feed-forward layer.
    pub final_layer_norm: LayerNorm,
    /// Widens to `ffn_dim`.
    pub fc1: Linear,
    /// Narrows back.
    pub fc2: Linear,
    dropout: Dropout,
}

impl DecoderLayer {
    pub(super) fn new(config: &OptConfig, device: &Device) -> Self {
        let (d_model, ffn_dim) = (config.hidden_size, config.ffn_dim);
        let norm = || LayerNormConfig::new(d_model).init(device);
        Self {
            self_attn_layer_norm: norm(),
            self_attn: SelfAttention::new(config, device),
            final_layer_norm: norm(),
            fc1: LinearConfig::new(d_model, ffn_dim).init(device),
            fc2: LinearConfig::new(ffn_dim, d_model).init(device),
            dropout: DropoutConfig::new(config.dropout).init(),
        }
    }

    pub(super) fn num_heads(&self) -> usize {
        self.self_attn.num_heads
    }

    /// # Shapes
    /// - x, output: `[batch, seq, d_model]`
    /// - padding: `[batch, past + seq]`, `true` = hidden
    pub(super) fn forward(
        &self,
        x: Tensor<3>,
        padding: Option<&Tensor<2, Bool>>,
        caches: LayerCaches<'_>,
    ) -> Tensor<3> {
        let normed = self.self_attn_layer_norm.forward(x.clone());
        let x = x + self
            .dropout
            .forward(self.self_attn.forward(normed, padding, caches));
        let normed = self.final_layer_norm.forward(x.clone());
        let hidden = linear(&self.fc2, relu(linear(&self.fc1, normed)));
        x + self.dropout.forward(hidden)
    }
}

use burn::nn::{LayerNorm, LayerNormConfig, Linear, LinearConfig};
use burn::prelude::*;
use burn::tensor::module::attention;
use vary_kernels::quantized::linear;
use vary_kernels::{gelu, quick_gelu};

use super::config::{ClipActivation, ClipVisionConfig};

/// Multi-head self-attention; every projection has a bias.
#[derive(Module, Debug)]
pub struct SelfAttention {
    /// Key projection.
    pub k_proj: Linear,
    /// Value projection.
    pub v_proj: Linear,
    /// Query projection.
    pub q_proj: Linear,
    /// Output projection.
    pub out_proj: Linear,
    num_heads: usize,
}

impl SelfAttention {
    fn new(config: &ClipVisionConfig, device: &Device) -> Self {
        let projection = || LinearConfig::new(config.hidden_size, config.hidden_size).init(device);
        Self {
            k_proj: projection(),
            v_proj: projection(),
            q_proj: projection(),
            out_proj: projection(),
            num_heads: config.num_attention_heads,
        }
    }

    fn forward(&self, x: Tensor<3>) -> Tensor<3> {
        let [batch, seq, channels] = x.dims();
        let (heads, head_dim) = (self.num_heads, channels / self.num_heads);
        let split = |t: Tensor<3>| t.reshape([batch, seq, heads, head_dim]).swap_dims(1, 2);
        let q = split(linear(&self.q_proj, x.clone()));
        let k = split(linear(&self.k_proj, x.clone()));
        let v = split(linear(&self.v_proj, x));
        let out = attention(q, k, v, None, None, Default::default());
        let out = out.swap_dims(1, 2).reshape([batch, seq, channels]);
        linear(&self.out_proj, out)
    }
}

/// Feed-forward layer of an [`EncoderLayer`].
#[derive(Module, Debug)]
pub struct Mlp {
    /// Widens to `intermediate_size`.
    pub fc1: Linear,
    /// Narrows back.
    pub fc2: Linear,
    #[module(skip)]
    activation: ClipActivation,
}

impl Mlp {
    fn forward(&self, x: Tensor<3>) -> Tensor<3> {
        let x = linear(&self.fc1, x);
        let x = match self.activation {
            ClipActivation::QuickGelu => quick_gelu(x),
            ClipActivation::Gelu => gelu(x),
        };
        linear(&self.fc2, x)
    }
}

/// Pre-norm transformer layer.
#[derive(Module, Debug)]
pub struct EncoderLayer {
    /// Norm before the attention.
    pub layer_norm1: LayerNorm,
    /// Self-attention over class token and patches.
    pub self_attn: SelfAttention,
    /// Norm before the feed-forward layer.
    pub layer_norm2: LayerNorm,
    /// Feed-forward layer.
    pub mlp: Mlp,
}

impl EncoderLayer {
    pub(super) fn new(config: &ClipVisionConfig, device: &Device) -> Self {
        let (channels, inner) = (config.hidden_size, config.intermediate_size);
        let norm = || {
            LayerNormConfig::new(channels)
                .with_epsilon(config.layer_norm_eps)
                .init(device)
        };
        Self {
            layer_norm1: norm(),
            self_attn: SelfAttention::new(config, device),
            layer_norm2: norm(),
            mlp: Mlp {
                fc1: LinearConfig::new(channels, inner).init(device),
                fc2: LinearConfig::new(inner, channels).init(device),
                activation: config.hidden_act,
            },
        }
    }

    /// # Shapes
    /// - x, output: `[batch, 1 + patches, channels]`
    pub(super) fn forward(&self, x: Tensor<3>) -> Tensor<3> {
        let x = x.clone() + self.self_attn.forward(self.layer_norm1.forward(x));
        x.clone() + self.mlp.forward(self.layer_norm2.forward(x))
    }
}

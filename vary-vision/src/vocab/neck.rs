use burn::module::Param;
use burn::nn::conv::{Conv2d, Conv2dConfig};
use burn::nn::{LayerNorm, LayerNormConfig, PaddingConfig2d};
use burn::prelude::*;

use super::config::VisionVocabularyConfig;
use crate::patches::patch_product;

/// Cuts the image into patches and projects each: a convolution whose stride is its size.
#[derive(Module, Debug)]
pub struct PatchEmbed {
    /// `[embed_dim, 3, patch, patch]` and its bias.
    pub proj: Conv2d,
}

impl PatchEmbed {
    pub(super) fn new(config: &VisionVocabularyConfig, device: &Device) -> Self {
        let patch = config.patch_size;
        let proj = Conv2dConfig::new([3, config.embed_dim], [patch, patch])
            .with_stride([patch, patch])
            .init(device);
        Self { proj }
    }

    /// # Shapes
    /// - x: `[batch, 3, height, width]`
    /// - output: `[batch, height / patch, width / patch, embed_dim]`
    pub fn forward(&self, x: Tensor<4>) -> Tensor<4> {
        patch_product(x, &self.proj)
    }
}

/// Narrows the map to `out_chans`: 1x1 convolution, norm, 3x3 convolution, norm.
///
/// The norms run over channels at each position (SAM's `LayerNorm2d`). The official keys are
/// `neck.0` to `neck.3`.
#[derive(Module, Debug)]
pub struct Neck {
    /// `neck.0`, 1x1 without bias.
    pub conv_0: Conv2d,
    /// `neck.1`.
    pub norm_1: LayerNorm2d,
    /// `neck.2`, 3x3 without bias.
    pub conv_2: Conv2d,
    /// `neck.3`.
    pub norm_3: LayerNorm2d,
}

impl Neck {
    pub(super) fn new(config: &VisionVocabularyConfig, device: &Device) -> Self {
        let (dim, out) = (config.embed_dim, config.out_chans);
        let norm = || LayerNorm2d::new(out, config.layer_norm_eps, device);
        Self {
            conv_0: Conv2dConfig::new([dim, out], [1, 1])
                .with_bias(false)
                .init(device),
            norm_1: norm(),
            conv_2: Conv2dConfig::new([out, out], [3, 3])
                .with_padding(PaddingConfig2d::Explicit(1, 1, 1, 1))
                .with_bias(false)
                .init(device),
            norm_3: norm(),
        }
    }

    /// # Shapes
    /// - x: `[batch, height, width, embed_dim]`, channels last
    /// - output: `[batch, out_chans, height, width]`, channels first
    pub fn forward(&self, x: Tensor<4>) -> Tensor<4> {
        let weight = self.conv_0.weight.val();
        let [out, dim, _, _] = weight.dims();
        // A 1x1 convolution is a matrix product; channels-last needs no transposition for it.
        let x = x.matmul(weight.reshape([out, dim]).transpose().unsqueeze());
        let x = self.norm_1.forward(x).permute([0, 3, 1, 2]);
        let x = self.conv_2.forward(x).permute([0, 2, 3, 1]);
        self.norm_3.forward(x).permute([0, 3, 1, 2])
    }
}

/// Layer norm over the channels of a map.
///
/// A type of its own because PyTorch's weight-decay rule distinguishes it from `nn.LayerNorm`: its
/// weight is decayed.
#[derive(Module, Debug)]
pub struct LayerNorm2d {
    /// Scale, `[channels]`.
    pub weight: Param<Tensor<1>>,
    /// Shift, `[channels]`.
    pub bias: Param<Tensor<1>>,
    eps: f64,
}

impl LayerNorm2d {
    pub(super) fn new(channels: usize, eps: f64, device: &Device) -> Self {
        let LayerNorm { gamma, beta, .. } = LayerNormConfig::new(channels).init(device);
        let bias = beta.unwrap_or_else(|| unreachable!("layer norms have a bias by default"));
        Self {
            weight: gamma,
            bias,
            eps,
        }
    }

    /// # Shapes
    /// - x, output: `[batch, height, width, channels]`, channels last
    pub fn forward(&self, x: Tensor<4>) -> Tensor<4> {
        let (weight, bias) = (self.weight.val(), self.bias.val());
        burn::tensor::module::layer_norm(x, weight, Some(bias), self.eps)
    }
}

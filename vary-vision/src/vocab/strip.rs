//! The vision vocabulary on strips: text lines of one height and any width.

use burn::nn::conv::{Conv2d, Conv2dConfig};
use burn::nn::{Initializer, LayerNorm, LayerNormConfig, Linear, LinearConfig, PaddingConfig2d};
use burn::prelude::*;
use burn::tensor::activation::relu;
use serde::{Deserialize, Serialize};
use vary_kernels::conv2d;
use vary_kernels::quantized::linear;

use super::block::BlockConfig;
use super::config::Activation;
use super::{Block, LayerNorm2d};
use crate::{Error, Result};

/// Configuration of a [`StripEncoder`], `strip_config` of a recognizer's `config.json`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct StripConfig {
    /// Height of a strip in pixels; a multiple of [`column_width`](Self::column_width).
    pub height: usize,
    /// Channels of the stem's 3x3 convolutions; each halves height and width.
    pub stem: Vec<usize>,
    /// Residual convolutions after each of them, at its size; none where the list ends.
    #[serde(default)]
    pub stem_depths: Vec<usize>,
    /// Width of the transformer.
    pub embed_dim: usize,
    /// Number of transformer blocks.
    pub depth: usize,
    /// Attention heads; divides `embed_dim`.
    pub num_heads: usize,
    /// Width of the feed-forward layer as a multiple of `embed_dim`.
    pub mlp_ratio: f64,
    /// Columns of an attention window.
    pub window_size: usize,
    /// Blocks (from 0) that attend to the whole strip instead of a window.
    pub global_attn_indexes: Vec<usize>,
    /// Distance in columns up to which global attention distinguishes positions; farther ones
    /// count as this far.
    pub max_distance: usize,
    /// Epsilon of every layer norm.
    pub layer_norm_eps: f64,
    /// Activation of the blocks' feed-forward layers.
    pub hidden_act: Activation,
}

impl StripConfig {
    /// The embedded model's: strips of 32 px, columns of 8 px.
    pub fn nano() -> Self {
        Self {
            height: 32,
            stem: vec![24, 48, 96],
            stem_depths: vec![0, 2, 2],
            embed_dim: 160,
            depth: 5,
            num_heads: 5,
            mlp_ratio: 3.0,
            window_size: 16,
            global_attn_indexes: vec![2, 4],
            max_distance: 64,
            layer_norm_eps: 1e-6,
            hidden_act: Activation::Relu,
        }
    }

    /// A few thousand parameters, for tests.
    pub fn tiny() -> Self {
        Self {
            height: 16,
            stem: vec![4, 6],
            stem_depths: vec![1],
            embed_dim: 16,
            depth: 2,
            num_heads: 2,
            mlp_ratio: 2.0,
            window_size: 3,
            global_attn_indexes: vec![1],
            max_distance: 4,
            layer_norm_eps: 1e-6,
            hidden_act: Activation::Gelu,
        }
    }

    /// Width of a column in pixels.
    pub fn column_width(&self) -> usize {
        1 << self.stem.len().min(16)
    }

    /// Checks that the sizes fit each other.
    ///
    /// # Errors
    /// [`Error::Config`] naming the field and the reason.
    pub fn validate(&self) -> Result<()> {
        let fail = |reason: String| Err(Error::Config(reason));
        if !(1..=6).contains(&self.stem.len()) {
            return fail(format!(
                "`stem` has {} layers; 1 to 6 are possible",
                self.stem.len()
            ));
        }
        if self.stem_depths.len() > self.stem.len() || self.stem_depths.iter().any(|&d| d > 64) {
            return fail(format!(
                "`stem_depths` {:?} must have at most an entry, up to 64, for each of `stem`",
                self.stem_depths
            ));
        }
        let sizes = [
            ("height", self.height),
            ("embed_dim", self.embed_dim),
            ("depth", self.depth),
            ("num_heads", self.num_heads),
            ("window_size", self.window_size),
            ("max_distance", self.max_distance),
        ];
        let stem = self.stem.iter().map(|channels| ("stem", *channels));
        if let Some((name, value)) = sizes
            .into_iter()
            .chain(stem)
            .find(|(_, v)| !(1..=4096).contains(v))
        {
            return fail(format!(
                "`{name}` is {value}; it must be between 1 and 4096"
            ));
        }
        if !self.height.is_multiple_of(self.column_width()) {
            return fail(format!(
                "`height` {} is not a multiple of {}, as `stem` halves it {} times",
                self.height,
                self.column_width(),
                self.stem.len()
            ));
        }
        self.block(0).check(self.depth, &self.global_attn_indexes)
    }

    /// Makes the network with random weights.
    pub fn init(&self, device: &Device) -> StripEncoder {
        let inputs = std::iter::once(&1).chain(&self.stem);
        let depths = self.stem_depths.iter().copied().chain(std::iter::repeat(0));
        let stem = inputs.zip(&self.stem).zip(depths);
        let stem = stem.map(|((&from, &to), depth)| StemLayer {
            conv: convolution([from, to], 2).init(device),
            norm: LayerNorm2d::new(to, self.layer_norm_eps, device),
            residual: (0..depth)
                .map(|_| ResidualConv::new(to, self.layer_norm_eps, device))
                .collect(),
        });
        let rows = self.height / self.column_width();
        let channels = self.stem.last().copied().unwrap_or(1);
        StripEncoder {
            stem: stem.collect(),
            proj: LinearConfig::new(rows * channels, self.embed_dim).init(device),
            blocks: (0..self.depth)
                .map(|i| Block::new(&self.block(i), device))
                .collect(),
            norm: LayerNormConfig::new(self.embed_dim)
                .with_epsilon(self.layer_norm_eps)
                .init(device),
        }
    }

    fn block(&self, index: usize) -> BlockConfig {
        let global = self.global_attn_indexes.contains(&index);
        BlockConfig {
            dim: self.embed_dim,
            num_heads: self.num_heads,
            mlp_ratio: self.mlp_ratio,
            layer_norm_eps: self.layer_norm_eps,
            hidden_act: self.hidden_act,
            window: (!global).then_some([1, self.window_size]),
            grid: [1, self.max_distance + 1],
        }
    }
}

/// A 3x3 convolution without bias.
fn convolution(channels: [usize; 2], stride: usize) -> Conv2dConfig {
    Conv2dConfig::new(channels, [3, 3])
        .with_stride([stride, stride])
        .with_padding(PaddingConfig2d::Explicit(1, 1, 1, 1))
        .with_bias(false)
}

/// A layer of the stem: a 3x3 convolution of stride 2, a norm over channels and a ReLU, then
/// residual convolutions.
#[derive(Module, Debug)]
pub struct StemLayer {
    /// `[outputs, inputs, 3, 3]`, without bias.
    pub conv: Conv2d,
    /// Norm over the channels of each position.
    pub norm: LayerNorm2d,
    /// Residual convolutions at the halved size.
    pub residual: Vec<ResidualConv>,
}

impl StemLayer {
    /// # Shapes
    /// - x: `[batch, height, width, inputs]`
    /// - output: `[batch, ceil(height / 2), ceil(width / 2), outputs]`
    pub fn forward(&self, x: Tensor<4>) -> Tensor<4> {
        let x = conv2d(x, self.conv.weight.val(), None, [2, 2], [1, 1]);
        let x = relu(self.norm.forward(x));
        self.residual.iter().fold(x, |x, layer| layer.forward(x))
    }
}

/// Adds a 3x3 convolution of the normed and rectified map to the map.
#[derive(Module, Debug)]
pub struct ResidualConv {
    /// Norm over the channels of each position.
    pub norm: LayerNorm2d,
    /// `[channels, channels, 3, 3]`, without bias.
    pub conv: Conv2d,
}

impl ResidualConv {
    /// It begins as the identity, so that a trained network may be given more of them.
    fn new(channels: usize, eps: f64, device: &Device) -> Self {
        let conv = convolution([channels, channels], 1).with_initializer(Initializer::Zeros);
        Self {
            norm: LayerNorm2d::new(channels, eps, device),
            conv: conv.init(device),
        }
    }

    /// # Shapes
    /// - x, output: `[batch, height, width, channels]`
    pub fn forward(&self, x: Tensor<4>) -> Tensor<4> {
        let inner = relu(self.norm.forward(x.clone()));
        x + conv2d(inner, self.conv.weight.val(), None, [1, 1], [1, 1])
    }
}

/// The vision vocabulary's blocks on text lines: a stem of convolutions makes one row of columns,
/// windows are runs of columns, and relative positions serve any width.
///
/// Make one with [`StripConfig::init`].
#[derive(Module, Debug)]
pub struct StripEncoder {
    /// Halves the strip with each layer.
    pub stem: Vec<StemLayer>,
    /// The rows of a column to its vector.
    pub proj: Linear,
    /// Transformer blocks.
    pub blocks: Vec<Block>,
    /// Norm after the last block.
    pub norm: LayerNorm,
}

impl StripEncoder {
    /// Encodes strips, from left to right.
    ///
    /// # Shapes
    /// - pixels: `[batch, height, width]`, grey, normalised; the width is a multiple of
    ///   [`column_width`](StripConfig::column_width)
    /// - output: `[batch, width / column_width, embed_dim]`
    pub fn forward(&self, pixels: Tensor<3>) -> Tensor<3> {
        let x = self
            .stem
            .iter()
            .fold(pixels.unsqueeze_dim(3), |x, layer| layer.forward(x));
        let [batch, rows, cols, channels] = x.dims();
        let x = x.swap_dims(1, 2).reshape([batch, 1, cols, rows * channels]);
        let x = linear(&self.proj, x);
        let x = self.blocks.iter().fold(x, |x, block| block.forward(x));
        self.norm.forward(x).squeeze_dim(1)
    }
}

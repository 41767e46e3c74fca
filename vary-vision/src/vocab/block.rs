use burn::nn::{LayerNorm, LayerNormConfig, Linear, LinearConfig};
use burn::prelude::*;
use burn::tensor::activation::relu;
use vary_kernels::gelu;
use vary_kernels::quantized::linear;

use super::Attention;
use super::config::Activation;
use crate::{Error, Result};

/// Feed-forward layer of a [`Block`].
#[derive(Module, Debug)]
pub struct Mlp {
    /// Widens by `mlp_ratio`.
    pub lin1: Linear,
    /// Narrows back.
    pub lin2: Linear,
    #[module(skip)]
    activation: Activation,
}

impl Mlp {
    /// # Shapes
    /// - x, output: `[.., channels]`
    pub fn forward<const D: usize>(&self, x: Tensor<D>) -> Tensor<D> {
        let x = linear(&self.lin1, x);
        let x = match self.activation {
            Activation::Gelu => gelu(x),
            Activation::Relu => relu(x),
        };
        linear(&self.lin2, x)
    }
}

/// Sizes of a [`Block`].
#[derive(Debug, Clone, Copy)]
pub(super) struct BlockConfig {
    /// Width.
    pub dim: usize,
    pub num_heads: usize,
    pub mlp_ratio: f64,
    pub layer_norm_eps: f64,
    pub hidden_act: Activation,
    /// Rows and columns of a window; `None` attends globally.
    pub window: Option<[usize; 2]>,
    /// Rows and columns that the tables of positions of global attention are made for.
    pub grid: [usize; 2],
}

impl BlockConfig {
    /// Checks what blocks have in common, of which there are `depth`, some of them global.
    ///
    /// # Errors
    /// [`Error::Config`] naming the field and the reason.
    pub fn check(&self, depth: usize, global_attn_indexes: &[usize]) -> Result<()> {
        let fail = |reason: String| Err(Error::Config(reason));
        if !self.dim.is_multiple_of(self.num_heads) {
            return fail(format!(
                "`embed_dim` {} is not a multiple of `num_heads` {}",
                self.dim, self.num_heads
            ));
        }
        if let Some(i) = global_attn_indexes.iter().find(|&&i| i >= depth) {
            return fail(format!(
                "`global_attn_indexes` names block {i}, but there are only {depth} blocks (from 0)"
            ));
        }
        let hidden = self.dim as f64 * self.mlp_ratio;
        let eps = self.layer_norm_eps;
        if !(hidden >= 1.0 && self.mlp_ratio <= 64.0 && eps.is_finite() && eps > 0.0) {
            let reason = "`mlp_ratio` must be at most 64 and leave a hidden width of 1, \
                          `layer_norm_eps` be finite and above 0";
            return fail(reason.into());
        }
        Ok(())
    }
}

/// Pre-norm transformer block with window or global attention (ViTDet, arXiv 2203.16527).
#[derive(Module, Debug)]
pub struct Block {
    /// Norm before the attention.
    pub norm1: LayerNorm,
    /// Window or global attention.
    pub attn: Attention,
    /// Norm before the feed-forward layer.
    pub norm2: LayerNorm,
    /// Feed-forward layer.
    pub mlp: Mlp,
    /// Rows and columns of a window; `None` attends globally.
    window_size: Option<[usize; 2]>,
}

impl Block {
    pub(super) fn new(config: &BlockConfig, device: &Device) -> Self {
        let dim = config.dim;
        // Truncated as in PyTorch, but for a ratio that was divided out of a width.
        let hidden = (dim as f64 * config.mlp_ratio + 1e-6) as usize;
        let norm = || {
            LayerNormConfig::new(dim)
                .with_epsilon(config.layer_norm_eps)
                .init(device)
        };
        Self {
            norm1: norm(),
            attn: Attention::new(config, device),
            norm2: norm(),
            mlp: Mlp {
                lin1: LinearConfig::new(dim, hidden).init(device),
                lin2: LinearConfig::new(hidden, dim).init(device),
                activation: config.hidden_act,
            },
            window_size: config.window,
        }
    }

    /// # Shapes
    /// - x, output: `[batch, height, width, channels]`
    pub fn forward(&self, x: Tensor<4>) -> Tensor<4> {
        let normed = self.norm1.forward(x.clone());
        let x = x + self.attn.forward(normed, self.window_size);
        let normed = self.norm2.forward(x.clone());
        x + self.mlp.forward(normed)
    }
}

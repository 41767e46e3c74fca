use burn::prelude::*;
use serde::{Deserialize, Serialize};

use super::block::BlockConfig;
use super::{Block, Neck, PatchEmbed, VisionVocabulary};
use crate::{Error, Result};
use burn::module::{Initializer, Param};
use burn::nn::PaddingConfig2d;
use burn::nn::conv::Conv2dConfig;

/// Activation of the feed-forward layers.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Activation {
    /// Exact GELU (`0.5 x (1 + erf(x / sqrt 2))`), as in SAM.
    #[default]
    Gelu,
    /// Rectified linear unit, cheaper on CPUs; used by the nano preset.
    Relu,
}

/// Configuration of a [`VisionVocabulary`], read from and written to `sam_config` of a
/// checkpoint's `config.json`.
///
/// The names are those of SAM's image encoder (arXiv 2304.02643) and of Vary (arXiv 2312.06109,
/// section 3.2), which adds `net_2` and `net_3`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct VisionVocabularyConfig {
    /// Side of the square input in pixels; a multiple of `patch_size`.
    pub img_size: usize,
    /// Side of a patch in pixels.
    pub patch_size: usize,
    /// Width of the transformer.
    pub embed_dim: usize,
    /// Number of transformer blocks.
    pub depth: usize,
    /// Attention heads; divides `embed_dim`.
    pub num_heads: usize,
    /// Width of the feed-forward layer as a multiple of `embed_dim`.
    #[serde(default = "default_mlp_ratio")]
    pub mlp_ratio: f64,
    /// Channels of the neck.
    pub out_chans: usize,
    /// Side of an attention window in patches.
    pub window_size: usize,
    /// Blocks (from 0) that attend to the whole image instead of a window.
    pub global_attn_indexes: Vec<usize>,
    /// Channels after the first stride-2 convolution.
    pub net_2_chans: usize,
    /// Channels after the second stride-2 convolution: the width of a token.
    pub net_3_chans: usize,
    /// Epsilon of every layer norm.
    #[serde(default = "default_layer_norm_eps")]
    pub layer_norm_eps: f64,
    /// Activation of the blocks' feed-forward layers.
    #[serde(default)]
    pub hidden_act: Activation,
}

fn default_mlp_ratio() -> f64 {
    4.0
}

fn default_layer_norm_eps() -> f64 {
    1e-6
}

impl VisionVocabularyConfig {
    /// The published size: SAM-base at 1024 px, 256 tokens of width 1024, 95.6 million parameters
    /// (Vary, arXiv 2312.06109, section 3.2.1).
    pub fn sam_base() -> Self {
        Self {
            img_size: 1024,
            patch_size: 16,
            embed_dim: 768,
            depth: 12,
            num_heads: 12,
            mlp_ratio: 4.0,
            out_chans: 256,
            window_size: 14,
            global_attn_indexes: vec![2, 5, 8, 11],
            net_2_chans: 512,
            net_3_chans: 1024,
            layer_norm_eps: 1e-6,
            hidden_act: Activation::Gelu,
        }
    }

    /// The size of the embedded Vary-nano: 192 px, 36 tokens.
    pub fn nano() -> Self {
        Self {
            img_size: 192,
            patch_size: 8,
            embed_dim: 128,
            depth: 4,
            num_heads: 4,
            mlp_ratio: 3.0,
            out_chans: 96,
            window_size: 8,
            global_attn_indexes: vec![2],
            net_2_chans: 128,
            net_3_chans: 256,
            layer_norm_eps: 1e-6,
            hidden_act: Activation::Relu,
        }
    }

    /// A few thousand parameters, for tests.
    pub fn tiny() -> Self {
        Self {
            img_size: 32,
            patch_size: 4,
            embed_dim: 16,
            depth: 2,
            num_heads: 2,
            mlp_ratio: 2.0,
            out_chans: 8,
            window_size: 3,
            global_attn_indexes: vec![1],
            net_2_chans: 12,
            net_3_chans: 16,
            layer_norm_eps: 1e-6,
            hidden_act: Activation::Gelu,
        }
    }

    /// Side of the patch grid.
    pub fn grid_size(&self) -> usize {
        self.img_size / self.patch_size.max(1)
    }

    /// Side of the token grid: each of the two stride-2 convolutions halves the patch grid,
    /// rounding up.
    pub fn token_grid_size(&self) -> usize {
        self.grid_size().div_ceil(2).div_ceil(2)
    }

    /// Number of tokens of one image.
    pub fn num_tokens(&self) -> usize {
        self.token_grid_size().saturating_pow(2)
    }

    /// Checks that the sizes fit each other.
    ///
    /// # Errors
    ///
    /// [`Error::Config`] naming the field and the reason.
    pub fn validate(&self) -> Result<()> {
        let fail = |reason: String| Err(Error::Config(reason));
        // Several times what any released model has.
        for (name, value, most) in [
            ("img_size", self.img_size, 8192),
            ("patch_size", self.patch_size, 8192),
            ("embed_dim", self.embed_dim, 1 << 16),
            ("depth", self.depth, 1024),
            ("num_heads", self.num_heads, 1 << 16),
            ("out_chans", self.out_chans, 1 << 16),
            ("window_size", self.window_size, 1024),
            ("net_2_chans", self.net_2_chans, 1 << 16),
            ("net_3_chans", self.net_3_chans, 1 << 16),
        ] {
            if value == 0 || value > most {
                return fail(format!(
                    "`{name}` is {value}; it must be between 1 and {most}"
                ));
            }
        }
        if !self.img_size.is_multiple_of(self.patch_size) {
            return fail(format!(
                "`img_size` {} is not a multiple of `patch_size` {}",
                self.img_size, self.patch_size
            ));
        }
        self.block(0).check(self.depth, &self.global_attn_indexes)
    }

    fn block(&self, index: usize) -> BlockConfig {
        let global = self.global_attn_indexes.contains(&index);
        BlockConfig {
            dim: self.embed_dim,
            num_heads: self.num_heads,
            mlp_ratio: self.mlp_ratio,
            layer_norm_eps: self.layer_norm_eps,
            hidden_act: self.hidden_act,
            window: (!global).then_some([self.window_size; 2]),
            grid: [self.grid_size(); 2],
        }
    }

    /// Makes the network with random weights; they are drawn when first used, so loading a
    /// checkpoint over them costs nothing.
    pub fn init(&self, device: &Device) -> VisionVocabulary {
        let grid = self.grid_size();
        let conv3 = |from: usize, to: usize, stride: usize| {
            Conv2dConfig::new([from, to], [3, 3])
                .with_stride([stride, stride])
                .with_padding(PaddingConfig2d::Explicit(1, 1, 1, 1))
                .with_bias(false)
                .init(device)
        };
        VisionVocabulary {
            patch_embed: PatchEmbed::new(self, device),
            pos_embed: table_of_positions([1, grid, grid, self.embed_dim], device),
            blocks: (0..self.depth)
                .map(|i| Block::new(&self.block(i), device))
                .collect(),
            neck: Neck::new(self, device),
            net_2: conv3(self.out_chans, self.net_2_chans, 2),
            net_3: conv3(self.net_2_chans, self.net_3_chans, 2),
        }
    }
}

/// A table of positions, drawn with standard deviation 0.02 as transformers usually begin.
pub(super) fn table_of_positions<const D: usize>(
    shape: [usize; D],
    device: &Device,
) -> Param<Tensor<D>> {
    Initializer::Normal {
        mean: 0.0,
        std: 0.02,
    }
    .init(shape, device)
}

//! The vision vocabulary network: SAM's ViTDet image encoder and two stride-2 convolutions
//! (Vary, arXiv 2312.06109, section 3.2.1).

mod attention;
mod block;
mod config;
mod neck;
mod strip;

pub use attention::Attention;
pub use block::{Block, Mlp};
pub use config::{Activation, VisionVocabularyConfig};
pub use neck::{LayerNorm2d, Neck, PatchEmbed};
pub use strip::{ResidualConv, StemLayer, StripConfig, StripEncoder};

use burn::module::Param;
use burn::nn::conv::Conv2d;
use burn::prelude::*;

/// Field paths whose official names differ, as `(field path, official name)`.
pub const KEYS: &[(&str, &str)] = &[
    ("neck.conv_0.", "neck.0."),
    ("neck.norm_1.", "neck.1."),
    ("neck.conv_2.", "neck.2."),
    ("neck.norm_3.", "neck.3."),
];

/// The same for the tower of transformers' GOT-OCR2.0, which has `net_2` and `net_3` elsewhere.
pub const TRANSFORMERS_KEYS: &[(&str, &str)] = &[
    ("patch_embed.proj.", "patch_embed.projection."),
    ("blocks.*.norm1.", "layers.*.layer_norm1."),
    ("blocks.*.norm2.", "layers.*.layer_norm2."),
    ("blocks.*.", "layers.*."),
    ("neck.conv_0.", "neck.conv1."),
    ("neck.norm_1.", "neck.layer_norm1."),
    ("neck.conv_2.", "neck.conv2."),
    ("neck.norm_3.", "neck.layer_norm2."),
];

/// The vision vocabulary network: pixels to tokens that a language model reads.
///
/// Make one with [`VisionVocabularyConfig::init`].
#[derive(Module, Debug)]
pub struct VisionVocabulary {
    /// Patch projection.
    pub patch_embed: PatchEmbed,
    /// Learned positions, `[1, grid, grid, embed_dim]`.
    pub pos_embed: Param<Tensor<4>>,
    /// Transformer blocks.
    pub blocks: Vec<Block>,
    /// Narrows to `out_chans`.
    pub neck: Neck,
    /// First stride-2 convolution.
    pub net_2: Conv2d,
    /// Second stride-2 convolution.
    pub net_3: Conv2d,
}

impl VisionVocabulary {
    /// Encodes normalised images.
    ///
    /// # Shapes
    /// - pixels: `[batch, 3, img_size, img_size]`, RGB, normalised
    /// - output: `[batch, tokens, net_3_chans]`, row-major over the token grid
    ///
    /// # Panics
    /// If the image is not `img_size` on both sides.
    pub fn forward(&self, pixels: Tensor<4>) -> Tensor<3> {
        self.tokens(self.features(pixels))
    }

    /// The transformer's output, before the neck.
    ///
    /// # Shapes
    /// - pixels: `[batch, 3, img_size, img_size]`
    /// - output: `[batch, grid, grid, embed_dim]`, channels last
    pub fn features(&self, pixels: Tensor<4>) -> Tensor<4> {
        let x = self.embed(pixels);
        self.blocks.iter().fold(x, |x, block| block.forward(x))
    }

    /// Patches with their positions: the input of the first block.
    ///
    /// # Shapes
    /// - pixels: `[batch, 3, img_size, img_size]`
    /// - output: `[batch, grid, grid, embed_dim]`, channels last
    pub fn embed(&self, pixels: Tensor<4>) -> Tensor<4> {
        let x = self.patch_embed.forward(pixels);
        let pos_embed = self.pos_embed.val();
        let [_, height, width, channels] = pos_embed.dims();
        assert_shape!(x, [_, height, width, channels]);
        x + pos_embed
    }

    /// Neck and the two convolutions: transformer output to tokens.
    ///
    /// # Shapes
    /// - features: `[batch, grid, grid, embed_dim]`, channels last
    /// - output: `[batch, tokens, net_3_chans]`
    pub fn tokens(&self, features: Tensor<4>) -> Tensor<3> {
        self.downsample(self.neck.forward(features))
    }

    /// The two convolutions alone.
    ///
    /// # Shapes
    /// - neck: `[batch, out_chans, grid, grid]`, channels first
    /// - output: `[batch, tokens, net_3_chans]`
    pub fn downsample(&self, neck: Tensor<4>) -> Tensor<3> {
        let x = self.net_3.forward(self.net_2.forward(neck));
        x.flatten::<3>(2, 3).swap_dims(1, 2)
    }
}

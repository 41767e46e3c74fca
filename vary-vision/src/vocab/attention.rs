use burn::module::Param;
use burn::nn::{Linear, LinearConfig};
use burn::prelude::*;
use vary_kernels::quantized::{is_packed, linear};
use vary_kernels::rel_pos_attention;

use super::config::{VisionVocabularyConfig, table_of_positions};

/// Multi-head attention with decomposed relative positions (ViTDet, arXiv 2203.16527; MViTv2,
/// arXiv 2112.01526, section 4.1).
#[derive(Module, Debug)]
pub struct Attention {
    /// Rows are query, key and value, each split head-major.
    pub qkv: Linear,
    /// Output projection.
    pub proj: Linear,
    /// Vertical table, `[2 * size - 1, head_dim]`, row `q - k + size - 1`.
    pub rel_pos_h: Param<Tensor<2>>,
    /// Horizontal table, like `rel_pos_h`.
    pub rel_pos_w: Param<Tensor<2>>,
    num_heads: usize,
}

impl Attention {
    /// Attention over maps of `size x size` positions.
    pub(super) fn new(config: &VisionVocabularyConfig, size: usize, device: &Device) -> Self {
        let dim = config.embed_dim;
        let table = [2 * size - 1, dim / config.num_heads];
        Self {
            qkv: LinearConfig::new(dim, 3 * dim).init(device),
            proj: LinearConfig::new(dim, dim).init(device),
            rel_pos_h: table_of_positions(table, device),
            rel_pos_w: table_of_positions(table, device),
            num_heads: config.num_heads,
        }
    }

    /// Attends over windows of a side, or over the whole map.
    ///
    /// # Shapes
    /// - x, output: `[batch, height, width, channels]`
    ///
    /// # Panics
    /// If a window is not of the size that the tables were made for.
    pub fn forward(&self, x: Tensor<4>, window: Option<usize>) -> Tensor<4> {
        let [_, _, _, channels] = x.dims();
        // A window that reaches over the edge is filled up with zeros, as in the original: their
        // queries, keys and values are the bias.
        let padding = match &self.qkv.bias {
            Some(bias) => bias.val(),
            None => Tensor::zeros([3 * channels], (&x.device(), x.dtype())),
        };
        let attended = rel_pos_attention(
            linear(&self.qkv, x),
            padding,
            self.rel_pos_h.val(),
            self.rel_pos_w.val(),
            self.num_heads,
            window,
            is_packed(&self.qkv),
        );
        linear(&self.proj, attended)
    }
}

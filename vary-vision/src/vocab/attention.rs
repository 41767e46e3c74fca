use burn::module::Param;
use burn::nn::{Linear, LinearConfig};
use burn::prelude::*;
use vary_kernels::quantized::{is_packed, linear};
use vary_kernels::rel_pos_attention;

use super::block::BlockConfig;
use super::config::table_of_positions;

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
    pub(super) fn new(config: &BlockConfig, device: &Device) -> Self {
        let dim = config.dim;
        let table =
            |side: usize| table_of_positions([2 * side - 1, dim / config.num_heads], device);
        let [rows, cols] = config.window.unwrap_or(config.grid);
        Self {
            qkv: LinearConfig::new(dim, 3 * dim).init(device),
            proj: LinearConfig::new(dim, dim).init(device),
            rel_pos_h: table(rows),
            rel_pos_w: table(cols),
            num_heads: config.num_heads,
        }
    }

    /// Attends over windows, or over the whole map. Positions that are farther apart than the
    /// tables reach count as their farthest, so a map may be of any size.
    ///
    /// # Shapes
    /// - x, output: `[batch, height, width, channels]`
    pub fn forward(&self, x: Tensor<4>, window: Option<[usize; 2]>) -> Tensor<4> {
        let [_, height, width, channels] = x.dims();
        let [rows, cols] = window.unwrap_or([height, width]);
        // A window that reaches over the edge is filled up with zeros, as in the original: their
        // queries, keys and values are the bias.
        let padding = match &self.qkv.bias {
            Some(bias) => bias.val(),
            None => Tensor::zeros([3 * channels], (&x.device(), x.dtype())),
        };
        let attended = rel_pos_attention(
            linear(&self.qkv, x),
            padding,
            table_for(self.rel_pos_h.val(), rows),
            table_for(self.rel_pos_w.val(), cols),
            self.num_heads,
            window,
            is_packed(&self.qkv),
        );
        linear(&self.proj, attended)
    }
}

/// The rows of a table that positions along `side` need, `[2 * side - 1, head_dim]`.
fn table_for(table: Tensor<2>, side: usize) -> Tensor<2> {
    let [rows, _] = table.dims();
    if rows == 2 * side - 1 {
        return table;
    }
    let farthest = (rows / 2) as i64;
    let row = |distance: i64| (distance.clamp(-farthest, farthest) + farthest) as i32;
    let most = side as i64 - 1;
    let rows: Vec<i32> = (-most..=most).map(row).collect();
    let shape = [rows.len()];
    let rows = Tensor::from_data(TensorData::new(rows, shape), &table.device());
    table.select(0, rows)
}

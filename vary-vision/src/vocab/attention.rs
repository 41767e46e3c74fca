use burn::module::Param;
use burn::nn::{Linear, LinearConfig};
use burn::prelude::*;
use burn::tensor::module::attention;
use burn::tensor::ops::AttentionModuleOptions;

use super::config::{VisionVocabularyConfig, trunc_normal};

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
            rel_pos_h: trunc_normal(table, device),
            rel_pos_w: trunc_normal(table, device),
            num_heads: config.num_heads,
        }
    }

    /// # Shapes
    /// - x: `[batch, size, size, channels]`
    /// - output: `[batch, size, size, channels]`
    ///
    /// # Panics
    /// If the map is not the size that the tables were made for.
    pub fn forward(&self, x: Tensor<4>) -> Tensor<4> {
        let [batch, height, width, channels] = x.dims();
        let (seq, heads, head_dim) = (height * width, self.num_heads, channels / self.num_heads);

        let [q, k, v] = self
            .qkv
            .forward(x)
            .reshape([batch, seq, 3, heads, head_dim])
            .permute([2, 0, 3, 1, 4])
            .chunk(3, 0)
            .try_into()
            .map(|parts: [Tensor<5>; 3]| parts.map(|t| t.squeeze_dim::<4>(0)))
            .unwrap_or_else(|_| unreachable!("a dimension of three is cut into three"));

        // The bias of position pair (q, k) is `q.Rh[q_h - k_h] + q.Rw[q_w - k_w]`. Instead of a
        // `[heads, seq, seq]` bias, the two products become extra channels of the query, and the
        // key gets one-hot rows and columns that pick them: one matrix product does it all.
        let (rel_h, rel_w) = self.relative_positions(q.clone(), [height, width]);
        let scale = (head_dim as f64).powf(-0.5);
        let q = Tensor::cat(vec![q * scale, rel_h, rel_w], 3);
        let k = Tensor::cat(
            vec![
                k,
                one_hot_positions([height, width], &v).expand([
                    batch as i64,
                    heads as i64,
                    seq as i64,
                    (height + width) as i64,
                ]),
            ],
            3,
        );

        let options = AttentionModuleOptions {
            scale: Some(1.0),
            ..Default::default()
        };
        let out = attention(q, k, v, None, None, options)
            .swap_dims(1, 2)
            .reshape([batch, height, width, channels]);
        self.proj.forward(out)
    }

    /// Products of the unscaled query with the tables: `[batch, heads, seq, height]` and
    /// `[batch, heads, seq, width]`.
    fn relative_positions(
        &self,
        q: Tensor<4>,
        [height, width]: [usize; 2],
    ) -> (Tensor<4>, Tensor<4>) {
        let [batch, heads, seq, head_dim] = q.dims();
        let n = batch * heads;
        let q = q.reshape([n, height, width, head_dim]);
        // [n, h, w, d] x [1, h, d, k_h], and the same with rows and columns swapped
        let rel_h = q
            .clone()
            .matmul(table(&self.rel_pos_h, height).swap_dims(1, 2).unsqueeze());
        let rel_w = q
            .swap_dims(1, 2)
            .matmul(table(&self.rel_pos_w, width).swap_dims(1, 2).unsqueeze())
            .swap_dims(1, 2);
        (
            rel_h.reshape([batch, heads, seq, height]),
            rel_w.reshape([batch, heads, seq, width]),
        )
    }
}

/// Spreads a table over all pairs: `[size, size, head_dim]`, entry `(q, k)` is row `q - k + size - 1`.
fn table(table: &Param<Tensor<2>>, size: usize) -> Tensor<3> {
    let table = table.val();
    let [rows, head_dim] = table.dims();
    assert_eq!(
        rows,
        2 * size - 1,
        "relative position table of {rows} rows on a side of {size}"
    );
    let rows: Vec<i32> = (0..size)
        .flat_map(|q| (0..size).map(move |k| (q + size - 1 - k) as i32))
        .collect();
    let rows = Tensor::from_data(TensorData::new(rows, [size * size]), &table.device());
    table.select(0, rows).reshape([size, size, head_dim])
}

/// For each position the one-hot code of its row, then of its column:
/// `[1, 1, height * width, height + width]`, on the device and of the type of `like`.
fn one_hot_positions([height, width]: [usize; 2], like: &Tensor<4>) -> Tensor<4> {
    let mut codes = vec![0f32; height * width * (height + width)];
    for (i, code) in codes.chunks_exact_mut(height + width).enumerate() {
        code[i / width] = 1.0;
        code[height + i % width] = 1.0;
    }
    Tensor::from_data(
        TensorData::new(codes, [1, 1, height * width, height + width]),
        (&like.device(), like.dtype()),
    )
}

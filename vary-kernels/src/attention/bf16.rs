//! The products of attention with bf16 operands, accumulated in f32.

use crate::quantized::{Activations, Bits, GROUP, Matrix, TOKENS};

/// A head in bf16.
pub(super) struct Rounded {
    /// Queries, divided by the square root of their size, not yet rounded.
    q: Vec<f32>,
    /// `[keys, dim]`
    k: Matrix,
    /// `[dim, keys]`, zero-padded to whole groups.
    v: Matrix,
}

impl Rounded {
    /// From `[queries, dim]` and two of `[keys, dim]`.
    pub fn new(q: &[f32], k: &[f32], v: &[f32], dim: usize) -> Self {
        let bits = Bits::Sixteen;
        let keys = k.len() / dim;
        let filled = keys.next_multiple_of(GROUP);
        let mut transposed = vec![0.0; dim * filled];
        for (key, v) in v.chunks_exact(dim).enumerate() {
            for (row, v) in transposed.chunks_exact_mut(filled).zip(v) {
                row[key] = *v;
            }
        }
        let scale = (dim as f32).powf(-0.5);
        Self {
            q: q.iter().map(|q| q * scale).collect(),
            k: Matrix::new(bits, k, [keys, dim]),
            v: Matrix::new(bits, &transposed, [dim, filled]),
        }
    }

    /// Logits of some queries, `[queries, keys]`.
    pub fn logits(&self, [first, last]: [usize; 2], rounded: &mut Activations, out: &mut [f32]) {
        let [keys, dim] = self.k.shape();
        rounded.round(Bits::Sixteen, &self.q[first * dim..last * dim], dim);
        // Tile by tile, as rows of the logits are long.
        let tiles = (0..last - first).step_by(TOKENS);
        for (first, out) in tiles.zip(out.chunks_mut(TOKENS * keys)) {
            let tokens = first..first + out.len() / keys;
            self.k.multiply_rows(rounded, tokens, None, out);
        }
    }

    /// `weights` of `[queries, keys]` times the values, into `[queries, dim]`.
    pub fn values(&self, weights: &[f32], rounded: &mut Activations, out: &mut [f32]) {
        let [dim, _] = self.v.shape();
        let queries = out.len() / dim;
        rounded.round(Bits::Sixteen, weights, weights.len() / queries);
        self.v.multiply_rows(rounded, 0..queries, None, out);
    }
}

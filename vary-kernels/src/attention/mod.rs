//! Attention with decomposed relative positions (ViTDet, arXiv 2203.16527; MViTv2, arXiv
//! 2112.01526, section 4.1), over windows or the whole map, and attention of single queries.

mod bf16;
pub mod cpu;
mod decode;
#[cfg(feature = "flex")]
mod extension;
mod head;
mod inputs;
pub mod reference;
mod windows;

use burn::prelude::*;

pub use decode::{single_queries, single_query};
pub use windows::Map;

/// Attends each position of a map to the positions of its window.
///
/// The logit of positions `q` and `k` is the sum of `Q[q] . K[k] / sqrt(head_dim)`, `Q[q] .
/// rel_h[q_h - k_h + height - 1]` and `Q[q] . rel_w[q_w - k_w + width - 1]`, with the height and
/// the width of a window. Windows at the right and the bottom are padded with positions whose
/// query, key and value are `padding`; they are attended to, as in the original.
///
/// In f32 on Flex a kernel computes forward and backward passes and never holds all logits;
/// elsewhere plain tensor operations do. With `bf16` the kernel may round queries, keys, values and
/// attention weights to bf16 for the products of inference, if the CPU has instructions for them.
///
/// # Shapes
/// - qkv: `[batch, height, width, 3 * channels]`, query, key and value, each head-major
/// - padding: `[3 * channels]`
/// - rel_h, rel_w: `[2 * side - 1, head_dim]`
/// - output: `[batch, height, width, channels]`
///
/// # Panics
/// If the shapes do not match.
pub fn rel_pos_attention(
    qkv: Tensor<4>,
    padding: Tensor<1>,
    rel_h: Tensor<2>,
    rel_w: Tensor<2>,
    heads: usize,
    window: Option<[usize; 2]>,
    bf16: bool,
) -> Tensor<4> {
    let [batch, height, width, channels] = qkv.dims();
    let map = Map {
        batch,
        size: [height, width],
        heads: [heads, channels / 3 / heads],
        window,
    };
    assert_eq!(
        map.channels() * 3,
        channels,
        "channels of `qkv` with {heads} heads"
    );
    let [rows, cols] = map.seen();
    for (name, dims, side) in [("rel_h", rel_h.dims(), rows), ("rel_w", rel_w.dims(), cols)] {
        assert_eq!(
            dims,
            [2 * side - 1, map.heads[1]],
            "shape of `{name}` for {map:?}"
        );
    }
    assert_eq!(padding.dims(), [channels], "shape of `padding`");
    #[cfg(feature = "flex")]
    if crate::flex::differentiable(&qkv) {
        return extension::attention(qkv, padding, rel_h, rel_w, map, bf16);
    }
    // Only the kernel rounds.
    let _ = bf16;
    reference::attention(qkv, padding, rel_h, rel_w, map)
}

#[cfg(test)]
mod tests;

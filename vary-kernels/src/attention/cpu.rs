//! Attention with relative positions on a CPU.

use rayon::prelude::*;

use super::head::{Head, HeadGrads, Scratch, Tile};
use super::windows::{Map, Window};
use crate::quantized::GROUP;

/// What attention reads, as slices.
#[derive(Debug, Clone, Copy)]
pub struct Inputs<'a> {
    /// Query, key and value of every position, each head-major: `[batch, height, width, 3 * channels]`.
    pub qkv: &'a [f32],
    /// Query, key and value of a position that pads a window, `[3 * channels]`.
    pub padding: &'a [f32],
    /// Vertical table, `[2 * height - 1, head_dim]`.
    pub rel_h: &'a [f32],
    /// Horizontal table, `[2 * width - 1, head_dim]`.
    pub rel_w: &'a [f32],
}

/// Gradients of [`Inputs`], of the same sizes.
#[derive(Debug, Clone, PartialEq)]
pub struct InputGrads {
    /// Of the positions.
    pub qkv: Vec<f32>,
    /// Of what pads them.
    pub padding: Vec<f32>,
    /// Of the vertical table.
    pub rel_h: Vec<f32>,
    /// Of the horizontal table.
    pub rel_w: Vec<f32>,
}

impl Inputs<'_> {
    /// # Panics
    /// If a slice is not of the size that `map` asks for.
    fn check(&self, map: &Map) {
        let ([height, width], dim) = (map.seen(), map.heads[1]);
        assert!(height > 0 && width > 0 && dim > 0, "{map:?} is empty");
        let expected = [
            (self.qkv.len(), map.positions() * 3 * map.channels()),
            (self.padding.len(), 3 * map.channels()),
            (self.rel_h.len(), (2 * height - 1) * dim),
            (self.rel_w.len(), (2 * width - 1) * dim),
        ];
        for (i, (len, expected)) in expected.iter().enumerate() {
            let name = ["qkv", "padding", "rel_h", "rel_w"][i];
            assert_eq!(len, expected, "numbers of `{name}` for {map:?}");
        }
    }

    fn heads<'a>(&'a self, map: &Map, bf16: bool) -> Vec<(Window, usize, Head<'a>)> {
        let tasks: Vec<_> = map
            .windows()
            .into_iter()
            .flat_map(|window| (0..map.heads[0]).map(move |head| (window, head)))
            .collect();
        let gather = |(window, head)| {
            let values = Head::gather(self, map, window, head);
            let values = if bf16 { values.rounded() } else { values };
            (window, head, values)
        };
        tasks.into_par_iter().map(gather).collect()
    }
}

/// Attended values, `[batch, height, width, channels]`; with `bf16` the factors of the large products are
/// rounded to it, where a head's size allows.
///
/// # Panics
/// If the sizes of the inputs are not those of `map`.
pub fn forward(inputs: &Inputs<'_>, map: &Map, bf16: bool) -> Vec<f32> {
    inputs.check(map);
    let heads = inputs.heads(map, bf16 && map.heads[1].is_multiple_of(GROUP));
    let tiles: Vec<(usize, Tile)> = heads
        .iter()
        .enumerate()
        .flat_map(|(i, (_, _, head))| head.tiles().into_iter().map(move |tile| (i, tile)))
        .collect();
    let attended: Vec<Vec<f32>> = tiles
        .par_iter()
        .map_init(Scratch::default, |scratch, (i, tile)| {
            heads[*i].2.attend(*tile, scratch)
        })
        .collect();
    let (channels, dim) = (map.channels(), map.heads[1]);
    let mut out = vec![0.0; map.positions() * channels];
    for ((i, tile), values) in tiles.iter().zip(attended) {
        let (window, head, _) = &heads[*i];
        let cols = window.inside[1];
        for (query, values) in (tile.queries[0]..).zip(values.chunks_exact(dim)) {
            let position = map.position(window, query / cols, query % cols);
            let at = position * channels + head * dim;
            out[at..at + dim].copy_from_slice(values);
        }
    }
    out
}

/// Gradients of the inputs from those of the attended values.
///
/// # Panics
/// If the sizes of the inputs or of `grad` are not those of `map`.
pub fn backward(inputs: &Inputs<'_>, map: &Map, grad: &[f32]) -> InputGrads {
    inputs.check(map);
    let (channels, dim) = (map.channels(), map.heads[1]);
    assert_eq!(
        grad.len(),
        map.positions() * channels,
        "numbers of `grad` for {map:?}"
    );
    let heads = inputs.heads(map, false);
    let of_heads: Vec<HeadGrads> = heads
        .par_iter()
        .map_init(Scratch::default, |scratch, (window, head, values)| {
            let [rows, cols] = window.inside;
            let mut own = Vec::with_capacity(window.queries() * dim);
            for row in 0..rows {
                for col in 0..cols {
                    let at = map.position(window, row, col) * channels + head * dim;
                    own.extend_from_slice(&grad[at..at + dim]);
                }
            }
            values.backward(&own, scratch)
        })
        .collect();

    let mut grads = InputGrads {
        qkv: vec![0.0; inputs.qkv.len()],
        padding: vec![0.0; inputs.padding.len()],
        rel_h: vec![0.0; inputs.rel_h.len()],
        rel_w: vec![0.0; inputs.rel_w.len()],
    };
    // In the order of the heads, so that the sums do not depend on the threads.
    for ((window, head, _), of_head) in heads.iter().zip(&of_heads) {
        add(&mut grads.rel_h, &of_head.rel_h);
        add(&mut grads.rel_w, &of_head.rel_w);
        let ([rows, cols], [height, width]) = (window.inside, window.size);
        for row in 0..height {
            for col in 0..width {
                let inside = row < rows && col < cols;
                let of_key = (row * width + col) * dim;
                let parts = [
                    inside.then(|| &of_head.q[(row * cols + col) * dim..][..dim]),
                    Some(&of_head.k[of_key..of_key + dim]),
                    Some(&of_head.v[of_key..of_key + dim]),
                ];
                for (part, values) in parts.into_iter().enumerate() {
                    let Some(values) = values else { continue };
                    let start = part * channels + head * dim;
                    if inside {
                        let at = map.position(window, row, col) * 3 * channels + start;
                        grads.qkv[at..at + dim].copy_from_slice(values);
                    } else {
                        add(&mut grads.padding[start..start + dim], values);
                    }
                }
            }
        }
    }
    grads
}

fn add(sum: &mut [f32], values: &[f32]) {
    sum.iter_mut().zip(values).for_each(|(s, v)| *s += v);
}

//! Attention with relative positions on a CPU.

use rayon::prelude::*;

use super::head::{Head, HeadGrads, Scratch, Tile};
pub use super::inputs::{InputGrads, Inputs};
use super::windows::{Map, Window};
use crate::quantized::GROUP;

/// The heads of all windows, with the indices of their heads.
fn heads<'a>(inputs: &'a Inputs<'a>, map: &Map, bf16: bool) -> Vec<(Window, usize, Head<'a>)> {
    let tasks: Vec<_> = map
        .windows()
        .into_iter()
        .flat_map(|window| (0..map.heads[0]).map(move |head| (window, head)))
        .collect();
    let gather = |(window, head)| {
        let values = Head::gather(inputs, map, window, head);
        let values = if bf16 { values.rounded() } else { values };
        (window, head, values)
    };
    tasks.into_par_iter().map(gather).collect()
}

/// Attended values, `[batch, height, width, channels]`; with `bf16` the factors of the large
/// products are rounded to it if the size of a head is a multiple of [`GROUP`].
///
/// # Panics
/// If the sizes of the inputs do not match `map`.
pub fn forward(inputs: &Inputs<'_>, map: &Map, bf16: bool) -> Vec<f32> {
    inputs.check(map);
    let heads = heads(inputs, map, bf16 && map.heads[1].is_multiple_of(GROUP));
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

/// Gradients of the inputs from those of the attended values, `grad`:
/// `[batch, height, width, channels]`.
///
/// # Panics
/// If the sizes of the inputs or of `grad` do not match `map`.
pub fn backward(inputs: &Inputs<'_>, map: &Map, grad: &[f32]) -> InputGrads {
    inputs.check(map);
    let (channels, dim) = (map.channels(), map.heads[1]);
    assert_eq!(
        grad.len(),
        map.positions() * channels,
        "values of `grad` for {map:?}"
    );
    let heads = heads(inputs, map, false);
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

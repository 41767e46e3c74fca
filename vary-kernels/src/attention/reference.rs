//! The reference in plain tensor operations, for every backend.

use burn::prelude::*;
use burn::tensor::module::attention as plain_attention;
use burn::tensor::ops::AttentionModuleOptions;

use super::windows::Map;

/// [`rel_pos_attention`](super::rel_pos_attention) on any backend, in any element type.
///
/// # Panics
/// If the shapes do not match `map`.
pub fn attention(
    qkv: Tensor<4>,
    padding: Tensor<1>,
    rel_h: Tensor<2>,
    rel_w: Tensor<2>,
    map: Map,
) -> Tensor<4> {
    match map.window {
        Some(size) => {
            let windows = partition(qkv, padding, size);
            unpartition(over_map(windows, rel_h, rel_w, map.heads[0]), map.size)
        }
        None => over_map(qkv, rel_h, rel_w, map.heads[0]),
    }
}

/// Every position attends to its whole map.
fn over_map(qkv: Tensor<4>, rel_h: Tensor<2>, rel_w: Tensor<2>, heads: usize) -> Tensor<4> {
    let [batch, height, width, channels] = qkv.dims();
    let (seq, head_dim) = (height * width, channels / 3 / heads);
    let parts = qkv
        .reshape([batch, seq, 3, heads, head_dim])
        .permute([2, 0, 3, 1, 4]);
    let part = |i| parts.clone().narrow(0, i, 1).squeeze_dim::<4>(0);
    let (q, k, v) = (part(0), part(1), part(2));

    // Instead of a `[heads, seq, seq]` bias, the products with the tables are extra channels of the
    // query, and one-hot rows and columns of the key select them: a single product.
    let (rel_h, rel_w) = relative_positions(q.clone(), rel_h, rel_w, [height, width]);
    let scale = (head_dim as f64).powf(-0.5);
    let q = Tensor::cat(vec![q * scale, rel_h, rel_w], 3);
    let codes = one_hot_positions([height, width], &v);
    let codes = codes.expand([batch, heads, seq, height + width]);
    let k = Tensor::cat(vec![k, codes], 3);
    let options = AttentionModuleOptions {
        scale: Some(1.0),
        ..Default::default()
    };
    plain_attention(q, k, v, None, None, options)
        .swap_dims(1, 2)
        .reshape([batch, height, width, channels / 3])
}

/// Products of the unscaled query with the tables: `[batch, heads, seq, height]` and
/// `[batch, heads, seq, width]`.
fn relative_positions(
    q: Tensor<4>,
    rel_h: Tensor<2>,
    rel_w: Tensor<2>,
    [height, width]: [usize; 2],
) -> (Tensor<4>, Tensor<4>) {
    let [batch, heads, seq, head_dim] = q.dims();
    let n = batch * heads;
    let q = q.reshape([n, height, width, head_dim]);
    // [n, h, w, d] x [1, h, d, k_h], and the same with rows and columns swapped
    let of_rows = q
        .clone()
        .matmul(expand_pairs(rel_h, height).swap_dims(1, 2).unsqueeze());
    let of_cols = q
        .swap_dims(1, 2)
        .matmul(expand_pairs(rel_w, width).swap_dims(1, 2).unsqueeze())
        .swap_dims(1, 2);
    (
        of_rows.reshape([batch, heads, seq, height]),
        of_cols.reshape([batch, heads, seq, width]),
    )
}

/// Expands a table to all pairs: `[size, size, head_dim]`, entry `(q, k)` is row
/// `q - k + size - 1`.
fn expand_pairs(table: Tensor<2>, size: usize) -> Tensor<3> {
    let [_, head_dim] = table.dims();
    let rows: Vec<i32> = (0..size)
        .flat_map(|q| (0..size).map(move |k| (q + size - 1 - k) as i32))
        .collect();
    let rows = Tensor::from_data(TensorData::new(rows, [size * size]), &table.device());
    table.select(0, rows).reshape([size, size, head_dim])
}

/// The one-hot code of the row of each position, then of its column:
/// `[1, 1, height * width, height + width]`, with the device and element type of `like`.
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

/// Splits a map into windows: `[batch * windows, tall, wide, channels]`. The last windows of rows
/// and columns are filled with `padding`.
fn partition(x: Tensor<4>, padding: Tensor<1>, [tall, wide]: [usize; 2]) -> Tensor<4> {
    let [batch, height, width, channels] = x.dims();
    let (rows, cols) = (height.div_ceil(tall), width.div_ceil(wide));
    let x = pad_end(x, &padding, 1, rows * tall - height);
    let x = pad_end(x, &padding, 2, cols * wide - width);
    x.reshape([batch, rows, tall, cols, wide * channels])
        .swap_dims(2, 3)
        .reshape([batch * rows * cols, tall, wide, channels])
}

/// Joins windows into a map and crops the padding; the inverse of [`partition`].
fn unpartition(windows: Tensor<4>, [height, width]: [usize; 2]) -> Tensor<4> {
    let [count, tall, wide, channels] = windows.dims();
    let (rows, cols) = (height.div_ceil(tall), width.div_ceil(wide));
    let batch = count / (rows * cols);
    let map = windows
        .reshape([batch, rows, cols, tall, wide * channels])
        .swap_dims(2, 3)
        .reshape([batch, rows * tall, cols * wide, channels]);
    if (rows * tall, cols * wide) == (height, width) {
        return map;
    }
    map.slice([0..batch, 0..height, 0..width, 0..channels])
}

fn pad_end(x: Tensor<4>, padding: &Tensor<1>, dim: usize, extra: usize) -> Tensor<4> {
    if extra == 0 {
        return x;
    }
    let mut shape = x.dims();
    shape[dim] = extra;
    let padding = padding.clone().unsqueeze::<4>().expand(shape);
    Tensor::cat(vec![x, padding], dim)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unpartition_inverts_partition() {
        let device = Device::flex();
        let x = Tensor::<1, Int>::arange(0..2 * 5 * 7 * 3, &device)
            .float()
            .reshape([2, 5, 7, 3]);
        let padding = Tensor::zeros([3], &device);
        for size in [[2, 2], [3, 3], [5, 2], [1, 4], [8, 8]] {
            let windows = partition(x.clone(), padding.clone(), size);
            let back = unpartition(windows, [5, 7]);
            back.into_data().assert_eq(&x.to_data(), true);
        }
    }

    #[test]
    fn padding_right_and_bottom() {
        let device = Device::flex();
        let x = Tensor::<4>::ones([1, 2, 2, 1], &device);
        let windows = partition(x, Tensor::from_floats([7.0], &device), [3, 3]).into_data();
        let expected = [1.0, 1.0, 7.0, 1.0, 1.0, 7.0, 7.0, 7.0, 7.0f32];
        windows.assert_eq(&TensorData::new(expected.to_vec(), [1, 3, 3, 1]), true);
    }
}

use burn::prelude::*;

/// Cuts a map into square windows, zero-padding it at the right and bottom.
///
/// Padding takes part in the attention of its window, as in the original: its keys and values
/// are the bias of `qkv`.
///
/// # Shapes
/// - x: `[batch, height, width, channels]`
/// - output: `[batch * windows, size, size, channels]`
pub(super) fn partition(x: Tensor<4>, size: usize) -> Tensor<4> {
    let [batch, height, width, channels] = x.dims();
    let (rows, cols) = (height.div_ceil(size), width.div_ceil(size));
    let x = pad_end(pad_end(x, 1, rows * size - height), 2, cols * size - width);
    x.reshape([batch, rows, size, cols, size * channels])
        .swap_dims(2, 3)
        .reshape([batch * rows * cols, size, size, channels])
}

/// Joins windows into a map and crops the padding; undoes [`partition`].
///
/// # Shapes
/// - windows: `[batch * windows, size, size, channels]`
/// - output: `[batch, height, width, channels]`
pub(super) fn unpartition(windows: Tensor<4>, [height, width]: [usize; 2]) -> Tensor<4> {
    let [count, size, _, channels] = windows.dims();
    let (rows, cols) = (height.div_ceil(size), width.div_ceil(size));
    let batch = count / (rows * cols);
    let map = windows
        .reshape([batch, rows, cols, size, size * channels])
        .swap_dims(2, 3)
        .reshape([batch, rows * size, cols * size, channels]);
    if (rows * size, cols * size) == (height, width) {
        return map;
    }
    map.slice([0..batch, 0..height, 0..width, 0..channels])
}

fn pad_end(x: Tensor<4>, dim: usize, extra: usize) -> Tensor<4> {
    if extra == 0 {
        return x;
    }
    let mut shape = x.dims();
    shape[dim] = extra;
    let zeros = Tensor::zeros(shape, (&x.device(), x.dtype()));
    Tensor::cat(vec![x, zeros], dim)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unpartition_undoes_partition() {
        let device = Device::flex();
        let x = Tensor::<1, Int>::arange(0..2 * 5 * 7 * 3, &device)
            .float()
            .reshape([2, 5, 7, 3]);
        for size in [2, 3, 5, 8] {
            let windows = partition(x.clone(), size);
            let back = unpartition(windows, [5, 7]);
            back.into_data().assert_eq(&x.to_data(), true);
        }
    }

    #[test]
    fn padding_is_at_the_right_and_bottom() {
        let x = Tensor::<4>::ones([1, 2, 2, 1], &Device::flex());
        let windows = partition(x, 3).into_data();
        let expected = [1.0, 1.0, 0.0, 1.0, 1.0, 0.0, 0.0, 0.0, 0.0f32];
        windows.assert_eq(&TensorData::new(expected.to_vec(), [1, 3, 3, 1]), true);
    }
}

use burn::prelude::*;

/// Images of a batch.
///
/// # Shapes
/// - pixels: `[3, size, size]` each, planar
/// - output: `[batch, 3, size, size]`
pub(crate) fn batched<'a>(
    pixels: impl ExactSizeIterator<Item = &'a [f32]>,
    size: usize,
    device: &Device,
) -> Tensor<4> {
    let shape = [pixels.len(), 3, size, size];
    let values = pixels.collect::<Vec<_>>().concat();
    Tensor::from_data(TensorData::new(values, shape), device)
}

/// A one-dimensional tensor of positions.
pub(super) fn indices(values: impl Iterator<Item = usize>, device: &Device) -> Tensor<1, Int> {
    let values: Vec<i32> = values.map(|value| value as i32).collect();
    let n = values.len();
    Tensor::from_data(TensorData::new(values, [n]), device)
}

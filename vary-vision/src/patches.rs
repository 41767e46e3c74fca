use burn::nn::conv::Conv2d;
use burn::prelude::*;

/// Applies a convolution whose stride is its size: patches do not overlap, so it is one matrix
/// product.
///
/// # Shapes
/// - x: `[batch, channels, height, width]`
/// - output: `[batch, height / patch, width / patch, outputs]`
pub(crate) fn patch_product(x: Tensor<4>, conv: &Conv2d) -> Tensor<4> {
    let [batch, channels, height, width] = x.dims();
    let weight = conv.weight.val();
    let [outputs, _, patch, _] = weight.dims();
    let (rows, cols) = (height / patch, width / patch);
    let patches = x
        .reshape([batch, channels, rows, patch, cols, patch])
        .permute([0, 2, 4, 1, 3, 5])
        .reshape([batch * rows * cols, channels * patch * patch]);
    let out = patches.matmul(
        weight
            .reshape([outputs, channels * patch * patch])
            .transpose(),
    );
    let out = match &conv.bias {
        Some(bias) => out + bias.val().unsqueeze(),
        None => out,
    };
    out.reshape([batch, rows, cols, outputs])
}

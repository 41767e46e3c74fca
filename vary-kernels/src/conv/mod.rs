//! Convolution of maps whose channels are last.

pub mod cpu;
#[cfg(feature = "flex")]
mod extension;

use burn::prelude::*;
use burn::tensor::module::conv2d as plain_conv2d;
use burn::tensor::ops::ConvOptions;

pub use cpu::Conv;

/// Convolves a map whose channels are last, so that it needs no transposition between products
/// over channels.
///
/// In f32 on Flex a kernel computes forward and backward passes; elsewhere burn's own convolution
/// does.
///
/// # Shapes
/// - x: `[batch, height, width, inputs]`
/// - weight: `[outputs, inputs, rows, columns]`, as in PyTorch
/// - bias: `[outputs]`
/// - output: `[batch, (height + 2 padding - rows) / stride + 1, .., outputs]`
///
/// # Panics
/// If the shapes do not match, or the map is smaller than the kernel.
pub fn conv2d(
    x: Tensor<4>,
    weight: Tensor<4>,
    bias: Option<Tensor<1>>,
    stride: [usize; 2],
    padding: [usize; 2],
) -> Tensor<4> {
    let [batch, height, width, inputs] = x.dims();
    let [outputs, of, rows, cols] = weight.dims();
    assert_eq!(inputs, of, "channels of the map and of the weight");
    let conv = Conv {
        batch,
        size: [height, width],
        channels: [inputs, outputs],
        kernel: [rows, cols],
        stride,
        padding,
    };
    conv.check();
    #[cfg(feature = "flex")]
    if crate::flex::differentiable(&x) {
        let out = extension::convolve(x, weight, conv);
        return match bias {
            Some(bias) => out + bias.unsqueeze(),
            None => out,
        };
    }
    reference(x, weight, bias, conv)
}

/// The same by burn's own convolution.
fn reference(x: Tensor<4>, weight: Tensor<4>, bias: Option<Tensor<1>>, conv: Conv) -> Tensor<4> {
    let options = ConvOptions::new(conv.stride, conv.padding, [1, 1], 1);
    let x = x.permute([0, 3, 1, 2]);
    plain_conv2d(x, weight, bias, options).permute([0, 2, 3, 1])
}

#[cfg(test)]
mod tests;

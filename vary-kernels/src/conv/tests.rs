#![allow(clippy::unwrap_used)]

use burn::tensor::{Distribution, Tolerance};
use proptest::prelude::*;

use super::*;

fn convs() -> impl Strategy<Value = Conv> {
    (
        (1usize..7, 4usize..12, 4usize..12),
        (1usize..5, 1usize..6),
        (1usize..5, 1usize..5),
        (1usize..4, 1usize..4),
        (0usize..3, 0usize..3),
    )
        .prop_map(
            |((batch, height, width), (inputs, outputs), kernel, stride, padding)| Conv {
                batch,
                size: [height, width],
                channels: [inputs, outputs],
                kernel: kernel.into(),
                stride: stride.into(),
                padding: padding.into(),
            },
        )
}

fn draw(conv: &Conv, device: &Device) -> (Tensor<4>, Tensor<4>, Tensor<1>) {
    let normal = Distribution::Normal(0.0, 1.0);
    let ([height, width], [inputs, outputs]) = (conv.size, conv.channels);
    let [rows, cols] = conv.kernel;
    (
        Tensor::random([conv.batch, height, width, inputs], normal, device),
        Tensor::random([outputs, inputs, rows, cols], normal, device),
        Tensor::random([outputs], normal, device),
    )
}

fn tolerance() -> Tolerance<f32> {
    Tolerance::absolute(1e-4).set_relative(1e-4)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]

    #[test]
    fn forward_is_burns(conv in convs()) {
        let (x, weight, bias) = draw(&conv, &Device::flex());
        let Conv { stride, padding, .. } = conv;
        let found = conv2d(x.clone(), weight.clone(), Some(bias.clone()), stride, padding);
        let expected = reference(x, weight, Some(bias), conv);
        prop_assert_eq!(found.dims(), expected.dims());
        found.into_data().assert_approx_eq(&expected.into_data(), tolerance());
    }

    #[cfg(feature = "autodiff")]
    #[test]
    fn gradients_are_burns(conv in convs()) {
        let device = Device::flex().autodiff();
        let (x, weight, bias) = draw(&conv, &device);
        let gradients = |own: bool| {
            let [x, weight] = [&x, &weight].map(|t| t.clone().detach().require_grad());
            let (of, bias) = ([x.clone(), weight.clone()], Some(bias.clone()));
            let out = match own {
                true => conv2d(x, weight, bias, conv.stride, conv.padding),
                false => reference(x, weight, bias, conv),
            };
            // Another gradient for each output.
            let grads = (out.clone() * out).sum().backward();
            of.map(|t| t.grad(&grads).unwrap().into_data())
        };
        for (found, expected) in gradients(true).iter().zip(gradients(false)) {
            found.assert_approx_eq(&expected, Tolerance::<f32>::absolute(1e-2).set_relative(1e-3));
        }
    }
}

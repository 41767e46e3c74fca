//! Element-wise activation functions of inference.

use burn::prelude::*;
use burn::tensor::activation;

/// Exact GELU (arXiv 1606.08415): `0.5 x (1 + erf(x / sqrt 2))`, not its tanh approximation.
///
/// The kernel on Flex is within 1e-6 of it. The derivative is that of the same formula on every
/// backend.
///
/// # Shapes
/// - x, output: any
pub fn gelu<const D: usize>(x: Tensor<D>) -> Tensor<D> {
    #[cfg(feature = "flex")]
    if crate::flex::plain(&x) {
        return extension::activate(x, extension::Activation::Gelu);
    }
    #[cfg(feature = "flex")]
    if crate::flex::differentiable(&x) {
        return activation::gelu(x);
    }
    // burn's own has the exact derivative on Flex only: docs/decisions/0021-gelu-derivative.md.
    let probability = (x.clone() * std::f64::consts::FRAC_1_SQRT_2).erf() * 0.5 + 0.5;
    x * probability
}

/// `x * sigmoid(1.702 x)`, the activation of CLIP (arXiv 2103.00020).
///
/// # Shapes
/// - x, output: any
pub fn quick_gelu<const D: usize>(x: Tensor<D>) -> Tensor<D> {
    #[cfg(feature = "flex")]
    if crate::flex::plain(&x) {
        return extension::activate(x, extension::Activation::QuickGelu);
    }
    activation::sigmoid(x.clone() * 1.702) * x
}

/// `x * sigmoid(x)`, the activation of gated feed-forward layers (SwiGLU, arXiv 2002.05202).
///
/// # Shapes
/// - x, output: any
pub fn silu<const D: usize>(x: Tensor<D>) -> Tensor<D> {
    #[cfg(feature = "flex")]
    if crate::flex::plain(&x) {
        return extension::activate(x, extension::Activation::Silu);
    }
    activation::silu(x)
}

#[cfg(feature = "flex")]
mod extension {
    use burn::backend::flex::FlexTensor;
    use burn::backend::tensor::FloatTensor;
    use burn::backend::{Backend, Dispatch, Flex, backend_extension};
    use burn::prelude::*;
    use pulp::{Arch, Simd, WithSimd};
    use rayon::prelude::*;

    use crate::{flex, math};

    /// Values per task.
    const CHUNK: usize = 1 << 14;

    #[derive(Debug, Clone, Copy)]
    pub enum Activation {
        Gelu,
        QuickGelu,
        Silu,
    }

    pub(super) fn activate<const D: usize>(x: Tensor<D>, activation: Activation) -> Tensor<D> {
        Tensor::from_dispatch(Dispatch::activate(x.into_dispatch(), activation))
    }

    #[backend_extension(Flex: cfg(feature = "flex"))]
    pub trait Activate: Backend {
        fn activate(x: FloatTensor<Self>, activation: Activation) -> FloatTensor<Self>;
    }

    impl Activate for Flex {
        fn activate(x: FlexTensor, activation: Activation) -> FlexTensor {
            let shape = x.layout().shape().clone();
            let mut out = flex::numbers(&x.to_contiguous()).to_vec();
            let arch = Arch::new();
            out.par_chunks_mut(CHUNK).for_each(|numbers| {
                arch.dispatch(Numbers {
                    numbers,
                    activation,
                })
            });
            FlexTensor::from_data(TensorData::new(out, shape))
        }
    }

    struct Numbers<'a> {
        numbers: &'a mut [f32],
        activation: Activation,
    }

    impl WithSimd for Numbers<'_> {
        type Output = ();

        #[inline(always)]
        fn with_simd<S: Simd>(self, _: S) {
            match self.activation {
                Activation::Gelu => {
                    for x in self.numbers {
                        let half = 0.5 * *x;
                        *x = half + half * math::erf(*x * std::f32::consts::FRAC_1_SQRT_2);
                    }
                }
                Activation::QuickGelu => {
                    for x in self.numbers {
                        *x /= 1.0 + math::exp(-1.702 * *x);
                    }
                }
                Activation::Silu => {
                    for x in self.numbers {
                        *x /= 1.0 + math::exp(-*x);
                    }
                }
            }
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
#[allow(deprecated, reason = "NdArray is kept while burn has it")]
mod tests {
    use burn::tensor::Tolerance;

    use super::*;

    /// `f` and its derivative from -6 to 6, and the largest errors of both.
    #[cfg(feature = "autodiff")]
    fn errors_of_gelu(device: Device, f: fn(Tensor<1>) -> Tensor<1>) -> [f64; 2] {
        use burn::tensor::DType;

        let device = device.autodiff();
        let x = (Tensor::<1, Int>::arange(-6000..6001, &device).float() / 1000.0).require_grad();
        let y = f(x.clone());
        let grads = y.clone().sum().backward();
        let derivative = x.grad(&grads).unwrap();

        let exact = Tensor::<1>::from_data(x.to_data(), (&Device::flex(), DType::F64));
        let probability = (exact.clone() / 2f64.sqrt()).erf() * 0.5 + 0.5;
        let density = (exact.clone().square() * -0.5).exp() / std::f64::consts::TAU.sqrt();
        [
            (y.into_data(), exact.clone() * probability.clone()),
            (derivative.into_data(), probability + exact * density),
        ]
        .map(|(found, exact)| {
            let found = Tensor::<1>::from_data(found, (&Device::flex(), DType::F64));
            (found - exact).abs().max().into_scalar::<f64>()
        })
    }

    #[test]
    #[cfg(feature = "autodiff")]
    fn gelu_derivative_is_exact() {
        for device in [Device::flex(), Device::ndarray()] {
            let [value, derivative] = errors_of_gelu(device, gelu);
            assert!(
                value < 1e-6 && derivative < 1e-6,
                "{value:e}, {derivative:e}"
            );
        }
    }

    /// Fails once burn differentiates what it computes: then `activation::gelu` does everywhere.
    #[test]
    #[cfg(feature = "autodiff")]
    fn burn_gelu_needs_replacement() {
        let [value, derivative] = errors_of_gelu(Device::ndarray(), activation::gelu);
        assert!(value < 1e-6, "{value:e}");
        assert!(derivative > 8e-4, "{derivative:e}");
    }

    #[test]
    fn kernels_match_formulas() {
        let device = Device::flex();
        let x = Tensor::<1, Int>::arange(-60_000..60_000, &device).float() / 5000.0;
        let close = Tolerance::absolute(1e-6).set_relative(5e-7);
        let same = |a: Tensor<1>, b: Tensor<1>| {
            a.into_data().assert_approx_eq::<f32>(&b.into_data(), close);
        };
        same(gelu(x.clone()), activation::gelu(x.clone()));
        same(
            quick_gelu(x.clone()),
            activation::sigmoid(x.clone() * 1.702) * x.clone(),
        );
        same(silu(x.clone()), activation::silu(x.clone()));
        let swapped = x.clone().reshape([300, 400]).swap_dims(0, 1);
        let found = gelu(swapped).swap_dims(0, 1).reshape([120_000]);
        same(found, activation::gelu(x));
        let odd = Tensor::<1>::from_floats([f32::NAN, f32::INFINITY, -200.0], &device);
        let odd = gelu(odd).into_data().try_to_vec::<f32>();
        let Ok([nan, infinite, zero]) = odd.as_deref() else {
            unreachable!("three values: {odd:?}")
        };
        assert!(nan.is_nan() && *infinite == f32::INFINITY && *zero == 0.0);
    }
}

//! Element-wise activation functions of inference.

use burn::prelude::*;
use burn::tensor::activation;

/// `x * P(X <= x)` of the normal distribution, by erf and not by the tanh approximation (arXiv
/// 1606.08415). The kernel is within 1e-6 of it.
pub fn gelu<const D: usize>(x: Tensor<D>) -> Tensor<D> {
    #[cfg(feature = "flex")]
    if crate::flex::plain(&x) {
        return extension::activate(x, extension::Activation::Gelu);
    }
    activation::gelu(x)
}

/// `x * sigmoid(1.702 x)`, the activation of CLIP.
pub fn quick_gelu<const D: usize>(x: Tensor<D>) -> Tensor<D> {
    #[cfg(feature = "flex")]
    if crate::flex::plain(&x) {
        return extension::activate(x, extension::Activation::QuickGelu);
    }
    activation::sigmoid(x.clone() * 1.702) * x
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
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use burn::tensor::Tolerance;

    use super::*;

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

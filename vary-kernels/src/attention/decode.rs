//! Attention of a single query, as in decoding.

use burn::prelude::*;

/// Attends one query of each head to keys and values as they lie in a cache; `None` where there is no kernel for
/// it (other devices and types than f32 on Flex, autodiff).
///
/// Backends want contiguous keys and values; a cache that has room left is not, and to copy it costs as much
/// time for each token as a third of the weights.
///
/// # Shapes
/// - q: `[batch, n_heads, 1, head_dim]`
/// - k, v: `[batch, n_kv_heads, total, head_dim]`; consecutive query heads share a key head
/// - output: as q
///
/// # Panics
/// If the shapes do not fit.
pub fn single_query(q: &Tensor<4>, k: &Tensor<4>, v: &Tensor<4>) -> Option<Tensor<4>> {
    let ([batch, heads, seq, dim], [_, kv_heads, total, _]) = (q.dims(), k.dims());
    assert_eq!(seq, 1, "queries of a head");
    assert_eq!(k.dims(), v.dims(), "shapes of keys and values");
    assert_eq!(k.dims(), [batch, kv_heads, total, dim], "shape of the keys");
    assert!(
        kv_heads > 0 && heads.is_multiple_of(kv_heads),
        "{heads} heads share {kv_heads}"
    );
    #[cfg(feature = "flex")]
    if [q, k, v].into_iter().all(crate::flex::plain) {
        return Some(extension::attend(q.clone(), k.clone(), v.clone()));
    }
    None
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

    pub(super) fn attend(q: Tensor<4>, k: Tensor<4>, v: Tensor<4>) -> Tensor<4> {
        Tensor::from_dispatch(Dispatch::single_query(
            q.into_dispatch(),
            k.into_dispatch(),
            v.into_dispatch(),
        ))
    }

    #[backend_extension(Flex: cfg(feature = "flex"))]
    pub(super) trait SingleQuery: Backend {
        fn single_query(
            q: FloatTensor<Self>,
            k: FloatTensor<Self>,
            v: FloatTensor<Self>,
        ) -> FloatTensor<Self>;
    }

    impl SingleQuery for Flex {
        fn single_query(q: FlexTensor, k: FlexTensor, v: FlexTensor) -> FlexTensor {
            let q = q.to_contiguous();
            let shape = q.layout().shape().clone();
            let [_, heads, _, dim]: [usize; 4] = shape.dims();
            let (k, v) = (rows_in_order(k), rows_in_order(v));
            let (keys, values) = (Heads::new(&k), Heads::new(&v));
            let group = heads / k.layout().shape()[1];
            let mut out = vec![0.0; shape.num_elements()];
            let arch = Arch::new();
            out.par_chunks_exact_mut(dim)
                .zip(flex::numbers(&q).par_chunks_exact(dim))
                .enumerate()
                .for_each_init(Vec::new, |weights, (i, (out, q))| {
                    let at = (i / heads, i % heads / group);
                    arch.dispatch(Head {
                        q,
                        keys: keys.rows(at),
                        values: values.rows(at),
                        weights,
                        out,
                    });
                });
            FlexTensor::from_data(TensorData::new(out, shape))
        }
    }

    /// A tensor whose heads are each contiguous: this one, or a copy.
    fn rows_in_order(tensor: FlexTensor) -> FlexTensor {
        let dim = tensor.layout().shape()[3] as isize;
        match tensor.layout().strides() {
            [batch, head, row, 1] if *batch >= 0 && *head >= 0 && *row == dim => tensor,
            _ => tensor.to_contiguous(),
        }
    }

    /// Keys or values by head.
    struct Heads<'a> {
        numbers: &'a [f32],
        start: usize,
        /// From batch to batch and from head to head.
        strides: [usize; 2],
        len: usize,
    }

    impl<'a> Heads<'a> {
        fn new(tensor: &'a FlexTensor) -> Self {
            let layout = tensor.layout();
            let [_, _, total, dim]: [usize; 4] = layout.shape().dims();
            let strides = layout.strides();
            Self {
                numbers: tensor.storage(),
                start: layout.start_offset(),
                strides: [strides[0].unsigned_abs(), strides[1].unsigned_abs()],
                len: total * dim,
            }
        }

        fn rows(&self, (batch, head): (usize, usize)) -> &'a [f32] {
            let start = self.start + batch * self.strides[0] + head * self.strides[1];
            &self.numbers[start..start + self.len]
        }
    }

    struct Head<'a> {
        q: &'a [f32],
        keys: &'a [f32],
        values: &'a [f32],
        weights: &'a mut Vec<f32>,
        out: &'a mut [f32],
    }

    impl WithSimd for Head<'_> {
        type Output = ();

        #[inline(always)]
        fn with_simd<S: Simd>(self, _: S) {
            let dim = self.q.len();
            let scale = (dim as f32).powf(-0.5);
            self.weights.clear();
            for key in self.keys.chunks_exact(dim) {
                self.weights.push(scale * math::dot(self.q, key));
            }
            let largest = math::max(self.weights);
            let sum = math::exp_sum(self.weights, largest);
            for (weight, value) in self.weights.iter().zip(self.values.chunks_exact(dim)) {
                let share = weight / sum;
                for (out, value) in self.out.iter_mut().zip(value) {
                    *out = share.mul_add(*value, *out);
                }
            }
        }
    }
}

#[cfg(test)]
#[cfg(feature = "flex")]
mod tests {
    use burn::tensor::module::attention;
    use burn::tensor::{Distribution, Tolerance};
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(50))]

        #[test]
        fn a_query_attends_as_in_burn(
            (batch, kv_heads, group) in (1usize..3, 1usize..4, 1usize..4),
            (dim, total, free) in (1usize..40, 1usize..50, 0usize..4),
        ) {
            let device = Device::flex();
            let draw = |shape: [usize; 4]| {
                Tensor::<4>::random(shape, Distribution::Normal(0.0, 1.0), &device)
            };
            let heads = kv_heads * group;
            let q = draw([batch, heads, 1, dim]);
            let cache = || draw([batch, kv_heads, total + free, dim]).narrow(2, 0, total);
            let (k, v) = (cache(), cache());
            let found = single_query(&q, &k, &v).unwrap_or_else(|| unreachable!("it is f32 on Flex"));
            let share = |t: Tensor<4>| {
                t.unsqueeze_dim::<5>(2)
                    .expand([batch, kv_heads, group, total, dim])
                    .reshape([batch, heads, total, dim])
            };
            let plain = attention(q, share(k), share(v), None, None, Default::default());
            found.into_data().assert_approx_eq::<f32>(&plain.into_data(), Tolerance::absolute(1e-5));
        }
    }

    #[test]
    fn keys_in_another_order_are_copied() {
        let device = Device::flex();
        let draw = |shape| Tensor::<4>::random(shape, Distribution::Normal(0.0, 1.0), &device);
        let (q, k, v) = (draw([1, 2, 1, 8]), draw([1, 5, 2, 8]), draw([1, 5, 2, 8]));
        let (k, v) = (k.swap_dims(1, 2), v.swap_dims(1, 2));
        let found = single_query(&q, &k, &v).map(Tensor::into_data);
        let plain = attention(q, k, v, None, None, Default::default()).into_data();
        let found = found.unwrap_or_else(|| unreachable!("it is f32 on Flex"));
        found.assert_approx_eq::<f32>(&plain, Tolerance::absolute(1e-5));
    }
}

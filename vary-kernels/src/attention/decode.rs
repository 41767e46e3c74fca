//! Attention of one query per head, as in decoding.

use burn::prelude::*;

/// Attends one query per head to the keys and values of a cache; `None` where there is no kernel
/// (any device but Flex, any type but f32, autodiff).
///
/// [`single_queries`] with the same rows returns the same bits.
///
/// # Shapes
/// - q: `[batch, n_heads, 1, head_dim]`
/// - k, v: `[batch, n_kv_heads, total, head_dim]`; consecutive query heads share a key head
/// - output: as q
///
/// # Panics
/// If the shapes do not match.
pub fn single_query(q: &Tensor<4>, k: &Tensor<4>, v: &Tensor<4>) -> Option<Tensor<4>> {
    assert_eq!(k.dims()[0], q.dims()[0], "rows of the cache");
    if !has_kernel(q) {
        return None;
    }
    let rows = 0..q.dims()[0];
    let row = |tensor: &Tensor<4>, row| tensor.clone().narrow(0, row, 1);
    let caches: Vec<_> = rows.map(|at| (row(k, at), row(v, at))).collect();
    single_queries(q, &caches)
}

/// Attends one query per head to the keys and values of its row's own cache, all rows and heads in
/// parallel; `None` where there is no kernel (any device but Flex, any type but f32, autodiff).
///
/// Caches are read where they are: burn's attention copies keys and values that are not contiguous,
/// as in a cache with room left, which costs a third of the time of reading a model's parameters.
///
/// # Shapes
/// - q: `[rows, n_heads, 1, head_dim]`
/// - caches: keys and values of each row, both `[1, n_kv_heads, total, head_dim]` with a `total` of
///   the row; consecutive query heads share a key head
/// - output: as q
///
/// # Panics
/// If the shapes do not match.
pub fn single_queries(q: &Tensor<4>, caches: &[(Tensor<4>, Tensor<4>)]) -> Option<Tensor<4>> {
    let [rows, heads, seq, dim] = q.dims();
    assert_eq!(seq, 1, "queries per head");
    assert_eq!(caches.len(), rows, "caches for {rows} rows");
    for (k, v) in caches {
        let [_, kv_heads, total, _] = k.dims();
        assert_eq!(k.dims(), v.dims(), "shapes of keys and values");
        assert_eq!(k.dims(), [1, kv_heads, total, dim], "shape of the keys");
        assert!(
            kv_heads > 0 && heads.is_multiple_of(kv_heads),
            "{heads} query heads share {kv_heads} key heads"
        );
    }
    #[cfg(feature = "flex")]
    {
        kernel::attend(q, caches)
    }
    #[cfg(not(feature = "flex"))]
    None
}

fn has_kernel(q: &Tensor<4>) -> bool {
    #[cfg(feature = "flex")]
    return crate::flex::plain(q);
    #[cfg(not(feature = "flex"))]
    {
        let _ = q;
        false
    }
}

#[cfg(feature = "flex")]
mod kernel {
    use burn::backend::flex::FlexTensor;
    use burn::prelude::*;
    use pulp::{Arch, Simd, WithSimd};
    use rayon::prelude::*;

    use crate::{flex, math};

    pub(super) fn attend(q: &Tensor<4>, caches: &[(Tensor<4>, Tensor<4>)]) -> Option<Tensor<4>> {
        let (shape, device) = (q.dims(), q.device());
        let [_, heads, _, dim] = shape;
        let q = flex::tensor(q)?.to_contiguous();
        let caches = caches
            .iter()
            .map(|(k, v)| Some([heads_in_order(k)?, heads_in_order(v)?]))
            .collect::<Option<Vec<_>>>()?;
        let caches: Vec<_> = caches
            .iter()
            .map(|cache| cache.each_ref().map(Heads::new))
            .collect();
        let mut out = vec![0.0; shape.iter().product()];
        let arch = Arch::new();
        out.par_chunks_exact_mut(dim)
            .zip(flex::numbers(&q).par_chunks_exact(dim))
            .enumerate()
            .for_each_init(Vec::new, |weights, (i, (out, q))| {
                let [keys, values] = &caches[i / heads];
                let head = i % heads * keys.count / heads;
                arch.dispatch(Head {
                    q,
                    keys: keys.rows(head),
                    values: values.rows(head),
                    weights,
                    out,
                });
            });
        Some(Tensor::from_data(TensorData::new(out, shape), &device))
    }

    /// A cache whose heads are each contiguous: the tensor itself, or a copy if they are not.
    fn heads_in_order(tensor: &Tensor<4>) -> Option<FlexTensor> {
        let tensor = flex::tensor(tensor)?;
        let dim = tensor.layout().shape()[3] as isize;
        Some(match tensor.layout().strides() {
            [_, head, row, 1] if *head >= 0 && *row == dim => tensor,
            _ => tensor.to_contiguous(),
        })
    }

    /// Keys or values of one cache, by head.
    struct Heads<'a> {
        numbers: &'a [f32],
        start: usize,
        count: usize,
        /// Distance from one head to the next.
        stride: usize,
        /// Numbers of a head.
        len: usize,
    }

    impl<'a> Heads<'a> {
        fn new(tensor: &'a FlexTensor) -> Self {
            let layout = tensor.layout();
            let [_, count, total, dim]: [usize; 4] = layout.shape().dims();
            Self {
                numbers: tensor.storage(),
                start: layout.start_offset(),
                count,
                stride: layout.strides()[1].unsigned_abs(),
                len: total * dim,
            }
        }

        fn rows(&self, head: usize) -> &'a [f32] {
            let start = self.start + head * self.stride;
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
#[allow(clippy::unwrap_used)]
mod tests {
    use burn::tensor::module::attention;
    use burn::tensor::{Distribution, Tolerance};
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(50))]

        #[test]
        fn single_query_matches_burn(
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
            let found = single_query(&q, &k, &v).unwrap();
            let share = |t: Tensor<4>| {
                t.unsqueeze_dim::<5>(2)
                    .expand([batch, kv_heads, group, total, dim])
                    .reshape([batch, heads, total, dim])
            };
            let plain = attention(q, share(k), share(v), None, None, Default::default());
            let tolerance = Tolerance::absolute(1e-5);
            found.into_data().assert_approx_eq::<f32>(&plain.into_data(), tolerance);
        }

        // Each row has the bits that it has alone.
        #[test]
        fn rows_are_independent(
            totals in prop::collection::vec(1usize..50, 1..6),
            (kv_heads, group, dim, free) in (1usize..4, 1usize..4, 1usize..40, 0usize..4),
        ) {
            let device = Device::flex();
            let draw = |shape: [usize; 4]| {
                Tensor::<4>::random(shape, Distribution::Normal(0.0, 1.0), &device)
            };
            let q = draw([totals.len(), kv_heads * group, 1, dim]);
            let cache = |total| draw([1, kv_heads, total + free, dim]).narrow(2, 0, total);
            let pair = |total: &usize| (cache(*total), cache(*total));
            let caches: Vec<_> = totals.iter().map(pair).collect();
            let found = single_queries(&q, &caches).unwrap();
            for (row, (k, v)) in caches.iter().enumerate() {
                let alone = single_query(&q.clone().narrow(0, row, 1), k, v).unwrap();
                let found = found.clone().narrow(0, row, 1);
                found.into_data().assert_eq(&alone.into_data(), true);
            }
        }
    }

    #[test]
    fn no_kernel_on_ndarray() {
        let zeros = |device: &Device| Tensor::<4>::zeros([1, 1, 1, 8], device);
        let (flex, other) = (zeros(&Device::flex()), zeros(&Device::ndarray()));
        for (q, k) in [(&flex, &other), (&other, &flex), (&other, &other)] {
            assert!(single_queries(q, &[(k.clone(), k.clone())]).is_none());
        }
    }

    #[test]
    fn permuted_keys_match_burn() {
        let device = Device::flex();
        let draw = |shape| Tensor::<4>::random(shape, Distribution::Normal(0.0, 1.0), &device);
        let (q, k, v) = (draw([1, 2, 1, 8]), draw([1, 5, 2, 8]), draw([1, 5, 2, 8]));
        let (k, v) = (k.swap_dims(1, 2), v.swap_dims(1, 2));
        let found = single_query(&q, &k, &v).unwrap().into_data();
        let plain = attention(q, k, v, None, None, Default::default()).into_data();
        found.assert_approx_eq::<f32>(&plain, Tolerance::absolute(1e-5));
    }
}

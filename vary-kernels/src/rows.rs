//! Products of a few rows with a large matrix in f32, as in decoding.
//!
//! A general product copies the matrix into panels first, which pays with many rows only. Here it
//! is read once, in its own order.

#![allow(unsafe_code)]
// The same index is used for several arrays.
#![allow(clippy::needless_range_loop)]

use burn::nn::Linear;
use burn::prelude::*;
use pulp::{Arch, Simd, WithSimd};
use rayon::prelude::*;

use crate::flex;
use crate::product::split_columns;

/// With more rows a general product is as fast.
const ROWS: usize = 32;

/// Maximum number of columns per task: the sums of eight rows stay in a core's first cache.
const COLS: usize = 512;

/// Multiplications from which on several threads are faster than one.
const PARALLEL: usize = 1 << 18;

/// A linear layer of few rows on Flex in f32, the matrix contiguous; `None` for any other.
///
/// The result of a row does not depend on the others.
///
/// # Shapes
/// - x: `[.., inputs]`
/// - output: `[.., outputs]`
pub(crate) fn linear<const D: usize>(layer: &Linear, x: &Tensor<D>) -> Option<Tensor<D>> {
    let mut shape = x.dims();
    let rows: usize = shape[..D - 1].iter().product();
    if rows > ROWS || !flex::plain(x) {
        return None;
    }
    let weight = flex::tensor(&layer.weight.val())?;
    let [inputs, outputs]: [usize; 2] = weight.layout().shape().dims();
    if !weight.is_contiguous() || shape[D - 1] != inputs {
        return None;
    }
    let bias = match &layer.bias {
        Some(bias) => Some(flex::tensor(&bias.val())?.to_contiguous()),
        None => None,
    };
    let device = x.device();
    let x = flex::tensor(x)?.to_contiguous();
    let mut out = vec![0.0; rows * outputs];
    let bias = bias.as_ref().map(flex::numbers);
    multiply(
        flex::numbers(&x),
        flex::numbers(&weight),
        bias,
        &mut out,
        [inputs, outputs],
    );
    shape[D - 1] = outputs;
    Some(Tensor::from_data(TensorData::new(out, shape), &device))
}

/// `out = x w + bias`.
///
/// # Shapes
/// - x: `[rows, inputs]`
/// - w: `[inputs, outputs]`
/// - bias: `[outputs]`
/// - out: `[rows, outputs]`
fn multiply(
    x: &[f32],
    w: &[f32],
    bias: Option<&[f32]>,
    out: &mut [f32],
    [inputs, outputs]: [usize; 2],
) {
    if out.is_empty() {
        return;
    }
    let share = outputs.div_ceil(2 * rayon::current_num_threads());
    let cols = share.next_multiple_of(64).min(COLS);
    let tasks = split_columns(out, outputs, cols);
    let arch = Arch::new();
    let run = |scratch: &mut Scratch, (task, out): (usize, Vec<&mut [f32]>)| {
        arch.dispatch(Columns {
            x,
            w,
            bias,
            out,
            first: task * cols,
            shape: [inputs, outputs],
            scratch,
        });
    };
    if x.len() * outputs < PARALLEL {
        let mut scratch = Scratch::default();
        tasks
            .into_iter()
            .enumerate()
            .for_each(|task| run(&mut scratch, task));
    } else {
        let tasks = tasks.into_par_iter().enumerate();
        tasks.for_each_init(Scratch::default, run);
    }
}

/// Some columns of a product.
struct Columns<'a> {
    x: &'a [f32],
    w: &'a [f32],
    bias: Option<&'a [f32]>,
    /// The columns of each row.
    out: Vec<&'a mut [f32]>,
    first: usize,
    shape: [usize; 2],
    scratch: &'a mut Scratch,
}

/// What all rows need together lies together: rows of inputs and outputs are often a power of two
/// apart, and would share lines of the cache.
#[derive(Default)]
struct Scratch {
    /// Two vectors of columns of every row, then the next two.
    sums: Vec<f32>,
    /// [`INPUTS`] of every row.
    x: Vec<f32>,
}

/// Inputs that are added together while a sum is in a register.
const INPUTS: usize = 4;

impl WithSimd for Columns<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(mut self, simd: S) {
        let (rows, size) = (self.out.len(), 2 * S::F32_LANES);
        let Some(cols) = self.out.first().map(|out| out.len()) else {
            return;
        };
        self.scratch.sums.clear();
        self.scratch
            .sums
            .resize(cols.div_ceil(size) * rows * size, 0.0);
        let inputs = self.shape[0];
        let whole = inputs / INPUTS * INPUTS;
        for at in (0..whole).step_by(INPUTS) {
            self.add::<S, INPUTS>(simd, at);
        }
        for at in whole..inputs {
            self.add::<S, 1>(simd, at);
        }
        for (row, out) in self.out.into_iter().enumerate() {
            let sums = self.scratch.sums.chunks_exact(size).skip(row).step_by(rows);
            for (out, sums) in out.chunks_mut(size).zip(sums) {
                out.copy_from_slice(&sums[..out.len()]);
            }
            if let Some(bias) = self.bias {
                let bias = &bias[self.first..];
                out.iter_mut()
                    .zip(bias)
                    .for_each(|(out, bias)| *out += bias);
            }
        }
    }
}

impl Columns<'_> {
    /// Adds the products of `N` inputs.
    #[inline(always)]
    fn add<S: Simd, const N: usize>(&mut self, simd: S, at: usize) {
        let ([inputs, outputs], cols) = (self.shape, self.out[0].len());
        let Scratch { sums, x } = &mut *self.scratch;
        x.clear();
        for row in self.x.chunks_exact(inputs) {
            x.extend_from_slice(&row[at..][..N]);
        }
        let x = x.as_chunks::<N>().0;
        let of_input = |i: usize| &self.w[i * outputs + self.first..][..cols];
        let w: [_; N] = std::array::from_fn(|i| of_input(at + i));
        let next: [_; N] = std::array::from_fn(|i| of_input((at + N + i).min(inputs - 1)));
        let vectors = w.map(|w| S::as_simd_f32s(w).0.as_chunks::<2>().0);
        let size = 2 * S::F32_LANES;
        for (step, sums) in sums.chunks_exact_mut(x.len() * size).enumerate() {
            let first = step * size;
            if first + size > cols {
                for (sums, x) in sums.chunks_exact_mut(size).zip(x) {
                    for (col, sum) in (first..cols).zip(sums) {
                        for i in 0..N {
                            *sum = x[i].mul_add(w[i][col], *sum);
                        }
                    }
                }
                return;
            }
            next.iter()
                .for_each(|next| prefetch(&next[first..][..size]));
            let w = vectors.map(|w| w[step]);
            let sums = S::as_mut_simd_f32s(sums).0.as_chunks_mut::<2>().0;
            for (sums, x) in sums.iter_mut().zip(x) {
                let mut both = *sums;
                for i in 0..N {
                    let x = simd.splat_f32s(x[i]);
                    both[0] = simd.mul_add_f32s(x, w[i][0], both[0]);
                    both[1] = simd.mul_add_f32s(x, w[i][1], both[1]);
                }
                *sums = both;
            }
        }
    }
}

/// Asks for values that are needed soon: the hardware foresees no jump to another row.
#[inline(always)]
fn prefetch(values: &[f32]) {
    #[cfg(target_arch = "x86_64")]
    for line in values.chunks(16) {
        use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
        // SAFETY: a hint, which reads nothing; every x86-64 has the instruction.
        unsafe { _mm_prefetch::<_MM_HINT_T0>(line.as_ptr().cast()) };
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = values;
}

#[cfg(test)]
mod tests {
    use burn::nn::LinearConfig;
    use burn::tensor::{Distribution, Tolerance};
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(60))]

        #[test]
        fn few_rows_match_general_product(
            rows in 1usize..12, inputs in 1usize..40, outputs in 1usize..1200, bias: bool,
        ) {
            let device = Device::flex();
            let layer = LinearConfig::new(inputs, outputs).with_bias(bias).init(&device);
            let x = Tensor::<2>::random([rows, inputs], Distribution::Default, &device);
            let found = linear(&layer, &x).map(Tensor::into_data);
            let expected = layer.forward(x.clone()).into_data();
            let Some(found) = found else { return Err(TestCaseError::fail("no kernel")) };
            found.assert_approx_eq::<f32>(&expected, Tolerance::absolute(1e-5));
            // Alone a row has the same bits.
            let last = x.narrow(0, rows - 1, 1);
            let alone = linear(&layer, &last).map(Tensor::into_data);
            let alone = alone.as_ref().and_then(|alone| alone.as_slice::<f32>().ok());
            let all = found.as_slice::<f32>().ok();
            prop_assert_eq!(alone, all.map(|all| &all[(rows - 1) * outputs..]));
        }
    }

    #[test]
    fn other_products_are_left_to_burn() {
        let device = Device::flex();
        let layer = LinearConfig::new(8, 16).init(&device);
        let x = |rows| Tensor::<3>::ones([1, rows, 8], &device);
        assert!(linear(&layer, &x(ROWS)).is_some());
        assert!(linear(&layer, &x(ROWS + 1)).is_none());
        let mut turned = LinearConfig::new(16, 8).init(&device);
        turned.weight = turned.weight.map(Tensor::transpose);
        assert!(linear(&turned, &x(1)).is_none());
    }
}

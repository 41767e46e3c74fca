use std::ops::Range;

use rayon::prelude::*;

use super::activations::{Activations, TOKENS, Tile};
use super::pack::{GROUP, Matrix, ROWS};
use crate::product::split_columns;

/// Number of panels per task.
const PANELS: usize = 8;

/// Maximum number of rows of activations per task; the cache of a core holds them.
const TASK: usize = 128;

impl Matrix {
    /// `out = x W^T + bias`: every row of activations times every row of weights, on all threads of
    /// rayon.
    ///
    /// With weights in 8 or 4 bits, activations are rounded to 8 bits, group by group; sums of a
    /// group are exact, and groups are added in f32 in the order of the columns, so that every
    /// machine computes the same bits. With weights in bf16, activations are rounded to bf16 and
    /// products are added in f32, in an order that depends on the instruction set.
    ///
    /// # Shapes
    /// - x: `[tokens, cols]`
    /// - bias: `[rows]`
    /// - out: `[tokens, rows]`
    ///
    /// # Panics
    /// If the size of a slice differs.
    pub fn multiply(&self, x: &[f32], bias: Option<&[f32]>, out: &mut [f32]) {
        let tokens = x.len() / self.cols;
        assert_eq!(
            x.len(),
            tokens * self.cols,
            "activations of rows of {}",
            self.cols
        );
        assert_eq!(
            out.len(),
            tokens * self.rows,
            "products of {tokens} rows with {}",
            self.rows
        );
        if let Some(bias) = bias {
            assert_eq!(bias.len(), self.rows, "values of the bias");
        }
        let x = Activations::new(self.bits, x, self.cols);
        let threads = rayon::current_num_threads();
        match tokens >= 2 * TOKENS * threads {
            true => self.by_tokens(&x, tokens.div_ceil(4 * threads), bias, out),
            false => self.by_panels(&x, tokens, bias, out),
        }
    }

    /// Each task multiplies some rows of activations with the whole matrix.
    fn by_tokens(&self, x: &Activations, share: usize, bias: Option<&[f32]>, out: &mut [f32]) {
        let share = share.min(TASK).next_multiple_of(TOKENS);
        out.par_chunks_mut(share * self.rows)
            .enumerate()
            .for_each(|(task, out)| {
                let first = task * share;
                self.multiply_rows(x, first..first + out.len() / self.rows, bias, out);
            });
    }

    /// Multiplies some rows of activations, starting at a multiple of [`TOKENS`], on the calling
    /// thread.
    pub(crate) fn multiply_rows(
        &self,
        x: &Activations,
        tokens: Range<usize>,
        bias: Option<&[f32]>,
        out: &mut [f32],
    ) {
        let kernel = Kernel::detect();
        let mut products = [[0.0; ROWS]; TOKENS];
        for panel in 0..self.rows.div_ceil(ROWS) {
            let tiles = tokens.clone().step_by(TOKENS);
            for (first, out) in tiles.zip(out.chunks_mut(TOKENS * self.rows)) {
                let tile = x.tile(first);
                let products = &mut products[..tile.tokens];
                kernel.panel(self, panel, tile, products);
                for (product, out) in products.iter().zip(out.chunks_mut(self.rows)) {
                    self.put(panel, product, bias, &mut out[panel * ROWS..]);
                }
            }
        }
    }

    /// Each task multiplies some rows of the matrix with all activations.
    fn by_panels(&self, x: &Activations, tokens: usize, bias: Option<&[f32]>, out: &mut [f32]) {
        let kernel = Kernel::detect();
        let tasks = split_columns(out, self.rows.max(1), PANELS * ROWS);
        tasks
            .into_par_iter()
            .enumerate()
            .for_each(|(task, mut out)| {
                let mut products = [[0.0; ROWS]; TOKENS];
                let first = task * PANELS;
                for panel in first..self.rows.div_ceil(ROWS).min(first + PANELS) {
                    let tiles = (0..tokens).step_by(TOKENS);
                    for (first_row, out) in tiles.zip(out.chunks_mut(TOKENS)) {
                        let products = &mut products[..out.len()];
                        kernel.panel(self, panel, x.tile(first_row), products);
                        for (product, out) in products.iter().zip(out) {
                            let start = (panel - first) * ROWS;
                            self.put(panel, product, bias, &mut out[start..]);
                        }
                    }
                }
            });
    }

    /// Writes the products of a panel to the start of `out`.
    fn put(&self, panel: usize, product: &[f32; ROWS], bias: Option<&[f32]>, out: &mut [f32]) {
        let first = panel * ROWS;
        let count = ROWS.min(self.rows - first);
        if let Some(bias) = bias {
            for ((out, product), bias) in out[..count].iter_mut().zip(product).zip(&bias[first..]) {
                *out = product + bias;
            }
        } else if count == ROWS
            && let Some(out) = out.first_chunk_mut()
        {
            // A constant size compiles to moves instead of a call.
            *out = *product;
        } else {
            out[..count].copy_from_slice(&product[..count]);
        }
    }
}

/// An instruction set for products.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kernel {
    Plain,
    #[cfg(target_arch = "x86_64")]
    Avx2(super::avx2::Avx2),
    #[cfg(target_arch = "x86_64")]
    Avx512(super::avx512::Avx512),
}

impl Kernel {
    /// The instruction sets of this machine, fastest first.
    pub fn all() -> impl Iterator<Item = Self> {
        #[cfg(target_arch = "x86_64")]
        let found = [
            super::avx512::Avx512::detect().map(Self::Avx512),
            super::avx2::Avx2::detect().map(Self::Avx2),
        ];
        #[cfg(not(target_arch = "x86_64"))]
        let found: [Option<Self>; 0] = [];
        found.into_iter().flatten().chain([Self::Plain])
    }

    pub fn detect() -> Self {
        Self::all().next().unwrap_or(Self::Plain)
    }

    /// The products of the rows of a tile with those of a panel.
    pub fn panel(self, matrix: &Matrix, panel: usize, x: Tile<'_>, out: &mut [[f32; ROWS]]) {
        match self {
            Self::Plain => plain(matrix, panel, x, out),
            #[cfg(target_arch = "x86_64")]
            Self::Avx2(avx2) => avx2.panel(matrix, panel, x, out),
            #[cfg(target_arch = "x86_64")]
            Self::Avx512(avx512) => avx512.panel(matrix, panel, x, out),
        }
    }
}

/// Whether this machine has instructions for bf16 products.
#[cfg(feature = "flex")]
pub(crate) fn has_bf16() -> bool {
    #[cfg(target_arch = "x86_64")]
    return matches!(Kernel::detect(), Kernel::Avx512(_));
    #[cfg(not(target_arch = "x86_64"))]
    false
}

fn plain(matrix: &Matrix, panel: usize, x: Tile<'_>, out: &mut [[f32; ROWS]]) {
    let groups = matrix.cols / GROUP;
    for (token, out) in out.iter_mut().enumerate() {
        *out = [0.0; ROWS];
        for g in 0..groups {
            let at = panel * groups + g;
            for (row, out) in out.iter_mut().enumerate() {
                // Integers below 2^24: their sums are exact.
                let mut sum = 0.0;
                for col in 0..GROUP {
                    let value = x.value(matrix.bits, token, g * GROUP + col);
                    sum = matrix.weight(at, row, col).mul_add(value, sum);
                }
                *out = match matrix.bits.scaled() {
                    true => (matrix.scale(at, row) * x.scales[g][token]).mul_add(sum, *out),
                    false => *out + sum,
                };
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::pack::Bits;
    use super::*;
    use proptest::prelude::*;

    fn numbers(n: usize, seed: u32) -> Vec<f32> {
        let mut state = seed | 1;
        let next = || {
            state ^= state << 13;
            state ^= state >> 17;
            state ^= state << 5;
            state as f32 / u32::MAX as f32 - 0.5
        };
        std::iter::repeat_with(next).take(n).collect()
    }

    fn bits() -> impl Strategy<Value = Bits> {
        prop_oneof![Just(Bits::Sixteen), Just(Bits::Eight), Just(Bits::Four)]
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(100))]

        #[test]
        fn instruction_sets_agree(
            bits in bits(), rows in 1usize..40, groups in 1usize..6,
            tokens in 1usize..20, seed: u32,
        ) {
            let cols = groups * GROUP;
            let matrix = Matrix::new(bits, &numbers(rows * cols, seed), [rows, cols]);
            let x = Activations::new(bits, &numbers(tokens * cols, seed ^ 77), cols);
            for kernel in Kernel::all() {
                let panels = 0..rows.div_ceil(ROWS);
                let tiles = (0..tokens).step_by(TOKENS).map(|first| x.tile(first));
                for (panel, tile) in panels.flat_map(|p| tiles.clone().map(move |t| (p, t))) {
                    let mut found = vec![[f32::NAN; ROWS]; tile.tokens];
                    let mut plain = found.clone();
                    kernel.panel(&matrix, panel, tile, &mut found);
                    Kernel::Plain.panel(&matrix, panel, tile, &mut plain);
                    match bits {
                        // Products of bf16 are rounded, and added in another order.
                        Bits::Sixteen => {
                            let pairs = found.iter().flatten().zip(plain.iter().flatten());
                            for (a, b) in pairs {
                                let close = (a - b).abs() < 1e-6 * cols as f32;
                                prop_assert!(close, "{kernel:?}: {a} and {b}");
                            }
                        }
                        Bits::Eight | Bits::Four => prop_assert_eq!(&found, &plain, "{:?}", kernel),
                    }
                }
            }
        }

        #[test]
        fn products_are_near(
            bits in bits(), rows in 1usize..40, groups in 1usize..6,
            tokens in 1usize..99, seed: u32,
        ) {
            let cols = groups * GROUP;
            let weights = numbers(rows * cols, seed);
            let matrix = Matrix::new(bits, &weights, [rows, cols]);
            let x = numbers(tokens * cols, seed ^ 77);
            let bias = numbers(rows, seed ^ 99);
            let mut out = vec![f32::NAN; tokens * rows];
            matrix.multiply(&x, Some(&bias), &mut out);
            let rounded = matrix.dequantized();
            for (weight, rounded) in weights.iter().zip(&rounded) {
                // Half a step, of the largest weight that a group may have.
                let step = 0.5 / bits_largest(bits);
                prop_assert!((weight - rounded).abs() <= 0.51 * step + 1e-3 * step);
            }
            for (x, out) in x.chunks(cols).zip(out.chunks(rows)) {
                for ((weights, out), bias) in rounded.chunks(cols).zip(out).zip(&bias) {
                    let exact: f32 = weights.iter().zip(x).map(|(w, x)| w * x).sum();
                    // Activations are off by half a 254th of their largest, each times a weight.
                    prop_assert!((exact + bias - out).abs() < cols as f32 * 0.5 * 0.5 / 254.0);
                }
            }
        }
    }

    fn bits_largest(bits: Bits) -> f32 {
        match bits {
            Bits::Sixteen => 255.0,
            Bits::Eight => 127.0,
            Bits::Four => 7.0,
        }
    }

    #[test]
    fn nan_activations_stay_nan() {
        for bits in [Bits::Sixteen, Bits::Eight, Bits::Four] {
            let cols = GROUP;
            let matrix = Matrix::new(bits, &numbers(3 * cols, 5), [3, cols]);
            let mut x = numbers(cols, 7);
            x[3] = f32::NAN;
            let mut out = [0.0; 3];
            matrix.multiply(&x, None, &mut out);
            assert!(out.iter().all(|v| v.is_nan()), "{out:?}");
        }
    }

    #[test]
    fn nonfinite_weights_stay_nonfinite() {
        for bits in [Bits::Sixteen, Bits::Eight, Bits::Four] {
            for bad in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
                let cols = GROUP * 2;
                let mut weights = numbers(3 * cols, 5);
                assert!(Matrix::new(bits, &weights, [3, cols]).is_finite());
                weights[cols + 3] = bad;
                let matrix = Matrix::new(bits, &weights, [3, cols]);
                assert!(!matrix.is_finite());
                let mut out = [0.0; 3];
                matrix.multiply(&numbers(cols, 7), None, &mut out);
                assert_eq!(out.map(f32::is_finite), [true, false, true], "{out:?}");
            }
        }
        // Too large for the scales, not for bf16.
        let large = vec![1e9; GROUP];
        let finite = |bits| Matrix::new(bits, &large, [1, GROUP]).is_finite();
        assert_eq!([finite(Bits::Sixteen), finite(Bits::Eight)], [true, false]);
    }

    #[test]
    fn largest_values_do_not_overflow() {
        for bits in [Bits::Sixteen, Bits::Eight, Bits::Four] {
            for sign in [1.0, -1.0] {
                let cols = GROUP * 2;
                let matrix = Matrix::new(bits, &vec![sign; 8 * cols], [8, cols]);
                let mut out = [0.0; 8];
                matrix.multiply(&vec![-1.0; cols], None, &mut out);
                let expected = -sign * cols as f32;
                assert!(
                    out.iter()
                        .all(|v| (v - expected).abs() < 0.01 * cols as f32),
                    "{out:?}"
                );
            }
        }
    }
}

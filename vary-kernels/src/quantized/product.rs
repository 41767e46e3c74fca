use rayon::prelude::*;

use super::pack::{Activations, Matrix, NEIGHBOURS, ROWS};

/// Rows of activations that a panel is read once for.
pub(super) const TOKENS: usize = 4;

/// Panels that a task takes at least.
const PANELS: usize = 8;

impl Matrix {
    /// `out = x W^T`: every row of activations times every row of weights, on all of rayon's threads.
    ///
    /// Activations are rounded to 8 bits, group by group; sums of a group are exact, and groups are
    /// added in f32 in the order of the columns, so that every machine gives the same bits.
    ///
    /// # Shapes
    /// - x: `[tokens, cols]`
    /// - out: `[tokens, rows]`
    ///
    /// # Panics
    /// If a slice is not of that size.
    pub fn multiply(&self, x: &[f32], out: &mut [f32]) {
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
        let rounded: Vec<Activations> = x
            .par_chunks(self.cols)
            .map(|x| Activations::new(x, self.bits.group()))
            .collect();
        let kernel = Kernel::detect();
        let panels = self.rows.div_ceil(ROWS);
        let mut products = vec![[0.0; ROWS]; panels * tokens];
        products
            .par_chunks_mut(tokens.max(1))
            .with_min_len(PANELS)
            .enumerate()
            .for_each(|(panel, products)| {
                for (x, out) in rounded.chunks(TOKENS).zip(products.chunks_mut(TOKENS)) {
                    kernel.panel(self, panel, x, out);
                }
            });
        for (panel, products) in products.chunks(tokens.max(1)).enumerate() {
            let first = panel * ROWS;
            let count = ROWS.min(self.rows - first);
            for (token, product) in products.iter().enumerate() {
                out[token * self.rows + first..][..count].copy_from_slice(&product[..count]);
            }
        }
    }
}

/// Instructions to multiply with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kernel {
    Plain,
    #[cfg(target_arch = "x86_64")]
    Avx2(super::x86::Avx2),
}

impl Kernel {
    pub fn detect() -> Self {
        #[cfg(target_arch = "x86_64")]
        if let Some(avx2) = super::x86::Avx2::detect() {
            return Self::Avx2(avx2);
        }
        Self::Plain
    }

    /// The products of up to [`TOKENS`] rows of activations with the rows of a panel.
    pub fn panel(self, matrix: &Matrix, panel: usize, x: &[Activations], out: &mut [[f32; ROWS]]) {
        match self {
            Self::Plain => plain(matrix, panel, x, out),
            #[cfg(target_arch = "x86_64")]
            Self::Avx2(avx2) => avx2.panel(matrix, panel, x, out),
        }
    }
}

fn plain(matrix: &Matrix, panel: usize, x: &[Activations], out: &mut [[f32; ROWS]]) {
    let group = matrix.bits.group();
    let groups = matrix.cols / group;
    for (x, out) in x.iter().zip(out) {
        *out = [0.0; ROWS];
        for g in 0..groups {
            let at = panel * groups + g;
            let words = &x.words[g * group / NEIGHBOURS..][..group / NEIGHBOURS];
            let values = words.iter().flat_map(|word| word.to_le_bytes());
            for (row, out) in out.iter_mut().enumerate() {
                let mut sum = 0i32;
                for (col, value) in values.clone().enumerate() {
                    sum += i32::from(matrix.weight(at, row, col)) * i32::from(value as i8);
                }
                let scale = matrix.scales[at * ROWS + row].to_f32() * x.scales[g];
                *out = scale.mul_add(sum as f32, *out);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::Bits;
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
        prop_oneof![Just(Bits::Eight), Just(Bits::Four)]
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(100))]

        #[test]
        fn instructions_give_the_same_bits(
            bits in bits(), rows in 1usize..40, groups in 1usize..6, tokens in 1usize..10, seed: u32,
        ) {
            let cols = groups * bits.group();
            let matrix = Matrix::new(bits, &numbers(rows * cols, seed), [rows, cols]);
            let x = numbers(tokens * cols, seed ^ 77);
            let x: Vec<_> = x.chunks(cols).map(|x| Activations::new(x, bits.group())).collect();
            for panel in 0..rows.div_ceil(ROWS) {
                for x in x.chunks(TOKENS) {
                    let mut found = [[f32::NAN; ROWS]; TOKENS];
                    let mut plain = found;
                    Kernel::detect().panel(&matrix, panel, x, &mut found[..x.len()]);
                    Kernel::Plain.panel(&matrix, panel, x, &mut plain[..x.len()]);
                    prop_assert_eq!(&found[..x.len()], &plain[..x.len()]);
                }
            }
        }

        #[test]
        fn products_are_near_those_of_the_rounded_weights(
            bits in bits(), rows in 1usize..40, groups in 1usize..6, tokens in 1usize..10, seed: u32,
        ) {
            let cols = groups * bits.group();
            let weights = numbers(rows * cols, seed);
            let matrix = Matrix::new(bits, &weights, [rows, cols]);
            let x = numbers(tokens * cols, seed ^ 77);
            let mut out = vec![f32::NAN; tokens * rows];
            matrix.multiply(&x, &mut out);
            let rounded = matrix.dequantized();
            for (weight, rounded) in weights.iter().zip(&rounded) {
                // Half a step, of the largest weight that a group may have.
                let step = 0.5 / bits_largest(bits);
                prop_assert!((weight - rounded).abs() <= 0.51 * step + 1e-3 * step);
            }
            for (x, out) in x.chunks(cols).zip(out.chunks(rows)) {
                for (weights, out) in rounded.chunks(cols).zip(out) {
                    let exact: f32 = weights.iter().zip(x).map(|(w, x)| w * x).sum();
                    // Activations are off by half a 254th of their largest, each times a weight.
                    prop_assert!((exact - out).abs() < cols as f32 * 0.5 * 0.5 / 254.0);
                }
            }
        }
    }

    fn bits_largest(bits: Bits) -> f32 {
        match bits {
            Bits::Eight => 127.0,
            Bits::Four => 7.0,
        }
    }

    #[test]
    fn what_is_no_number_stays_none() {
        for bits in [Bits::Eight, Bits::Four] {
            let cols = bits.group();
            let matrix = Matrix::new(bits, &numbers(3 * cols, 5), [3, cols]);
            let mut x = numbers(cols, 7);
            x[3] = f32::NAN;
            let mut out = [0.0; 3];
            matrix.multiply(&x, &mut out);
            assert!(out.iter().all(|v| v.is_nan()), "{out:?}");
        }
    }

    #[test]
    fn the_largest_numbers_do_not_overflow() {
        for bits in [Bits::Eight, Bits::Four] {
            for sign in [1.0, -1.0] {
                let cols = bits.group() * 2;
                let matrix = Matrix::new(bits, &vec![sign; 8 * cols], [8, cols]);
                let mut out = [0.0; 8];
                matrix.multiply(&vec![-1.0; cols], &mut out);
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

use pulp::{Arch, Simd, WithSimd};
use rayon::prelude::*;

use super::pack::{Bits, GROUP};
use super::round::{bf16_bits, integer};

/// Number of rows of activations per read of a panel.
pub(crate) const TOKENS: usize = 8;

/// Rows of activations in the form of the products: in bf16, or in 8 bits (dynamic quantization).
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Activations {
    /// Row by row, two bf16 values or four of -127 to 127 per word, the first in the low bits.
    words: Vec<u32>,
    /// The scale of each row of a tile, for each group of each tile.
    scales: Vec<[f32; TOKENS]>,
    /// The sums of the groups in 8 bits, in the same order.
    sums: Vec<[i32; TOKENS]>,
    tokens: usize,
    /// Words and groups per row.
    row: [usize; 2],
}

/// Up to [`TOKENS`] rows of [`Activations`].
#[derive(Debug, Clone, Copy)]
pub(super) struct Tile<'a> {
    words: &'a [u32],
    /// Scales of each group.
    pub scales: &'a [[f32; TOKENS]],
    /// Sums of each group.
    pub sums: &'a [[i32; TOKENS]],
    /// Number of rows.
    pub tokens: usize,
}

impl<'a> Tile<'a> {
    /// Words of a row.
    pub fn words(&self, token: usize) -> &'a [u32] {
        let words = self.words.len() / self.tokens;
        &self.words[token * words..][..words]
    }

    /// An activation divided by the scale of its group.
    pub fn value(&self, bits: Bits, token: usize, col: usize) -> f32 {
        let neighbours = bits.neighbours();
        let word = self.words(token)[col / neighbours] >> (col % neighbours * (32 / neighbours));
        match bits {
            Bits::Sixteen => f32::from_bits(word << 16),
            Bits::Eight | Bits::Four => f32::from(word as i8),
        }
    }
}

impl Activations {
    /// From `[tokens, cols]`.
    pub fn new(bits: Bits, x: &[f32], cols: usize) -> Self {
        let mut all = Self::default();
        all.round(bits, x, cols);
        all
    }

    /// Replaces the activations by `[tokens, cols]`; bf16 is zero-padded to whole groups.
    pub fn round(&mut self, bits: Bits, x: &[f32], cols: usize) {
        let groups = cols.div_ceil(GROUP);
        let words = groups * GROUP / bits.neighbours();
        self.tokens = x.len() / cols;
        self.row = [words, groups];
        let tiles = self.tokens.div_ceil(TOKENS);
        self.words.resize(self.tokens * words, 0);
        self.scales.resize(tiles * groups, [0.0; TOKENS]);
        self.sums.resize(tiles * groups, [0; TOKENS]);
        let arch = Arch::new();
        x.par_chunks(TOKENS * cols)
            .zip(self.words.par_chunks_mut(TOKENS * words))
            .zip(self.scales.par_chunks_mut(groups))
            .zip(self.sums.par_chunks_mut(groups))
            .for_each(|(((x, of_words), scales), sums)| {
                arch.dispatch(Round {
                    bits,
                    row: [cols, words],
                    x,
                    words: of_words,
                    scales,
                    sums,
                });
            });
    }

    /// The tile at row `first`, a multiple of [`TOKENS`].
    pub(super) fn tile(&self, first: usize) -> Tile<'_> {
        let [words, groups] = self.row;
        let tokens = TOKENS.min(self.tokens - first);
        let at = first / TOKENS * groups;
        Tile {
            words: &self.words[first * words..][..tokens * words],
            scales: &self.scales[at..][..groups],
            sums: &self.sums[at..][..groups],
            tokens,
        }
    }
}

/// Rounds the rows of a tile.
struct Round<'a> {
    bits: Bits,
    /// Values and words per row.
    row: [usize; 2],
    x: &'a [f32],
    words: &'a mut [u32],
    scales: &'a mut [[f32; TOKENS]],
    sums: &'a mut [[i32; TOKENS]],
}

impl WithSimd for Round<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let [cols, words] = self.row;
        let rows = self
            .x
            .chunks_exact(cols)
            .zip(self.words.chunks_exact_mut(words));
        for (token, (x, words)) in rows.enumerate() {
            let groups = self.scales.iter_mut().zip(self.sums.iter_mut());
            let groups = groups.map(|(scale, sum)| (&mut scale[token], &mut sum[token]));
            match self.bits {
                Bits::Sixteen => pairs(x, words),
                Bits::Eight | Bits::Four => of_groups(simd, x, words, groups),
            }
        }
    }
}

/// Rounds a row to bf16.
#[inline(always)]
fn pairs(x: &[f32], words: &mut [u32]) {
    let (pairs, rest) = x.as_chunks::<2>();
    let (of_pairs, of_rest) = words.split_at_mut(pairs.len());
    for (word, pair) in of_pairs.iter_mut().zip(pairs) {
        *word = bf16_bits(pair[0]) | bf16_bits(pair[1]) << 16;
    }
    of_rest.fill(0);
    if let ([word, ..], [x]) = (of_rest, rest) {
        *word = bf16_bits(*x);
    }
}

/// Rounds the groups of a row to 8 bits, with their scales and sums.
#[inline(always)]
fn of_groups<'a, S: Simd>(
    simd: S,
    x: &[f32],
    words: &mut [u32],
    groups: impl Iterator<Item = (&'a mut f32, &'a mut i32)>,
) {
    let zero = simd.splat_f32s(0.0);
    let rows = x.as_chunks::<GROUP>().0.iter();
    for ((x, words), (scale, sum)) in rows.zip(words.chunks_exact_mut(GROUP / 4)).zip(groups) {
        let (mut most, mut nan) = (zero, zero);
        for &x in S::as_simd_f32s(x).0 {
            most = simd.max_f32s(most, simd.abs_f32s(x));
            // NaN and infinity must survive rounding: times zero they are NaN, finite values are
            // zero.
            nan = simd.add_f32s(nan, simd.mul_f32s(x, zero));
        }
        let most = simd.reduce_max_f32s(most);
        let inverse = if most > 0.0 { 127.0 / most } else { 0.0 };
        let mut rounded = [0i8; GROUP];
        for (rounded, x) in rounded.iter_mut().zip(x) {
            *rounded = integer(x * inverse);
        }
        *sum = rounded.iter().map(|v| i32::from(*v)).sum();
        *scale = most / 127.0 + simd.reduce_sum_f32s(nan);
        for (word, v) in words.iter_mut().zip(rounded.as_chunks::<4>().0) {
            *word = u32::from_le_bytes(v.map(|v| v as u8));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn groups_scale_to_maximum() {
        let x: Vec<f32> = (0..11 * 128).map(|i| (i as f32 * 0.37).sin()).collect();
        let all = Activations::new(Bits::Eight, &x, 128);
        for (token, x) in x.chunks(128).enumerate() {
            let tile = all.tile(token / TOKENS * TOKENS);
            let token = token % TOKENS;
            for (g, x) in x.chunks(GROUP).enumerate() {
                let scale = tile.scales[g][token];
                let values = (0..GROUP).map(|i| tile.value(Bits::Eight, token, g * GROUP + i));
                assert_eq!(tile.sums[g][token] as f32, values.clone().sum::<f32>());
                for (v, x) in values.zip(x) {
                    assert!((v * scale - x).abs() <= 0.501 * scale);
                }
            }
        }
    }

    #[test]
    fn bf16_zero_padding() {
        let x: Vec<f32> = (0..10).map(|i| i as f32).collect();
        let mut all = Activations::new(Bits::Sixteen, &[7.0; 64], 64);
        all.round(Bits::Sixteen, &x, 5);
        let tile = all.tile(0);
        assert_eq!(tile.tokens, 2);
        for token in 0..2 {
            let row: Vec<f32> = (0..32)
                .map(|i| tile.value(Bits::Sixteen, token, i))
                .collect();
            assert_eq!(row[..5], x[token * 5..][..5]);
            assert_eq!(row[5..], [0.0; 27]);
        }
    }
}

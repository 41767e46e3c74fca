//! Products by AVX2.

#![allow(unsafe_code)]
// The same index is used for several arrays.
#![allow(clippy::needless_range_loop)]

use std::arch::x86_64::*;

use half::f16;

use super::activations::{TOKENS, Tile};
use super::pack::{Bits, GROUP, Matrix, ROWS, WORD};

/// Rows per vector.
const HALF: usize = ROWS / 2;

/// Proof that this machine has AVX2, FMA and F16C.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Avx2(());

impl Avx2 {
    pub fn detect() -> Option<Self> {
        let has = is_x86_feature_detected!("avx2")
            && is_x86_feature_detected!("fma")
            && is_x86_feature_detected!("f16c");
        has.then_some(Self(()))
    }

    pub fn panel(self, matrix: &Matrix, panel: usize, x: Tile<'_>, out: &mut [[f32; ROWS]]) {
        out.fill([0.0; ROWS]);
        // SAFETY: the instructions are there, as a value of this type only comes from `detect`.
        unsafe {
            match matrix.bits {
                Bits::Sixteen => sixteen(groups(&matrix.weights, panel, x), x, out),
                Bits::Eight => {
                    let scales = groups(&matrix.scales, panel, x);
                    eight(groups(&matrix.weights, panel, x), scales, x, out);
                }
                Bits::Four => {
                    let scales = groups(&matrix.scales, panel, x);
                    four(groups(&matrix.weights, panel, x), scales, x, out);
                }
            }
        }
    }
}

/// The groups of a panel in values that have `N` for each.
fn groups<'a, T, const N: usize>(values: &'a [T], panel: usize, x: Tile<'_>) -> &'a [[T; N]] {
    let groups = x.scales.len();
    &values.as_chunks().0[panel * groups..][..groups]
}

/// Words of each row, `N` together.
fn words<'a, const N: usize>(x: Tile<'a>) -> [&'a [[u32; N]]; TOKENS] {
    let mut rows: [&[[u32; N]]; TOKENS] = [&[]; TOKENS];
    for (token, row) in rows.iter_mut().enumerate().take(x.tokens) {
        *row = x.words(token).as_chunks().0;
    }
    rows
}

/// Half of word `at` of a group: a word of each of eight rows.
#[target_feature(enable = "avx2,fma,f16c")]
#[inline]
fn load<const B: usize>(weights: &[u8; B], half: usize, at: usize) -> __m256i {
    let vector = &weights[(at * 2 + half) * HALF * WORD..][..HALF * WORD];
    // SAFETY: 32 bytes are a vector.
    unsafe { _mm256_loadu_si256(vector.as_ptr().cast()) }
}

const SIXTEEN: usize = GROUP / Bits::Sixteen.neighbours();
const EIGHT: usize = GROUP / Bits::Eight.neighbours();
const FOUR: usize = GROUP / Bits::Four.neighbours();

/// Words of bf16 that are multiplied together.
const WORDS: usize = 2;

/// Adds the products in f32.
#[target_feature(enable = "avx2,fma,f16c")]
fn sixteen(weights: &[[u8; Bits::Sixteen.bytes()]], x: Tile<'_>, out: &mut [[f32; ROWS]]) {
    let high = _mm256_set1_epi32(0xffff_0000_u32 as i32);
    let rows = words::<WORDS>(x);
    for (g, weights) in weights.iter().enumerate() {
        for part in 0..SIXTEEN / WORDS {
            // For each word its first values and its second ones, for each half.
            let mut w = [[[_mm256_setzero_ps(); 2]; 2]; WORDS];
            for at in 0..WORDS {
                for half in 0..2 {
                    let pairs = load(weights, half, part * WORDS + at);
                    w[at][0][half] = _mm256_castsi256_ps(_mm256_slli_epi32(pairs, 16));
                    w[at][1][half] = _mm256_castsi256_ps(_mm256_and_si256(pairs, high));
                }
            }
            for (row, out) in rows.iter().zip(&mut *out) {
                let words = &row[g * (SIXTEEN / WORDS) + part];
                let mut sums = [sums_of(out, 0), sums_of(out, 1)];
                for at in 0..WORDS {
                    let pair = _mm256_set1_epi32(words[at] as i32);
                    let x = [
                        _mm256_castsi256_ps(_mm256_slli_epi32(pair, 16)),
                        _mm256_castsi256_ps(_mm256_and_si256(pair, high)),
                    ];
                    for i in 0..2 {
                        for half in 0..2 {
                            sums[half] = _mm256_fmadd_ps(w[at][i][half], x[i], sums[half]);
                        }
                    }
                }
                for half in 0..2 {
                    put(out, half, sums[half]);
                }
            }
        }
    }
}

#[target_feature(enable = "avx2,fma,f16c")]
fn eight(
    weights: &[[u8; Bits::Eight.bytes()]],
    scales: &[[f16; ROWS]],
    x: Tile<'_>,
    out: &mut [[f32; ROWS]],
) {
    let ones = _mm256_set1_epi16(1);
    let rows = words::<EIGHT>(x);
    let groups = weights.iter().zip(scales).zip(x.scales).enumerate();
    for (g, ((weights, scales), of_rows)) in groups {
        for half in 0..2 {
            let scales = scales_of(scales, half);
            let mut w = [_mm256_setzero_si256(); EIGHT];
            // The product is unsigned times signed. Two of at most 127 * 127 fit into 16 bits.
            let mut size = w;
            for at in 0..EIGHT {
                w[at] = load(weights, half, at);
                size[at] = _mm256_abs_epi8(w[at]);
            }
            for ((row, out), scale) in rows.iter().zip(&mut *out).zip(of_rows) {
                let words = &row[g];
                let mut sum = _mm256_setzero_si256();
                for at in 0..EIGHT {
                    let values = _mm256_set1_epi32(words[at] as i32);
                    let pairs = _mm256_maddubs_epi16(size[at], _mm256_sign_epi8(values, w[at]));
                    sum = _mm256_add_epi32(sum, _mm256_madd_epi16(pairs, ones));
                }
                add(out, half, sum, scales, *scale);
            }
        }
    }
}

#[target_feature(enable = "avx2,fma,f16c")]
fn four(
    weights: &[[u8; Bits::Four.bytes()]],
    scales: &[[f16; ROWS]],
    x: Tile<'_>,
    out: &mut [[f32; ROWS]],
) {
    let (ones, low) = (_mm256_set1_epi16(1), _mm256_set1_epi8(15));
    let rows = words::<FOUR>(x);
    let groups = weights.iter().zip(scales).zip(x.scales.iter().zip(x.sums));
    for (g, ((weights, scales), (of_rows, totals))) in groups.enumerate() {
        // Weights are stored plus 8.
        let offsets = totals.map(|total| 8 * total);
        for half in 0..2 {
            let scales = scales_of(scales, half);
            let mut w = [_mm256_setzero_si256(); FOUR];
            for at in 0..FOUR / 2 {
                let codes = load(weights, half, at);
                w[at] = _mm256_and_si256(codes, low);
                w[FOUR / 2 + at] = _mm256_and_si256(_mm256_srli_epi16(codes, 4), low);
            }
            let of_rows = of_rows.iter().zip(&offsets);
            for ((row, out), (scale, offset)) in rows.iter().zip(&mut *out).zip(of_rows) {
                let words = &row[g];
                let mut sum = _mm256_setzero_si256();
                for at in 0..FOUR {
                    // In 16 bits: 16 products of at most 15 * 127.
                    let values = _mm256_set1_epi32(words[at] as i32);
                    sum = _mm256_add_epi16(sum, _mm256_maddubs_epi16(w[at], values));
                }
                let offset = _mm256_set1_epi32(*offset);
                let sum = _mm256_sub_epi32(_mm256_madd_epi16(sum, ones), offset);
                add(out, half, sum, scales, *scale);
            }
        }
    }
}

/// Adds sums of integers times their scales.
#[target_feature(enable = "avx2,fma,f16c")]
#[inline]
fn add(out: &mut [f32; ROWS], half: usize, sum: __m256i, scales: __m256, scale: f32) {
    let scale = _mm256_mul_ps(scales, _mm256_set1_ps(scale));
    let sums = _mm256_fmadd_ps(scale, _mm256_cvtepi32_ps(sum), sums_of(out, half));
    put(out, half, sums);
}

/// Scales of half of the rows of a panel.
#[target_feature(enable = "avx2,fma,f16c")]
#[inline]
fn scales_of(scales: &[f16; ROWS], half: usize) -> __m256 {
    let scales = &scales[half * HALF..][..HALF];
    // SAFETY: eight scales of 16 bits are 16 bytes.
    _mm256_cvtph_ps(unsafe { _mm_loadu_si128(scales.as_ptr().cast()) })
}

/// Sums of half of the rows of a panel.
#[target_feature(enable = "avx2,fma,f16c")]
#[inline]
fn sums_of(out: &[f32; ROWS], half: usize) -> __m256 {
    let sums = &out[half * HALF..][..HALF];
    // SAFETY: eight numbers of 32 bits are a vector.
    unsafe { _mm256_loadu_ps(sums.as_ptr()) }
}

#[target_feature(enable = "avx2,fma,f16c")]
#[inline]
fn put(out: &mut [f32; ROWS], half: usize, sums: __m256) {
    let out = &mut out[half * HALF..][..HALF];
    // SAFETY: eight numbers of 32 bits are a vector.
    unsafe { _mm256_storeu_ps(out.as_mut_ptr(), sums) };
}

//! AVX2.

#![allow(unsafe_code)]
// The same index is used for several arrays, of which only one could be iterated.
#![allow(clippy::needless_range_loop)]

use std::arch::x86_64::*;

use super::activations::Tile;
use super::pack::{Bits, GROUP, Matrix, ROWS, WORD};
use super::product::chunk;

/// Rows of activations that a half of a panel is multiplied with at a time.
const TOKENS: usize = 4;
/// Rows of a vector.
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
        let (whole, rest) = out.as_chunks_mut::<TOKENS>();
        let first = whole.len() * TOKENS;
        // SAFETY: the instructions are there, as a value of this type only comes from `detect`.
        unsafe {
            for (i, out) in whole.iter_mut().enumerate() {
                tokens(matrix, panel, x, i * TOKENS, out);
            }
            for (i, out) in rest.iter_mut().enumerate() {
                tokens(matrix, panel, x, first + i, std::array::from_mut(out));
            }
        }
    }
}

#[target_feature(enable = "avx2,fma,f16c")]
fn tokens<const N: usize>(
    matrix: &Matrix,
    panel: usize,
    x: Tile<'_>,
    first: usize,
    out: &mut [[f32; ROWS]; N],
) {
    let rows: [_; N] = std::array::from_fn(|i| x.words(first + i));
    let groups = matrix.cols / GROUP;
    let mut sums = [[_mm256_setzero_ps(); N]; 2];
    for g in 0..groups {
        let at = panel * groups + g;
        for half in 0..2 {
            let products = match matrix.bits {
                Bits::Sixteen => {
                    let words = rows.map(|row| chunk(row, g));
                    sixteen(chunk(&matrix.weights, at), half, words, &mut sums[half]);
                    continue;
                }
                Bits::Eight => {
                    let words = rows.map(|row| chunk(row, g));
                    eight(chunk(&matrix.weights, at), half, words)
                }
                Bits::Four => {
                    let words = rows.map(|row| chunk(row, g));
                    four(
                        chunk(&matrix.weights, at),
                        half,
                        words,
                        std::array::from_fn(|i| x.sums[g][first + i]),
                    )
                }
            };
            let scale = &chunk::<_, HALF>(&matrix.scales, at * 2 + half);
            // SAFETY: eight scales of 16 bits are 16 bytes.
            let scale = unsafe { _mm_loadu_si128(scale.as_ptr().cast()) };
            let scale = _mm256_cvtph_ps(scale);
            for i in 0..N {
                let scale = _mm256_mul_ps(scale, _mm256_set1_ps(x.scales[g][first + i]));
                sums[half][i] =
                    _mm256_fmadd_ps(scale, _mm256_cvtepi32_ps(products[i]), sums[half][i]);
            }
        }
    }
    for half in 0..2 {
        for i in 0..N {
            let out = &mut out[i][half * HALF..][..HALF];
            // SAFETY: eight numbers of 32 bits are a vector.
            unsafe { _mm256_storeu_ps(out.as_mut_ptr(), sums[half][i]) };
        }
    }
}

/// A half of word `at` of a group: a word of each of eight rows.
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

/// Adds the products in f32.
#[target_feature(enable = "avx2,fma,f16c")]
#[inline]
fn sixteen<const N: usize>(
    weights: &[u8; Bits::Sixteen.bytes()],
    half: usize,
    words: [&[u32; SIXTEEN]; N],
    sums: &mut [__m256; N],
) {
    let high = _mm256_set1_epi32(0xffff_0000_u32 as i32);
    for at in 0..SIXTEEN {
        let weights = load(weights, half, at);
        let first = _mm256_castsi256_ps(_mm256_slli_epi32(weights, 16));
        let second = _mm256_castsi256_ps(_mm256_and_si256(weights, high));
        for i in 0..N {
            let word = words[i][at];
            let x = _mm256_set1_ps(f32::from_bits(word << 16));
            sums[i] = _mm256_fmadd_ps(first, x, sums[i]);
            let x = _mm256_set1_ps(f32::from_bits(word & 0xffff_0000));
            sums[i] = _mm256_fmadd_ps(second, x, sums[i]);
        }
    }
}

#[target_feature(enable = "avx2,fma,f16c")]
#[inline]
fn eight<const N: usize>(
    weights: &[u8; Bits::Eight.bytes()],
    half: usize,
    words: [&[u32; EIGHT]; N],
) -> [__m256i; N] {
    let ones = _mm256_set1_epi16(1);
    let mut sums = [_mm256_setzero_si256(); N];
    for at in 0..EIGHT {
        let weights = load(weights, half, at);
        // The product takes unsigned times signed. Two of at most 127 * 127 fit into 16 bits.
        let size = _mm256_abs_epi8(weights);
        for i in 0..N {
            let values = _mm256_set1_epi32(words[i][at] as i32);
            let pairs = _mm256_maddubs_epi16(size, _mm256_sign_epi8(values, weights));
            sums[i] = _mm256_add_epi32(sums[i], _mm256_madd_epi16(pairs, ones));
        }
    }
    sums
}

#[target_feature(enable = "avx2,fma,f16c")]
#[inline]
fn four<const N: usize>(
    weights: &[u8; Bits::Four.bytes()],
    half: usize,
    words: [&[u32; FOUR]; N],
    totals: [i32; N],
) -> [__m256i; N] {
    let (ones, low) = (_mm256_set1_epi16(1), _mm256_set1_epi8(15));
    let mut sums = [_mm256_setzero_si256(); N];
    for at in 0..FOUR / 2 {
        let codes = load(weights, half, at);
        let first = _mm256_and_si256(codes, low);
        let second = _mm256_and_si256(_mm256_srli_epi16(codes, 4), low);
        for i in 0..N {
            // In 16 bits: 16 products of at most 15 * 127.
            let values = _mm256_set1_epi32(words[i][at] as i32);
            sums[i] = _mm256_add_epi16(sums[i], _mm256_maddubs_epi16(first, values));
            let values = _mm256_set1_epi32(words[i][FOUR / 2 + at] as i32);
            sums[i] = _mm256_add_epi16(sums[i], _mm256_maddubs_epi16(second, values));
        }
    }
    for i in 0..N {
        // Weights are stored plus 8.
        let offset = _mm256_set1_epi32(8 * totals[i]);
        sums[i] = _mm256_sub_epi32(_mm256_madd_epi16(sums[i], ones), offset);
    }
    sums
}

//! Products by AVX2.

#![allow(unsafe_code)]
// The same index is used for several arrays.
#![allow(clippy::needless_range_loop)]

use std::arch::x86_64::*;

use super::activations::Tile;
use super::chunk::chunk;
use super::pack::{Bits, GROUP, Matrix, ROWS, WORD};

/// Rows of activations per product with half a panel.
const TOKENS: usize = 4;
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
        let (whole, rest) = out.as_chunks_mut::<TOKENS>();
        let first = whole.len() * TOKENS;
        // SAFETY: the instructions are there, as a value of this type only comes from `detect`.
        unsafe {
            for (i, out) in whole.iter_mut().enumerate() {
                // Registers suffice for the sums of a half.
                tokens::<TOKENS, 1>(matrix, panel, 0, x, i * TOKENS, out);
                tokens::<TOKENS, 1>(matrix, panel, 1, x, i * TOKENS, out);
            }
            for (i, out) in rest.iter_mut().enumerate() {
                tokens::<1, 2>(matrix, panel, 0, x, first + i, std::array::from_mut(out));
            }
        }
    }
}

/// Multiplies `H` halves of a panel, from `half` on, with `N` rows, from `first` on.
#[target_feature(enable = "avx2,fma,f16c")]
fn tokens<const N: usize, const H: usize>(
    matrix: &Matrix,
    panel: usize,
    half: usize,
    x: Tile<'_>,
    first: usize,
    out: &mut [[f32; ROWS]; N],
) {
    let rows: [_; N] = std::array::from_fn(|i| x.words(first + i));
    let groups = matrix.cols / GROUP;
    let mut sums = [[_mm256_setzero_ps(); N]; H];
    for g in 0..groups {
        let at = panel * groups + g;
        let products = match matrix.bits {
            Bits::Sixteen => {
                let words = rows.map(|row| chunk(row, g));
                sixteen(chunk(&matrix.weights, at), half, words, &mut sums);
                continue;
            }
            Bits::Eight => {
                let words = rows.map(|row| chunk(row, g));
                eight::<N, H>(chunk(&matrix.weights, at), half, words)
            }
            Bits::Four => {
                let words = rows.map(|row| chunk(row, g));
                let totals = std::array::from_fn(|i| x.sums[g][first + i]);
                four::<N, H>(chunk(&matrix.weights, at), half, words, totals)
            }
        };
        for h in 0..H {
            let scale: &[_; HALF] = chunk(&matrix.scales, at * 2 + half + h);
            // SAFETY: eight scales of 16 bits are 16 bytes.
            let scale = unsafe { _mm_loadu_si128(scale.as_ptr().cast()) };
            let scale = _mm256_cvtph_ps(scale);
            for i in 0..N {
                let scale = _mm256_mul_ps(scale, _mm256_set1_ps(x.scales[g][first + i]));
                let products = _mm256_cvtepi32_ps(products[h][i]);
                sums[h][i] = _mm256_fmadd_ps(scale, products, sums[h][i]);
            }
        }
    }
    for h in 0..H {
        for i in 0..N {
            let out = &mut out[i][(half + h) * HALF..][..HALF];
            // SAFETY: eight numbers of 32 bits are a vector.
            unsafe { _mm256_storeu_ps(out.as_mut_ptr(), sums[h][i]) };
        }
    }
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

/// Adds the products in f32.
#[target_feature(enable = "avx2,fma,f16c")]
#[inline]
fn sixteen<const N: usize, const H: usize>(
    weights: &[u8; Bits::Sixteen.bytes()],
    half: usize,
    words: [&[u32; SIXTEEN]; N],
    sums: &mut [[__m256; N]; H],
) {
    let high = _mm256_set1_epi32(0xffff_0000_u32 as i32);
    for at in 0..SIXTEEN {
        for h in 0..H {
            let weights = load(weights, half + h, at);
            let first = _mm256_castsi256_ps(_mm256_slli_epi32(weights, 16));
            let second = _mm256_castsi256_ps(_mm256_and_si256(weights, high));
            for i in 0..N {
                let word = _mm256_set1_epi32(words[i][at] as i32);
                let x = _mm256_castsi256_ps(_mm256_slli_epi32(word, 16));
                sums[h][i] = _mm256_fmadd_ps(first, x, sums[h][i]);
                let x = _mm256_castsi256_ps(_mm256_and_si256(word, high));
                sums[h][i] = _mm256_fmadd_ps(second, x, sums[h][i]);
            }
        }
    }
}

#[target_feature(enable = "avx2,fma,f16c")]
#[inline]
fn eight<const N: usize, const H: usize>(
    weights: &[u8; Bits::Eight.bytes()],
    half: usize,
    words: [&[u32; EIGHT]; N],
) -> [[__m256i; N]; H] {
    let ones = _mm256_set1_epi16(1);
    let mut sums = [[_mm256_setzero_si256(); N]; H];
    for at in 0..EIGHT {
        for h in 0..H {
            let weights = load(weights, half + h, at);
            // The product is unsigned times signed. Two of at most 127 * 127 fit into 16 bits.
            let size = _mm256_abs_epi8(weights);
            for i in 0..N {
                let values = _mm256_set1_epi32(words[i][at] as i32);
                let pairs = _mm256_maddubs_epi16(size, _mm256_sign_epi8(values, weights));
                sums[h][i] = _mm256_add_epi32(sums[h][i], _mm256_madd_epi16(pairs, ones));
            }
        }
    }
    sums
}

#[target_feature(enable = "avx2,fma,f16c")]
#[inline]
fn four<const N: usize, const H: usize>(
    weights: &[u8; Bits::Four.bytes()],
    half: usize,
    words: [&[u32; FOUR]; N],
    totals: [i32; N],
) -> [[__m256i; N]; H] {
    let (ones, low) = (_mm256_set1_epi16(1), _mm256_set1_epi8(15));
    let mut sums = [[_mm256_setzero_si256(); N]; H];
    for at in 0..FOUR / 2 {
        for h in 0..H {
            let codes = load(weights, half + h, at);
            let first = _mm256_and_si256(codes, low);
            let second = _mm256_and_si256(_mm256_srli_epi16(codes, 4), low);
            for i in 0..N {
                // In 16 bits: 16 products of at most 15 * 127.
                let values = _mm256_set1_epi32(words[i][at] as i32);
                sums[h][i] = _mm256_add_epi16(sums[h][i], _mm256_maddubs_epi16(first, values));
                let values = _mm256_set1_epi32(words[i][FOUR / 2 + at] as i32);
                sums[h][i] = _mm256_add_epi16(sums[h][i], _mm256_maddubs_epi16(second, values));
            }
        }
    }
    for sums in &mut sums {
        for i in 0..N {
            // Weights are stored plus 8.
            let offset = _mm256_set1_epi32(8 * totals[i]);
            sums[i] = _mm256_sub_epi32(_mm256_madd_epi16(sums[i], ones), offset);
        }
    }
    sums
}

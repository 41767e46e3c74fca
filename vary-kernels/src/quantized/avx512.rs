//! Products by AVX-512 with its instructions for 8-bit and bf16 dot products.

#![allow(unsafe_code)]
// The same index is used for several arrays.
#![allow(clippy::needless_range_loop)]

use std::arch::x86_64::*;

use super::activations::{TOKENS, Tile};
use super::pack::{Bits, GROUP, Matrix, ROWS, WORD};

/// Proof that this machine has AVX-512 F, VNNI and BF16.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Avx512(());

impl Avx512 {
    pub fn detect() -> Option<Self> {
        let has = is_x86_feature_detected!("avx512f")
            && is_x86_feature_detected!("avx512vnni")
            && is_x86_feature_detected!("avx512bf16");
        has.then_some(Self(()))
    }

    pub fn panel(self, matrix: &Matrix, panel: usize, x: Tile<'_>, out: &mut [[f32; ROWS]]) {
        // SAFETY: the instructions are there, as a value of this type only comes from `detect`.
        unsafe {
            if let Some(out) = out.first_chunk_mut::<TOKENS>() {
                // The maximum of a tile.
                tokens(matrix, panel, x, 0, out);
            } else {
                for (i, out) in out.iter_mut().enumerate() {
                    tokens(matrix, panel, x, i, std::array::from_mut(out));
                }
            }
        }
    }
}

#[target_feature(enable = "avx512f,avx512vnni,avx512bf16")]
fn tokens<const N: usize>(
    matrix: &Matrix,
    panel: usize,
    x: Tile<'_>,
    first: usize,
    out: &mut [[f32; ROWS]; N],
) {
    let rows: [_; N] = std::array::from_fn(|i| x.words(first + i));
    let groups = matrix.cols / GROUP;
    let mut sums = [_mm512_setzero_ps(); N];
    for g in 0..groups {
        let at = panel * groups + g;
        let products = match matrix.bits {
            Bits::Sixteen => {
                let words = rows.map(|row| chunk(row, g));
                sixteen(chunk(&matrix.weights, at), words, &mut sums);
                continue;
            }
            Bits::Eight => {
                let words = rows.map(|row| chunk(row, g));
                eight(
                    chunk(&matrix.weights, at),
                    words,
                    std::array::from_fn(|i| x.sums[g][first + i]),
                )
            }
            Bits::Four => {
                let words = rows.map(|row| chunk(row, g));
                four(
                    chunk(&matrix.weights, at),
                    words,
                    std::array::from_fn(|i| x.sums[g][first + i]),
                )
            }
        };
        let scale: &[_; ROWS] = chunk(&matrix.scales, at);
        // SAFETY: sixteen scales of 16 bits are 32 bytes.
        let scale = unsafe { _mm256_loadu_si256(scale.as_ptr().cast()) };
        let scale = _mm512_cvtph_ps(scale);
        for i in 0..N {
            let scale = _mm512_mul_ps(scale, _mm512_set1_ps(x.scales[g][first + i]));
            sums[i] = _mm512_fmadd_ps(scale, _mm512_cvtepi32_ps(products[i]), sums[i]);
        }
    }
    for (out, sum) in out.iter_mut().zip(sums) {
        // SAFETY: sixteen numbers of 32 bits are a vector.
        unsafe { _mm512_storeu_ps(out.as_mut_ptr(), sum) };
    }
}

/// Chunk `at` of a slice split into arrays of `N`.
#[inline(always)]
fn chunk<T, const N: usize>(values: &[T], at: usize) -> &[T; N] {
    &values.as_chunks().0[at]
}

/// Word `at` of a group: a word of each row.
#[target_feature(enable = "avx512f")]
#[inline]
fn load<const B: usize>(weights: &[u8; B], at: usize) -> __m512i {
    let vector = &weights[at * ROWS * WORD..][..ROWS * WORD];
    // SAFETY: 64 bytes are a vector.
    unsafe { _mm512_loadu_si512(vector.as_ptr().cast()) }
}

const SIXTEEN: usize = GROUP / Bits::Sixteen.neighbours();
const EIGHT: usize = GROUP / Bits::Eight.neighbours();
const FOUR: usize = GROUP / Bits::Four.neighbours();

/// Adds the products in f32.
#[target_feature(enable = "avx512f,avx512bf16")]
#[inline]
fn sixteen<const N: usize>(
    weights: &[u8; Bits::Sixteen.bytes()],
    words: [&[u32; SIXTEEN]; N],
    sums: &mut [__m512; N],
) {
    for at in 0..SIXTEEN {
        let weights = bf16(load(weights, at));
        for i in 0..N {
            let x = bf16(_mm512_set1_epi32(words[i][at] as i32));
            sums[i] = _mm512_dpbf16_ps(sums[i], weights, x);
        }
    }
}

fn bf16(bits: __m512i) -> __m512bh {
    // SAFETY: both are plain 512 bits.
    unsafe { std::mem::transmute(bits) }
}

#[target_feature(enable = "avx512f,avx512vnni")]
#[inline]
fn eight<const N: usize>(
    weights: &[u8; Bits::Eight.bytes()],
    words: [&[u32; EIGHT]; N],
    totals: [i32; N],
) -> [__m512i; N] {
    // The product is unsigned times signed: 128 is added to the weights, which flips their sign
    // bits, and 128 times the activations is subtracted.
    let sign = _mm512_set1_epi8(-128);
    let mut sums = [_mm512_setzero_si512(); N];
    for i in 0..N {
        sums[i] = _mm512_set1_epi32(-128 * totals[i]);
    }
    for at in 0..EIGHT {
        let weights = _mm512_xor_si512(load(weights, at), sign);
        for i in 0..N {
            let values = _mm512_set1_epi32(words[i][at] as i32);
            sums[i] = _mm512_dpbusd_epi32(sums[i], weights, values);
        }
    }
    sums
}

#[target_feature(enable = "avx512f,avx512vnni")]
#[inline]
fn four<const N: usize>(
    weights: &[u8; Bits::Four.bytes()],
    words: [&[u32; FOUR]; N],
    totals: [i32; N],
) -> [__m512i; N] {
    // Weights are stored plus 8.
    let mut sums = [_mm512_setzero_si512(); N];
    for i in 0..N {
        sums[i] = _mm512_set1_epi32(-8 * totals[i]);
    }
    let low = _mm512_set1_epi32(0x0f0f_0f0f);
    for at in 0..FOUR / 2 {
        let codes = load(weights, at);
        let first = _mm512_and_si512(codes, low);
        let second = _mm512_and_si512(_mm512_srli_epi32(codes, 4), low);
        for i in 0..N {
            let values = _mm512_set1_epi32(words[i][at] as i32);
            sums[i] = _mm512_dpbusd_epi32(sums[i], first, values);
            let values = _mm512_set1_epi32(words[i][FOUR / 2 + at] as i32);
            sums[i] = _mm512_dpbusd_epi32(sums[i], second, values);
        }
    }
    sums
}

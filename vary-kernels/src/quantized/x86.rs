//! AVX2.

#![allow(unsafe_code)]
// The same index is used for several arrays, of which only one could be iterated.
#![allow(clippy::needless_range_loop)]

use std::arch::x86_64::*;

use super::pack::{Activations, Bits, Matrix, NEIGHBOURS, ROWS};
use super::product::TOKENS;

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

    pub fn panel(self, matrix: &Matrix, panel: usize, x: &[Activations], out: &mut [[f32; ROWS]]) {
        // SAFETY: the instructions are there, as a value of this type only comes from `detect`.
        unsafe {
            match (x, out) {
                ([a, b, c, d], [o, p, q, r]) => tokens(matrix, panel, [a, b, c, d], [o, p, q, r]),
                (x, out) => {
                    for (x, out) in x.iter().zip(out) {
                        tokens(matrix, panel, [x], [out]);
                    }
                }
            }
        }
    }
}

const _: () = assert!(TOKENS == 4, "`panel` takes four at a time");

#[target_feature(enable = "avx2,fma,f16c")]
fn tokens<const N: usize>(
    matrix: &Matrix,
    panel: usize,
    x: [&Activations; N],
    out: [&mut [f32; ROWS]; N],
) {
    let scales = matrix.scales.as_chunks::<ROWS>().0;
    let groups = matrix.cols / matrix.bits.group();
    let scales = &scales[panel * groups..][..groups];
    let mut sums = [_mm256_setzero_ps(); N];
    for (g, scale) in scales.iter().enumerate() {
        let at = panel * groups + g;
        let products = match matrix.bits {
            Bits::Eight => eight(chunk(&matrix.weights, at), x.map(|x| chunk(&x.words, g))),
            Bits::Four => {
                let totals = x.map(|x| x.sums[g]);
                four(
                    chunk(&matrix.weights, at),
                    x.map(|x| chunk(&x.words, g)),
                    totals,
                )
            }
        };
        // SAFETY: eight scales of 16 bits are 16 bytes.
        let scale = unsafe { _mm_loadu_si128(scale.as_ptr().cast()) };
        let scale = _mm256_cvtph_ps(scale);
        for i in 0..N {
            let scale = _mm256_mul_ps(scale, _mm256_set1_ps(x[i].scales[g]));
            sums[i] = _mm256_fmadd_ps(scale, _mm256_cvtepi32_ps(products[i]), sums[i]);
        }
    }
    for (out, sum) in out.into_iter().zip(sums) {
        // SAFETY: eight numbers of 32 bits are a vector.
        unsafe { _mm256_storeu_ps(out.as_mut_ptr(), sum) };
    }
}

/// Chunk `at` of a slice that is cut into arrays.
#[inline(always)]
fn chunk<T, const N: usize>(values: &[T], at: usize) -> &[T; N] {
    &values.as_chunks().0[at]
}

/// Vector `at`: weights of four neighbours in each of eight rows.
#[target_feature(enable = "avx2,fma,f16c")]
#[inline]
fn load<const B: usize>(weights: &[u8; B], at: usize) -> __m256i {
    let vector = &weights[at * ROWS * NEIGHBOURS..][..ROWS * NEIGHBOURS];
    // SAFETY: 32 bytes are a vector.
    unsafe { _mm256_loadu_si256(vector.as_ptr().cast()) }
}

const EIGHT: usize = Bits::Eight.group() / NEIGHBOURS;
const FOUR: usize = Bits::Four.group() / NEIGHBOURS;

#[target_feature(enable = "avx2,fma,f16c")]
#[inline]
fn eight<const N: usize>(
    weights: &[u8; Bits::Eight.bytes()],
    words: [&[u32; EIGHT]; N],
) -> [__m256i; N] {
    let ones = _mm256_set1_epi16(1);
    let mut sums = [_mm256_setzero_si256(); N];
    for at in 0..EIGHT {
        let weights = load(weights, at);
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
    words: [&[u32; FOUR]; N],
    totals: [i32; N],
) -> [__m256i; N] {
    let (ones, low) = (_mm256_set1_epi16(1), _mm256_set1_epi8(15));
    let mut sums = [_mm256_setzero_si256(); N];
    for at in 0..FOUR / 2 {
        let codes = load(weights, at);
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

use half::{bf16, f16};
use pulp::{Arch, Simd, WithSimd};
use rayon::prelude::*;

use super::round::{bf16_bits, integer};

/// Rows per panel, which are multiplied together.
pub(super) const ROWS: usize = 16;
/// Contiguous bytes of a row in a panel.
pub(super) const WORD: usize = 4;

/// Consecutive weights of a row that share a scale, or are only stored together (bf16).
pub const GROUP: usize = 32;

/// Number of bits per weight.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Bits {
    /// bf16, without a scale.
    Sixteen,
    /// -127 to 127.
    Eight,
    /// -7 to 7.
    Four,
}

impl Bits {
    /// Whether groups have scales, and activations are rounded to 8 bits.
    pub(super) const fn scaled(self) -> bool {
        !matches!(self, Self::Sixteen)
    }

    /// Activations per word.
    pub(super) const fn neighbours(self) -> usize {
        match self {
            Self::Sixteen => 2,
            Self::Eight | Self::Four => 4,
        }
    }

    /// Bytes per group of a panel.
    pub(super) const fn bytes(self) -> usize {
        let weights = ROWS * GROUP;
        match self {
            Self::Sixteen => weights * 2,
            Self::Eight => weights,
            Self::Four => weights / 2,
        }
    }
}

/// A weight matrix in bf16, or in 8 or 4 bits with a 16-bit scale for every group of a row
/// (symmetric, as ggml's `Q8_0` and `Q4_0`).
///
/// Sixteen rows are a panel. Within a group of a panel, four bytes of the first row are followed by
/// four of the second, and so on: 64 bytes of weights times four bytes of activations yield sixteen
/// sums. 4-bit weights are stored plus 8; the low bits of a byte hold a weight of the first half of
/// a group, the high bits the weight at the same position in the second half.
#[derive(Debug, Clone, PartialEq)]
pub struct Matrix {
    pub(super) bits: Bits,
    pub(super) rows: usize,
    pub(super) cols: usize,
    pub(super) weights: Vec<u8>,
    /// [`ROWS`] per group of a panel, none for bf16.
    pub(super) scales: Vec<f16>,
}

impl Matrix {
    /// Rounds a matrix, `[rows, cols]`, row by row.
    ///
    /// # Panics
    /// If there are not `rows * cols` weights, or `cols` is not a multiple of [`GROUP`].
    pub fn new(bits: Bits, weights: &[f32], [rows, cols]: [usize; 2]) -> Self {
        assert_eq!(weights.len(), rows * cols, "weights of {rows} x {cols}");
        assert!(
            cols.is_multiple_of(GROUP),
            "rows of {cols} weights are not a multiple of groups of {GROUP}"
        );
        let (panels, groups) = (rows.div_ceil(ROWS), cols / GROUP);
        // Per panel; one unused scale for bf16, as chunks cannot be empty.
        let scales = if bits.scaled() { groups * ROWS } else { 1 };
        let mut matrix = Self {
            bits,
            rows,
            cols,
            weights: vec![0; panels * groups * bits.bytes()],
            scales: vec![f16::ZERO; panels * scales],
        };
        let arch = Arch::new();
        let of_panels = matrix.weights.par_chunks_mut(groups * bits.bytes());
        of_panels
            .zip(matrix.scales.par_chunks_mut(scales))
            .enumerate()
            .for_each(|(panel, (bytes, scales))| {
                let first = panel * ROWS;
                let count = ROWS.min(rows - first);
                arch.dispatch(Panel {
                    bits,
                    cols,
                    weights: &weights[first * cols..][..count * cols],
                    bytes,
                    scales,
                });
            });
        if !bits.scaled() {
            matrix.scales = Vec::new();
        }
        matrix
    }

    /// Rows and columns.
    pub fn shape(&self) -> [usize; 2] {
        [self.rows, self.cols]
    }

    /// Size of the weights and their scales in bytes.
    pub fn bytes(&self) -> usize {
        self.weights.len() + 2 * self.scales.len()
    }

    /// Whether all weights are finite as stored. A NaN or infinite weight, or a group too large for
    /// a 16-bit scale, makes every product NaN.
    pub fn is_finite(&self) -> bool {
        match self.bits.scaled() {
            true => self.scales.iter().all(|scale| scale.is_finite()),
            false => {
                let weights = self.weights.as_chunks::<2>().0.iter();
                weights
                    .map(|w| bf16::from_le_bytes(*w))
                    .all(bf16::is_finite)
            }
        }
    }

    /// The weights after rounding, `[rows, cols]`.
    pub fn dequantized(&self) -> Vec<f32> {
        (0..self.rows).flat_map(|row| self.row(row)).collect()
    }

    /// A row of [`dequantized`](Self::dequantized).
    ///
    /// # Panics
    /// If `row` is out of range.
    pub fn row(&self, row: usize) -> impl Iterator<Item = f32> {
        assert!(row < self.rows, "row {row} of {}", self.rows);
        let groups = self.cols / GROUP;
        (0..self.cols).map(move |col| {
            let at = row / ROWS * groups + col / GROUP;
            self.weight(at, row % ROWS, col % GROUP) * self.scale(at, row % ROWS)
        })
    }

    /// A weight of a group of a panel, divided by its scale.
    pub(super) fn weight(&self, at: usize, row: usize, col: usize) -> f32 {
        let bytes = &self.weights[at * self.bits.bytes()..][..self.bits.bytes()];
        let (byte, high) = position(self.bits, row, col);
        match self.bits {
            Bits::Sixteen => bf16::from_le_bytes([bytes[byte], bytes[byte + 1]]).to_f32(),
            Bits::Eight => f32::from(bytes[byte] as i8),
            Bits::Four if high => f32::from(bytes[byte] >> 4) - 8.0,
            Bits::Four => f32::from(bytes[byte] & 15) - 8.0,
        }
    }

    /// The scale of a row of a group of a panel.
    pub(super) fn scale(&self, at: usize, row: usize) -> f32 {
        match self.bits.scaled() {
            true => self.scales[at * ROWS + row].to_f32(),
            false => 1.0,
        }
    }
}

/// Packs rows of weights into a panel.
struct Panel<'a> {
    bits: Bits,
    cols: usize,
    weights: &'a [f32],
    bytes: &'a mut [u8],
    scales: &'a mut [f16],
}

impl WithSimd for Panel<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        // Rows that pad the last panel are zero.
        for (row, values) in self.weights.chunks_exact(self.cols).enumerate() {
            let groups = self.bytes.chunks_exact_mut(self.bits.bytes());
            let groups = groups.zip(values.as_chunks::<GROUP>().0);
            for (g, (bytes, values)) in groups.enumerate() {
                match self.bits {
                    Bits::Sixteen => {
                        let pairs = values.as_chunks::<2>().0.iter();
                        put(
                            row,
                            pairs.map(|x| bf16_bits(x[0]) | bf16_bits(x[1]) << 16),
                            bytes,
                        );
                    }
                    Bits::Eight => {
                        let (rounded, scale) = round(values, 127.0);
                        self.scales[g * ROWS + row] = scale;
                        let words = rounded.as_chunks::<4>().0.iter();
                        put(row, words.map(|&x| word(x)), bytes);
                    }
                    Bits::Four => {
                        let (rounded, scale) = round(values, 7.0);
                        self.scales[g * ROWS + row] = scale;
                        // Below 16, so that no byte carries into the next.
                        let codes = rounded.map(|x| x + 8);
                        let (first, second) = codes.split_at(GROUP / 2);
                        let words = first
                            .as_chunks::<4>()
                            .0
                            .iter()
                            .zip(second.as_chunks::<4>().0);
                        put(row, words.map(|(&a, &b)| word(a) | word(b) << 4), bytes);
                    }
                }
            }
        }
    }
}

/// Rounds to multiples of a scale, up to `largest` of it; returns the scale too.
#[inline(always)]
fn round(values: &[f32; GROUP], largest: f32) -> ([i8; GROUP], f16) {
    let mut most = [0.0f32; 8];
    // NaN and infinity must survive rounding: times zero they are NaN, finite values are zero.
    let mut nan = [0.0f32; 8];
    for values in values.as_chunks::<8>().0 {
        for ((most, nan), v) in most.iter_mut().zip(&mut nan).zip(values) {
            *most = most.max(v.abs());
            *nan += v * 0.0;
        }
    }
    let most = most.iter().fold(0.0f32, |m, v| m.max(*v));
    // Products use the rounded scale.
    let scale = f16::from_f32(most / largest + nan.iter().sum::<f32>());
    let inverse = match scale.to_f32() {
        0.0 => 0.0,
        scale => 1.0 / scale,
    };
    let rounded = values.map(|v| integer((v * inverse).clamp(-largest, largest)));
    (rounded, scale)
}

#[inline(always)]
fn word(values: [i8; 4]) -> u32 {
    u32::from_le_bytes(values.map(|v| v as u8))
}

/// Writes the words of a row into its group of a panel.
#[inline(always)]
fn put(row: usize, words: impl Iterator<Item = u32>, bytes: &mut [u8]) {
    for (of_rows, word) in bytes.chunks_exact_mut(ROWS * WORD).zip(words) {
        of_rows[row * WORD..][..WORD].copy_from_slice(&word.to_le_bytes());
    }
}

/// Index of the first byte of a weight in its group of a panel, and whether it is in the high bits.
fn position(bits: Bits, row: usize, col: usize) -> (usize, bool) {
    let half = match bits {
        Bits::Four => GROUP / 2,
        Bits::Sixteen | Bits::Eight => GROUP,
    };
    let (col, high) = (col % half, col >= half);
    let neighbours = bits.neighbours();
    let word = col / neighbours * ROWS + row;
    (word * WORD + col % neighbours * (WORD / neighbours), high)
}

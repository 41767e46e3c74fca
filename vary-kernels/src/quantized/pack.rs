use half::f16;
use rayon::prelude::*;

/// Weights of a panel that belong together: this many rows are multiplied at a time.
pub(super) const ROWS: usize = 8;
/// Neighbours of a row that lie side by side in a panel.
pub(super) const NEIGHBOURS: usize = 4;

/// How many bits a weight has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Bits {
    /// -127 to 127.
    Eight,
    /// -7 to 7.
    Four,
}

impl Bits {
    /// Neighbouring weights of a row that share a scale.
    pub const fn group(self) -> usize {
        match self {
            Self::Eight => 64,
            Self::Four => 32,
        }
    }

    const fn largest(self) -> f32 {
        match self {
            Self::Eight => 127.0,
            Self::Four => 7.0,
        }
    }

    /// Bytes of a group of a panel.
    pub(super) const fn bytes(self) -> usize {
        match self {
            Self::Eight => ROWS * self.group(),
            Self::Four => ROWS * self.group() / 2,
        }
    }
}

/// A weight matrix in 8 or 4 bits, with a 16-bit scale for every group of a row (symmetric, as ggml's
/// `Q8_0` and `Q4_0`).
///
/// Eight rows make a panel. Within a group of a panel, four neighbours of the first row are followed by the
/// same four of the second, and so on: a vector of 32 weights times four activations gives eight
/// sums. Weights of 4 bits are stored plus 8; a byte holds those of the first half of a group in its low bits
/// and those of the second half, at the same place, in its high bits.
#[derive(Debug, Clone, PartialEq)]
pub struct Matrix {
    pub(super) bits: Bits,
    pub(super) rows: usize,
    pub(super) cols: usize,
    pub(super) weights: Vec<u8>,
    /// Eight for each group of a panel.
    pub(super) scales: Vec<f16>,
}

impl Matrix {
    /// Rounds a matrix, `[rows, cols]`, row by row.
    ///
    /// # Panics
    /// If there are not `rows * cols` weights, or `cols` is no multiple of [`Bits::group`].
    pub fn new(bits: Bits, weights: &[f32], [rows, cols]: [usize; 2]) -> Self {
        let group = bits.group();
        assert_eq!(weights.len(), rows * cols, "weights of {rows} x {cols}");
        assert!(
            cols.is_multiple_of(group),
            "rows of {cols} weights are no multiple of groups of {group}"
        );
        let (panels, groups) = (rows.div_ceil(ROWS), cols / group);
        let mut matrix = Self {
            bits,
            rows,
            cols,
            weights: vec![0; panels * groups * bits.bytes()],
            scales: vec![f16::ZERO; panels * groups * ROWS],
        };
        let of_panels = matrix.weights.par_chunks_mut(groups * bits.bytes());
        of_panels
            .zip(matrix.scales.par_chunks_mut(groups * ROWS))
            .enumerate()
            .for_each(|(panel, (bytes, scales))| {
                let mut rounded = vec![0i8; group];
                // Rows that fill the last panel are zero.
                for row in 0..ROWS.min(rows - panel * ROWS) {
                    let values = &weights[(panel * ROWS + row) * cols..][..cols];
                    for (g, values) in values.chunks_exact(group).enumerate() {
                        scales[g * ROWS + row] = round(values, bits.largest(), &mut rounded);
                        let bytes = &mut bytes[g * bits.bytes()..][..bits.bytes()];
                        lay_out(bits, row, &rounded, bytes);
                    }
                }
            });
        matrix
    }

    /// Rows and columns.
    pub fn shape(&self) -> [usize; 2] {
        [self.rows, self.cols]
    }

    /// Bytes that the weights and their scales take.
    pub fn bytes(&self) -> usize {
        self.weights.len() + 2 * self.scales.len()
    }

    /// The weights as the products see them, `[rows, cols]`.
    pub fn dequantized(&self) -> Vec<f32> {
        (0..self.rows).flat_map(|row| self.row(row)).collect()
    }

    /// A row of [`dequantized`](Self::dequantized).
    ///
    /// # Panics
    /// If there is no such row.
    pub fn row(&self, row: usize) -> impl Iterator<Item = f32> {
        assert!(row < self.rows, "row {row} of {}", self.rows);
        let (group, groups) = (self.bits.group(), self.cols / self.bits.group());
        (0..self.cols).map(move |col| {
            let at = row / ROWS * groups + col / group;
            let scale = self.scales[at * ROWS + row % ROWS].to_f32();
            f32::from(self.weight(at, row % ROWS, col % group)) * scale
        })
    }

    /// A weight of a group of a panel.
    pub(super) fn weight(&self, at: usize, row: usize, col: usize) -> i8 {
        let bytes = &self.weights[at * self.bits.bytes()..][..self.bits.bytes()];
        match self.bits {
            Bits::Eight => bytes[place(row, col)] as i8,
            Bits::Four => {
                let half = self.bits.group() / 2;
                let byte = bytes[place(row, col % half)];
                let code = if col < half { byte & 15 } else { byte >> 4 };
                code as i8 - 8
            }
        }
    }
}

/// Puts a group of a row among those of its panel.
fn lay_out(bits: Bits, row: usize, rounded: &[i8], bytes: &mut [u8]) {
    let half = bits.group() / 2;
    for (col, &weight) in rounded.iter().enumerate() {
        match bits {
            Bits::Eight => bytes[place(row, col)] = weight as u8,
            Bits::Four => {
                let shift = if col < half { 0 } else { 4 };
                bytes[place(row, col % half)] |= ((weight + 8) as u8) << shift;
            }
        }
    }
}

/// Where a weight lies among those of a panel.
fn place(row: usize, col: usize) -> usize {
    (col / NEIGHBOURS * ROWS + row) * NEIGHBOURS + col % NEIGHBOURS
}

/// Rounds to whole multiples of the scale that is given back.
fn round(values: &[f32], largest: f32, rounded: &mut [i8]) -> f16 {
    let most = values.iter().fold(0.0f32, |m, v| m.max(v.abs()));
    // The rounded scale is what the weights will be multiplied by.
    let scale = f16::from_f32(most / largest);
    let inverse = match scale.to_f32() {
        0.0 => 0.0,
        scale => 1.0 / scale,
    };
    for (rounded, value) in rounded.iter_mut().zip(values) {
        *rounded = (value * inverse).round().clamp(-largest, largest) as i8;
    }
    scale
}

/// Activations in 8 bits, rounded as they come (dynamic quantisation).
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Activations {
    /// -127 to 127, four neighbours in a word, the first in its low bits.
    pub words: Vec<u32>,
    /// One for each group.
    pub scales: Vec<f32>,
    /// Sums of the groups.
    pub sums: Vec<i32>,
}

impl Activations {
    pub fn new(values: &[f32], group: usize) -> Self {
        let groups = values.len() / group;
        let mut all = Self {
            words: Vec::with_capacity(values.len() / NEIGHBOURS),
            scales: Vec::with_capacity(groups),
            sums: Vec::with_capacity(groups),
        };
        for values in values.chunks_exact(group) {
            let most = values.iter().fold(0.0f32, |m, v| m.max(v.abs()));
            let inverse = if most > 0.0 { 127.0 / most } else { 0.0 };
            let mut sum = 0;
            for values in values.chunks_exact(NEIGHBOURS) {
                let rounded = std::array::from_fn(|i| (values[i] * inverse).round() as i8);
                sum += rounded.iter().map(|&v| i32::from(v)).sum::<i32>();
                all.words
                    .push(u32::from_le_bytes(rounded.map(|v: i8| v as u8)));
            }
            all.sums.push(sum);
            // NaN and infinity must not vanish in the rounding.
            let sound = values.iter().all(|v| v.is_finite());
            all.scales.push(if sound { most / 127.0 } else { f32::NAN });
        }
        all
    }
}

//! Convolution as products of matrices: for each output position, the inputs under the kernel are
//! a row.

use rayon::prelude::*;

use crate::product::{Layout, product};

/// Output positions of one product.
const POSITIONS: usize = 512;
/// Maps whose weight gradients are added up by one task. The order of additions does not depend on
/// the number of threads.
const GROUP: usize = 4;

/// Sizes of a convolution.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Conv {
    /// Number of maps.
    pub batch: usize,
    /// Rows and columns of a map.
    pub size: [usize; 2],
    /// Input and output channels.
    pub channels: [usize; 2],
    /// Rows and columns of the kernel.
    pub kernel: [usize; 2],
    /// Steps down and to the right.
    pub stride: [usize; 2],
    /// Zeros on each side, above and below, left and right.
    pub padding: [usize; 2],
}

impl Conv {
    /// # Panics
    /// If a size is 0 or the map is smaller than the kernel.
    pub(super) fn check(&self) {
        for i in 0..2 {
            let fits = self.stride[i] > 0
                && self.kernel[i] > 0
                && self.size[i] + 2 * self.padding[i] >= self.kernel[i];
            assert!(fits, "no output of {self:?}");
        }
    }

    /// Rows and columns of the output.
    pub fn out_size(&self) -> [usize; 2] {
        std::array::from_fn(|i| {
            (self.size[i] + 2 * self.padding[i] - self.kernel[i]) / self.stride[i] + 1
        })
    }

    /// Inputs of an output position.
    fn depth(&self) -> usize {
        self.kernel[0] * self.kernel[1] * self.channels[0]
    }

    fn map_len(&self) -> usize {
        self.size[0] * self.size[1] * self.channels[0]
    }

    fn out_len(&self) -> usize {
        let [rows, cols] = self.out_size();
        rows * cols * self.channels[1]
    }

    /// Output rows of one product.
    fn rows_together(&self) -> usize {
        (POSITIONS / self.out_size()[1].max(1)).max(1)
    }

    /// First output rows of the products of a map, with their number.
    fn chunks(&self) -> impl Iterator<Item = (usize, usize)> + use<> {
        let (rows, step) = (self.out_size()[0], self.rows_together());
        (0..rows)
            .step_by(step)
            .map(move |first| (first, step.min(rows - first)))
    }

    /// For each output position and kernel row, the part of the map's row under it: index in the
    /// row of inputs, index in the map, and length, without what is padding.
    fn spans(&self, first: usize, rows: usize) -> impl Iterator<Item = [usize; 3]> + use<'_> {
        let ([height, width], [inputs, _]) = (self.size, self.channels);
        let ([k_rows, k_cols], cols) = (self.kernel, self.out_size()[1]);
        (0..rows * cols).flat_map(move |position| {
            let (row, col) = (first + position / cols, position % cols);
            (0..k_rows).filter_map(move |k| {
                let y = (row * self.stride[0] + k).checked_sub(self.padding[0])?;
                let left = (col * self.stride[1]) as isize - self.padding[1] as isize;
                let (from, to) = (left.max(0), (left + k_cols as isize).min(width as isize));
                if y >= height || from >= to {
                    return None;
                }
                let skipped = (from - left) as usize;
                Some([
                    position * self.depth() + (k * k_cols + skipped) * inputs,
                    (y * width + from as usize) * inputs,
                    (to - from) as usize * inputs,
                ])
            })
        })
    }

    /// The inputs of output rows, `[positions, depth]`.
    fn gather(&self, map: &[f32], first: usize, rows: usize, out: &mut Vec<f32>) {
        out.clear();
        out.resize(rows * self.out_size()[1] * self.depth(), 0.0);
        for [to, from, len] in self.spans(first, rows) {
            out[to..to + len].copy_from_slice(&map[from..from + len]);
        }
    }

    /// PyTorch's weight as `[depth, outputs]`.
    fn matrix(&self, weight: &[f32]) -> Vec<f32> {
        let ([inputs, outputs], area) = (self.channels, self.kernel[0] * self.kernel[1]);
        let mut matrix = vec![0.0; weight.len()];
        for (i, value) in weight.iter().enumerate() {
            let (out, rest) = (i / (inputs * area), i % (inputs * area));
            matrix[(rest % area * inputs + rest / area) * outputs + out] = *value;
        }
        matrix
    }

    /// The inverse of [`matrix`](Self::matrix).
    fn weight(&self, matrix: &[f32]) -> Vec<f32> {
        let ([inputs, outputs], area) = (self.channels, self.kernel[0] * self.kernel[1]);
        (0..matrix.len())
            .map(|i| {
                let (out, rest) = (i / (inputs * area), i % (inputs * area));
                matrix[(rest % area * inputs + rest / area) * outputs + out]
            })
            .collect()
    }
}

/// The convolved maps.
///
/// # Shapes
/// - x: `[batch, height, width, inputs]`
/// - weight: `[outputs, inputs, rows, columns]`, as in PyTorch
/// - output: `[batch, out_height, out_width, outputs]`, see [`Conv::out_size`]
///
/// # Panics
/// If the sizes of the slices do not match `conv`.
pub fn forward(x: &[f32], weight: &[f32], conv: &Conv) -> Vec<f32> {
    let (depth, outputs) = (conv.depth(), conv.channels[1]);
    let matrix = conv.matrix(weight);
    let by = Layout::rows(0, [depth, outputs]);
    let mut out = vec![0.0; conv.batch * conv.out_len()];
    let maps = x.par_chunks_exact(conv.map_len());
    let results = out.par_chunks_exact_mut(conv.out_len());
    maps.zip(results)
        .for_each_init(Vec::new, |inputs, (map, out)| {
            for (first, rows) in conv.chunks() {
                conv.gather(map, first, rows, inputs);
                let positions = rows * conv.out_size()[1];
                let start = first * conv.out_size()[1] * outputs;
                let to = Layout::rows(start, [positions, outputs]);
                let of = Layout::rows(0, [positions, depth]);
                product((out, to), (inputs, of), (&matrix, by), 1.0, false);
            }
        });
    out
}

/// Gradient of the maps, from the gradient `grad` of the output.
///
/// # Shapes
/// - weight: `[outputs, inputs, rows, columns]`
/// - grad: `[batch, out_height, out_width, outputs]`
/// - output: `[batch, height, width, inputs]`
///
/// # Panics
/// If the sizes of the slices do not match `conv`.
pub fn backward_x(weight: &[f32], grad: &[f32], conv: &Conv) -> Vec<f32> {
    let (depth, outputs) = (conv.depth(), conv.channels[1]);
    let matrix = conv.matrix(weight);
    let by = Layout::rows(0, [depth, outputs]).transposed();
    let mut out = vec![0.0; conv.batch * conv.map_len()];
    let grads = grad.par_chunks_exact(conv.out_len());
    let maps = out.par_chunks_exact_mut(conv.map_len());
    maps.zip(grads)
        .for_each_init(Vec::new, |inputs, (map, grad)| {
            for (first, rows) in conv.chunks() {
                let positions = rows * conv.out_size()[1];
                inputs.resize(positions * depth, 0.0);
                let start = first * conv.out_size()[1] * outputs;
                let of = Layout::rows(start, [positions, outputs]);
                let to = Layout::rows(0, [positions, depth]);
                product((inputs, to), (grad, of), (&matrix, by), 1.0, false);
                for [from, to, len] in conv.spans(first, rows) {
                    let added = &inputs[from..from + len];
                    for (sum, value) in map[to..to + len].iter_mut().zip(added) {
                        *sum += value;
                    }
                }
            }
        });
    out
}

/// Gradient of the weight, from the gradient `grad` of the output.
///
/// # Shapes
/// - x: `[batch, height, width, inputs]`
/// - grad: `[batch, out_height, out_width, outputs]`
/// - output: `[outputs, inputs, rows, columns]`
///
/// # Panics
/// If the sizes of the slices do not match `conv`.
pub fn backward_weight(x: &[f32], grad: &[f32], conv: &Conv) -> Vec<f32> {
    let (depth, outputs) = (conv.depth(), conv.channels[1]);
    let to = Layout::rows(0, [depth, outputs]);
    let maps = x.par_chunks(GROUP * conv.map_len());
    let grads = grad.par_chunks(GROUP * conv.out_len());
    let sums = maps.zip(grads).map_init(Vec::new, |inputs, (maps, grads)| {
        let mut sum = vec![0.0; depth * outputs];
        let maps = maps.chunks_exact(conv.map_len());
        for (map, grad) in maps.zip(grads.chunks_exact(conv.out_len())) {
            for (first, rows) in conv.chunks() {
                conv.gather(map, first, rows, inputs);
                let positions = rows * conv.out_size()[1];
                let of = Layout::rows(0, [positions, depth]).transposed();
                let start = first * conv.out_size()[1] * outputs;
                let by = Layout::rows(start, [positions, outputs]);
                product((&mut sum, to), (inputs, of), (grad, by), 1.0, true);
            }
        }
        sum
    });
    let sums: Vec<Vec<f32>> = sums.collect();
    let mut total = vec![0.0; depth * outputs];
    for sum in sums {
        for (total, value) in total.iter_mut().zip(sum) {
            *total += value;
        }
    }
    conv.weight(&total)
}

//! Attention of one head over one window.

use pulp::{Arch, Simd, WithSimd};

use super::bf16::Rounded;
use super::inputs::Inputs;
use super::windows::{Map, Window};
use crate::math;
use crate::product::{Layout, product};
use crate::quantized::Activations;

/// Number of logits per tile: they stay in the cache of a core.
const TILE: usize = 1 << 18;

/// Query, key and value of a head, row by row: queries of the positions inside the map, keys and
/// values of all positions.
pub(super) struct Head<'a> {
    inputs: &'a Inputs<'a>,
    window: Window,
    q: Vec<f32>,
    k: Vec<f32>,
    v: Vec<f32>,
    /// The same in bf16, if requested.
    rounded: Option<Rounded>,
}

/// Rows of a window, and the queries in them.
#[derive(Debug, Clone, Copy)]
pub(super) struct Tile {
    pub rows: [usize; 2],
    pub queries: [usize; 2],
}

/// Buffers of a tile, reused for the next.
#[derive(Default)]
pub(super) struct Scratch {
    logits: Vec<f32>,
    of_rows: Vec<f32>,
    of_cols: Vec<f32>,
    sums: Vec<f32>,
    grads: Vec<f32>,
    rounded: Activations,
}

/// Gradients of a head.
pub(super) struct HeadGrads {
    pub q: Vec<f32>,
    pub k: Vec<f32>,
    pub v: Vec<f32>,
    pub rel_h: Vec<f32>,
    pub rel_w: Vec<f32>,
}

impl<'a> Head<'a> {
    pub fn gather(inputs: &'a Inputs<'a>, map: &Map, window: Window, head: usize) -> Self {
        let (channels, dim) = (map.channels(), map.heads[1]);
        let mut of_part = [0, 1, 2].map(|part| {
            let positions = if part == 0 {
                window.queries()
            } else {
                window.keys()
            };
            (part, Vec::with_capacity(positions * dim))
        });
        for (part, values) in &mut of_part {
            let start = *part * channels + head * dim;
            let padding = &inputs.padding[start..start + dim];
            let seen = if *part == 0 {
                window.inside
            } else {
                window.size
            };
            for row in 0..seen[0] {
                for col in 0..seen[1] {
                    if row < window.inside[0] && col < window.inside[1] {
                        let at = map.position(&window, row, col) * 3 * channels + start;
                        values.extend_from_slice(&inputs.qkv[at..at + dim]);
                    } else {
                        values.extend_from_slice(padding);
                    }
                }
            }
        }
        let [q, k, v] = of_part.map(|(_, values)| values);
        Self {
            inputs,
            window,
            q,
            k,
            v,
            rounded: None,
        }
    }

    /// Rounds to bf16 for the products.
    pub fn rounded(mut self) -> Self {
        self.rounded = Some(Rounded::new(&self.q, &self.k, &self.v, self.dim()));
        self
    }

    fn dim(&self) -> usize {
        self.q.len() / self.window.queries()
    }

    /// Tiles of whole rows of the window, of at most [`TILE`] logits or one row.
    pub fn tiles(&self) -> Vec<Tile> {
        let [rows, cols] = self.window.inside;
        let step = (TILE / (cols * self.window.keys())).max(1);
        let starts = (0..rows).step_by(step);
        let tiles = starts.map(|first| {
            let last = (first + step).min(rows);
            Tile {
                rows: [first, last],
                queries: [first * cols, last * cols],
            }
        });
        tiles.collect()
    }

    /// Attended values of a tile's queries, row by row.
    pub fn attend(&self, tile: Tile, scratch: &mut Scratch) -> Vec<f32> {
        let (count, dim) = (tile.queries[1] - tile.queries[0], self.dim());
        self.weights(tile, scratch);
        let mut out = vec![0.0; count * dim];
        let keys = self.window.keys();
        match &self.rounded {
            Some(rounded) => rounded.values(&scratch.logits, &mut scratch.rounded, &mut out),
            None => product(
                (&mut out, Layout::rows(0, [count, dim])),
                (&scratch.logits, Layout::rows(0, [count, keys])),
                (&self.v, Layout::rows(0, [keys, dim])),
                1.0,
                false,
            ),
        }
        for (row, sum) in out.chunks_exact_mut(dim).zip(&scratch.sums) {
            row.iter_mut().for_each(|v| *v /= sum);
        }
        out
    }

    /// Computes `e^(logit - maximum of the query)` into `scratch.logits`, and their sums.
    fn weights(&self, tile: Tile, scratch: &mut Scratch) {
        let (count, dim, keys) = (
            tile.queries[1] - tile.queries[0],
            self.dim(),
            self.window.keys(),
        );
        let [height, width] = self.window.size;
        let sizes = [
            (&mut scratch.logits, count * keys),
            (&mut scratch.of_rows, count * height),
            (&mut scratch.of_cols, count * width),
            (&mut scratch.sums, count),
        ];
        for (values, len) in sizes {
            values.resize(len, 0.0);
        }
        let queries = Layout::rows(tile.queries[0] * dim, [count, dim]);
        for (part, table) in self.tables(tile) {
            let (values, of) = match part {
                Axis::Row => (&mut scratch.of_rows, &self.inputs.rel_h),
                Axis::Col => (&mut scratch.of_cols, &self.inputs.rel_w),
            };
            product(
                (values, table.bias),
                (&self.q, table.queries),
                (of, table.entries.transposed()),
                1.0,
                false,
            );
        }
        match &self.rounded {
            Some(rounded) => {
                rounded.logits(tile.queries, &mut scratch.rounded, &mut scratch.logits)
            }
            None => product(
                (&mut scratch.logits, Layout::rows(0, [count, keys])),
                (&self.q, queries),
                (&self.k, Layout::rows(0, [keys, dim]).transposed()),
                (dim as f32).powf(-0.5),
                false,
            ),
        }
        Arch::new().dispatch(Softmax {
            scratch,
            size: [height, width],
        });
    }

    /// The products of queries with the tables of relative positions.
    fn tables(&self, tile: Tile) -> impl Iterator<Item = (Axis, Table)> + use<> {
        let dim = self.dim();
        let ([height, width], cols) = (self.window.size, self.window.inside[1]);
        let count = tile.rows[1] - tile.rows[0];
        // Position `q` attends to `k` by entry `q - k + size - 1`: as `k` rises, entries fall.
        let entries = move |at: usize, size: usize| Layout {
            start: (at + size - 1) * dim,
            shape: [size, dim],
            row: -(dim as isize),
            col: 1,
        };
        let rows = (tile.rows[0]..tile.rows[1]).map(move |row| Table {
            queries: Layout::rows(row * cols * dim, [cols, dim]),
            bias: Layout::rows((row - tile.rows[0]) * cols * height, [cols, height]),
            entries: entries(row, height),
        });
        let cols = (0..cols).map(move |col| Table {
            queries: Layout {
                start: (tile.queries[0] + col) * dim,
                shape: [count, dim],
                row: (cols * dim) as isize,
                col: 1,
            },
            bias: Layout {
                start: col * width,
                shape: [count, width],
                row: (cols * width) as isize,
                col: 1,
            },
            entries: entries(col, width),
        });
        rows.map(|t| (Axis::Row, t))
            .chain(cols.map(|t| (Axis::Col, t)))
    }

    /// Gradients from those of the attended values, `[queries, dim]`.
    pub fn backward(&self, grad: &[f32], scratch: &mut Scratch) -> HeadGrads {
        let (dim, keys) = (self.dim(), self.window.keys());
        let scale = (dim as f32).powf(-0.5);
        let mut grads = HeadGrads {
            q: vec![0.0; self.q.len()],
            k: vec![0.0; self.k.len()],
            v: vec![0.0; self.v.len()],
            rel_h: vec![0.0; self.inputs.rel_h.len()],
            rel_w: vec![0.0; self.inputs.rel_w.len()],
        };
        let of_keys = Layout::rows(0, [keys, dim]);
        for tile in self.tiles() {
            let count = tile.queries[1] - tile.queries[0];
            let queries = Layout::rows(tile.queries[0] * dim, [count, dim]);
            let logits = Layout::rows(0, [count, keys]);
            self.weights(tile, scratch);
            scratch.grads.resize(count * keys, 0.0);
            // Gradients of the attention weights.
            product(
                (&mut scratch.grads, logits),
                (grad, queries),
                (&self.v, of_keys.transposed()),
                1.0,
                false,
            );
            let size = self.window.size;
            Arch::new().dispatch(SoftmaxBackward { scratch, size });
            product(
                (&mut grads.v, of_keys),
                (&scratch.logits, logits.transposed()),
                (grad, queries),
                1.0,
                true,
            );
            product(
                (&mut grads.q, queries),
                (&scratch.grads, logits),
                (&self.k, of_keys),
                scale,
                false,
            );
            product(
                (&mut grads.k, of_keys),
                (&scratch.grads, logits.transposed()),
                (&self.q, queries),
                scale,
                true,
            );
            self.add_table_grads(tile, scratch, &mut grads);
        }
        grads
    }

    /// Adds the gradients of a tile by way of the tables of relative positions.
    fn add_table_grads(&self, tile: Tile, scratch: &Scratch, grads: &mut HeadGrads) {
        for (axis, table) in self.tables(tile) {
            let (bias, entries, of) = match axis {
                Axis::Row => (&scratch.of_rows, &self.inputs.rel_h, &mut grads.rel_h),
                Axis::Col => (&scratch.of_cols, &self.inputs.rel_w, &mut grads.rel_w),
            };
            product(
                (&mut grads.q, table.queries),
                (bias, table.bias),
                (entries, table.entries),
                1.0,
                true,
            );
            product(
                (of, table.entries),
                (bias, table.bias.transposed()),
                (&self.q, table.queries),
                1.0,
                true,
            );
        }
    }
}

/// The axis of a table.
#[derive(Debug, Clone, Copy)]
enum Axis {
    Row,
    Col,
}

/// Queries at the same position along an axis, the table entries they attend by, and the resulting
/// biases.
struct Table {
    queries: Layout,
    bias: Layout,
    entries: Layout,
}

/// Adds the biases to the logits, replaces them by `e^(logit - maximum of the query)`, and puts the
/// sums into `sums`.
struct Softmax<'a> {
    scratch: &'a mut Scratch,
    size: [usize; 2],
}

impl WithSimd for Softmax<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        let ([height, width], s) = (self.size, self.scratch);
        let biases = s
            .of_rows
            .chunks_exact(height)
            .zip(s.of_cols.chunks_exact(width));
        let rows = s.logits.chunks_exact_mut(height * width).zip(biases);
        for ((logits, (of_rows, of_cols)), sum) in rows.zip(&mut s.sums) {
            for (row, of_row) in logits.chunks_exact_mut(width).zip(of_rows) {
                for (logit, of_col) in row.iter_mut().zip(of_cols) {
                    *logit += of_row + of_col;
                }
            }
            *sum = math::exp_sum(logits, math::max(logits));
        }
    }
}

/// From the results of [`Softmax`] and the gradients of the attention weights in `grads`: puts the
/// attention weights into `logits`, the gradients of the logits into `grads`, and those of the
/// biases into `of_rows` and `of_cols`.
struct SoftmaxBackward<'a> {
    scratch: &'a mut Scratch,
    size: [usize; 2],
}

impl WithSimd for SoftmaxBackward<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        let ([height, width], s) = (self.size, self.scratch);
        let keys = height * width;
        let rows = s
            .logits
            .chunks_exact_mut(keys)
            .zip(s.grads.chunks_exact_mut(keys));
        let of_cols = s.of_cols.chunks_exact_mut(width);
        let biases = s.of_rows.chunks_exact_mut(height).zip(of_cols);
        for (((weights, grads), (of_rows, of_cols)), sum) in rows.zip(biases).zip(&s.sums) {
            let share = 1.0 / sum;
            for weight in weights.iter_mut() {
                *weight *= share;
            }
            let mean = math::dot(weights, grads);
            for (grad, weight) in grads.iter_mut().zip(weights.iter()) {
                *grad = weight * (*grad - mean);
            }
            of_cols.fill(0.0);
            for (row, of_row) in grads.chunks_exact(width).zip(of_rows) {
                *of_row = math::sum(row);
                for (grad, of_col) in row.iter().zip(of_cols.iter_mut()) {
                    *of_col += grad;
                }
            }
        }
    }
}

//! Products of matrices inside slices.

#![allow(unsafe_code)]

use gemm::{Parallelism, gemm};

/// Layout of a matrix in a slice: entry `(i, j)` is at `start + i * row + j * col`.
#[derive(Debug, Clone, Copy)]
pub struct Layout {
    /// Index of the first entry.
    pub start: usize,
    /// Rows and columns.
    pub shape: [usize; 2],
    /// Distance from an entry to the one below.
    pub row: isize,
    /// Distance from an entry to the one on its right.
    pub col: isize,
}

impl Layout {
    /// Contiguous rows from `start` on.
    pub fn rows(start: usize, shape: [usize; 2]) -> Self {
        Self {
            start,
            shape,
            row: shape[1] as isize,
            col: 1,
        }
    }

    /// Rows and columns swapped.
    #[must_use]
    pub fn transposed(self) -> Self {
        Self {
            start: self.start,
            shape: [self.shape[1], self.shape[0]],
            row: self.col,
            col: self.row,
        }
    }

    /// # Panics
    /// If an entry is out of bounds of a slice of `len`.
    fn check(&self, len: usize) {
        let [rows, cols] = self.shape;
        if rows == 0 || cols == 0 {
            return;
        }
        let far = [
            self.row * (rows as isize - 1),
            self.col * (cols as isize - 1),
        ];
        let start = self.start as isize;
        let low = start + far.iter().map(|f| (*f).min(0)).sum::<isize>();
        let high = start + far.iter().map(|f| (*f).max(0)).sum::<isize>();
        assert!(
            low >= 0 && high < len as isize,
            "{self:?} is out of bounds of a slice of {len} values"
        );
    }
}

/// `out = scale * a b`, or `out += scale * a b` with `add`, on the calling thread.
///
/// # Panics
/// If the shapes do not match, or a matrix is out of bounds of its slice.
pub fn product(
    (out, to): (&mut [f32], Layout),
    (a, of): (&[f32], Layout),
    (b, by): (&[f32], Layout),
    scale: f32,
    add: bool,
) {
    to.check(out.len());
    of.check(a.len());
    by.check(b.len());
    let ([m, n], k) = (to.shape, of.shape[1]);
    assert!(
        of.shape == [m, k] && by.shape == [k, n],
        "shapes: {:?} times {:?} is not {:?}",
        of.shape,
        by.shape,
        to.shape
    );
    if m == 0 || n == 0 || k == 0 {
        return;
    }
    // SAFETY: every entry that the layouts name was checked to lie in its slice; `out` is borrowed
    // mutably, so that no other thread reads or writes it, and `gemm` writes nothing else.
    unsafe {
        gemm(
            m,
            n,
            k,
            out.as_mut_ptr().add(to.start),
            to.col,
            to.row,
            add,
            a.as_ptr().add(of.start),
            of.col,
            of.row,
            b.as_ptr().add(by.start),
            by.col,
            by.row,
            1.0,
            scale,
            false,
            false,
            false,
            Parallelism::None,
        );
    }
}

/// Columns of a matrix of rows of `width`, `cols` together: for each task the part of every row.
pub(crate) fn split_columns(matrix: &mut [f32], width: usize, cols: usize) -> Vec<Vec<&mut [f32]>> {
    let mut tasks = Vec::new();
    tasks.resize_with(width.div_ceil(cols), Vec::new);
    for row in matrix.chunks_exact_mut(width) {
        for (task, part) in tasks.iter_mut().zip(row.chunks_mut(cols)) {
            task.push(part);
        }
    }
    tasks
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn negative_strides() {
        let a = [1.0, 2.0, 3.0, 4.0];
        // Rows of `b` from the last to the first.
        let b = [1.0, 0.0, 0.0, 10.0];
        let reversed = Layout {
            start: 2,
            shape: [2, 2],
            row: -2,
            col: 1,
        };
        let square = Layout::rows(0, [2, 2]);
        let mut out = [1.0; 4];
        product((&mut out, square), (&a, square), (&b, reversed), 2.0, true);
        assert_eq!(out, [1.0 + 4.0, 1.0 + 20.0, 1.0 + 8.0, 1.0 + 60.0]);
        let transposed = square.transposed();
        product(
            (&mut out, square),
            (&a, transposed),
            (&a, square),
            1.0,
            false,
        );
        assert_eq!(out, [10.0, 14.0, 14.0, 20.0]);
    }

    #[test]
    #[should_panic(expected = "out of bounds of a slice of 4 values")]
    fn out_of_bounds_panics() {
        let (a, square) = ([1.0; 4], Layout::rows(0, [2, 2]));
        let mut out = [0.0; 4];
        let outside = Layout { start: 1, ..square };
        product((&mut out, square), (&a, square), (&a, outside), 1.0, false);
    }
}

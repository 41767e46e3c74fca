//! Value noise.

use crate::random::Random;

/// Knots on a side, after which the noise repeats.
const GRID: usize = 32;

/// Smooth noise over the quadrant of coordinates at least 0, `0..1`.
pub(super) struct Noise([f32; GRID * GRID]);

impl Noise {
    pub(super) fn new(rng: &mut Random) -> Self {
        Self(std::array::from_fn(|_| rng.unit()))
    }

    /// The random number of a cell.
    pub(super) fn knot(&self, column: usize, row: usize) -> f32 {
        self.0[row % GRID * GRID + column % GRID]
    }

    /// One octave.
    pub(super) fn at(&self, x: f32, y: f32) -> f32 {
        let (column, row) = (x as usize, y as usize);
        let fade = |t: f32| t * t * (3.0 - 2.0 * t);
        let (u, v) = (fade(x - column as f32), fade(y - row as f32));
        let knot = |dx: usize, dy: usize| self.knot(column + dx, row + dy);
        let top = knot(0, 0) + (knot(1, 0) - knot(0, 0)) * u;
        let bottom = knot(0, 1) + (knot(1, 1) - knot(0, 1)) * u;
        top + (bottom - top) * v
    }

    /// Two octaves.
    pub(super) fn rough(&self, x: f32, y: f32) -> f32 {
        0.67 * self.at(x, y) + 0.33 * self.at(2.0 * x + 7.0, 2.0 * y + 3.0)
    }
}

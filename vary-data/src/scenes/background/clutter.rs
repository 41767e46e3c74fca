//! Shapes that are no objects.

use super::super::canvas::Canvas;
use crate::random::Random;

/// Draws some large shapes, and with the probability `clutter` many small ones and marks like
/// letters.
pub(super) fn paint(canvas: &mut Canvas, clutter: f32, rng: &mut Random) {
    for _ in 0..rng.below(4) {
        shape(canvas, rng, 1.0);
    }
    if !rng.chance(clutter) {
        return;
    }
    for _ in 0..4 + rng.below(16) {
        shape(canvas, rng, 0.25);
    }
    for _ in 0..rng.below(4) {
        marks(canvas, rng);
    }
}

/// A row of marks, each of a few strokes between the knots of a small grid.
fn marks(canvas: &mut Canvas, rng: &mut Random) {
    let size = canvas.size as f32;
    let (height, colour) = (size * rng.range(0.03, 0.08), rng.colour());
    let (left, top) = (size * rng.unit(), size * rng.unit());
    let pen = (0.07 * height).max(0.5);
    for letter in 0..2 + rng.below(8) {
        let left = left + 0.7 * height * letter as f32;
        let mut knot = || {
            let (column, row) = (rng.below(3), rng.below(3));
            [
                left + 0.25 * height * column as f32,
                top + 0.5 * height * row as f32,
            ]
        };
        let mut from = knot();
        for _ in 0..3 {
            let to = knot();
            stroke(canvas, from, to, pen, colour);
            from = to;
        }
    }
}

/// A line with round ends, `2 pen` pixels wide.
fn stroke(canvas: &mut Canvas, from: [f32; 2], to: [f32; 2], pen: f32, colour: [f32; 3]) {
    let half = [0, 1].map(|axis| (to[axis] - from[axis]) / 2.0);
    let centre = [0, 1].map(|axis| from[axis] + half[axis]);
    let square = half[0] * half[0] + half[1] * half[1];
    canvas.stamp(centre, square.sqrt() + pen + 1.0, colour, |x, y| {
        let along = (x * half[0] + y * half[1]) / square.max(1e-6);
        let along = along.clamp(-1.0, 1.0);
        let (dx, dy) = (x - along * half[0], y - along * half[1]);
        (pen + 0.5 - (dx * dx + dy * dy).sqrt()).clamp(0.0, 1.0)
    });
}

/// A line, circle or rectangle, filled or not, at any angle; `scale` 1 is large.
fn shape(canvas: &mut Canvas, rng: &mut Random, scale: f32) {
    let size = canvas.size as f32;
    let centre = [size * rng.unit(), size * rng.unit()];
    let size = size * scale;
    let [dx, dy] = rng.direction();
    let (alpha, colour) = (rng.range(0.4, 1.0), rng.colour());
    let pen = if rng.chance(0.5) {
        size * rng.range(0.01, 0.03)
    } else {
        f32::INFINITY
    };
    let (half_width, half_height, radius) = match rng.below(3) {
        0 => (
            size * rng.range(0.05, 0.4),
            0.0,
            size * rng.range(0.004, 0.02),
        ),
        1 => (0.0, 0.0, size * rng.range(0.03, 0.18)),
        _ => (
            size * rng.range(0.03, 0.18),
            size * rng.range(0.03, 0.18),
            0.0,
        ),
    };
    let diagonal = (half_width * half_width + half_height * half_height).sqrt();
    canvas.stamp(centre, diagonal + radius + 1.0, colour, |x, y| {
        // Signed distance to a box with rounded corners, of which all three are cases.
        let along = (x * dx + y * dy).abs() - half_width;
        let across = (y * dx - x * dy).abs() - half_height;
        let (a, b) = (along.max(0.0), across.max(0.0));
        let distance = (a * a + b * b).sqrt() + along.max(across).min(0.0) - radius;
        alpha * (0.5 - distance.max(-pen - distance)).clamp(0.0, 1.0)
    });
}

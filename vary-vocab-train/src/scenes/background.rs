//! What is behind the objects.

use super::canvas::{Canvas, mix};
use super::random::Random;

/// Covers the canvas with a random background and random shapes that are no objects.
pub(super) fn paint(canvas: &mut Canvas, rng: &mut Random) {
    let (a, b) = (rng.colour(), rng.colour());
    match rng.below(7) {
        0 => canvas.fill(|_, _| a),
        1 => linear(canvas, rng, a, b),
        2 => radial(canvas, rng, a, b),
        3 => stripes(canvas, rng, a, b),
        4 => checks(canvas, rng, a, b),
        5 => blobs(canvas, rng, a),
        _ => clouds(canvas, rng, a, b),
    }
    for _ in 0..rng.below(6) {
        shape(canvas, rng);
    }
}

fn linear(canvas: &mut Canvas, rng: &mut Random, a: [f32; 3], b: [f32; 3]) {
    let [dx, dy] = rng.direction();
    let half = canvas.size as f32 / 2.0;
    let slope = 0.5 / half;
    canvas.fill(|x, y| {
        let t = 0.5 + slope * ((x - half) * dx + (y - half) * dy);
        mix(a, b, t.clamp(0.0, 1.0))
    });
}

fn radial(canvas: &mut Canvas, rng: &mut Random, a: [f32; 3], b: [f32; 3]) {
    let size = canvas.size as f32;
    let (cx, cy, radius) = (
        size * rng.unit(),
        size * rng.unit(),
        size * rng.range(0.4, 1.2),
    );
    canvas.fill(|x, y| {
        let square = (x - cx) * (x - cx) + (y - cy) * (y - cy);
        mix(a, b, (square.sqrt() / radius).min(1.0))
    });
}

/// A wave of period 1 that goes from -1 to 1 and back within about a pixel, `period` pixels long.
fn square_wave(t: f32, period: f32) -> f32 {
    let to_edge = ((t - t.floor()) - 0.5).abs() - 0.25;
    (2.0 * to_edge * period).clamp(-1.0, 1.0)
}

fn stripes(canvas: &mut Canvas, rng: &mut Random, a: [f32; 3], b: [f32; 3]) {
    let [dx, dy] = rng.direction();
    let period = canvas.size as f32 * rng.range(0.06, 0.4);
    let phase = rng.unit();
    canvas.fill(|x, y| {
        let wave = square_wave((x * dx + y * dy) / period + phase, period);
        mix(a, b, 0.5 + 0.5 * wave)
    });
}

fn checks(canvas: &mut Canvas, rng: &mut Random, a: [f32; 3], b: [f32; 3]) {
    let [dx, dy] = if rng.chance(0.5) {
        [1.0, 0.0]
    } else {
        rng.direction()
    };
    let period = canvas.size as f32 * rng.range(0.1, 0.5);
    let (p, q) = (rng.unit(), rng.unit());
    canvas.fill(|x, y| {
        let along = square_wave((x * dx + y * dy) / period + p, period);
        let across = square_wave((y * dx - x * dy) / period + q, period);
        mix(a, b, 0.5 + 0.5 * along * across)
    });
}

fn blobs(canvas: &mut Canvas, rng: &mut Random, ground: [f32; 3]) {
    canvas.fill(|_, _| ground);
    let size = canvas.size as f32;
    for _ in 0..4 + rng.below(8) {
        let centre = [size * rng.unit(), size * rng.unit()];
        let (reach, strength) = (size * rng.range(0.1, 0.5), rng.range(0.4, 1.0));
        let scale = 1.0 / (reach * reach);
        canvas.stamp(centre, reach, rng.colour(), |dx, dy| {
            let fall = (1.0 - (dx * dx + dy * dy) * scale).max(0.0);
            strength * fall * fall
        });
    }
}

/// Two octaves of value noise.
fn clouds(canvas: &mut Canvas, rng: &mut Random, a: [f32; 3], b: [f32; 3]) {
    const GRID: usize = 32;
    let cells = rng.range(2.0, 12.0);
    let lattice: [f32; GRID * GRID] = std::array::from_fn(|_| rng.unit());
    let at = |x: f32, y: f32| {
        let (column, row) = (x as usize, y as usize);
        let fade = |t: f32| t * t * (3.0 - 2.0 * t);
        let (u, v) = (fade(x - column as f32), fade(y - row as f32));
        let knot = |dx: usize, dy: usize| lattice[(row + dy) % GRID * GRID + (column + dx) % GRID];
        let top = knot(0, 0) + (knot(1, 0) - knot(0, 0)) * u;
        let bottom = knot(0, 1) + (knot(1, 1) - knot(0, 1)) * u;
        top + (bottom - top) * v
    };
    let scale = cells / canvas.size as f32;
    canvas.fill(|x, y| {
        let (x, y) = (x * scale, y * scale);
        mix(
            a,
            b,
            0.67 * at(x, y) + 0.33 * at(2.0 * x + 7.0, 2.0 * y + 3.0),
        )
    });
}

/// A line, circle or rectangle, filled or not, at any angle.
fn shape(canvas: &mut Canvas, rng: &mut Random) {
    let size = canvas.size as f32;
    let centre = [size * rng.unit(), size * rng.unit()];
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

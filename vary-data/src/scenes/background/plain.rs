//! Plain backgrounds.

use super::super::canvas::{Canvas, mix};
use super::noise::Noise;
use crate::random::Random;

pub(super) fn linear(canvas: &mut Canvas, rng: &mut Random, a: [f32; 3], b: [f32; 3]) {
    let [dx, dy] = rng.direction();
    let half = canvas.size as f32 / 2.0;
    let slope = 0.5 / half;
    canvas.fill(|x, y| {
        let t = 0.5 + slope * ((x - half) * dx + (y - half) * dy);
        mix(a, b, t.clamp(0.0, 1.0))
    });
}

pub(super) fn radial(canvas: &mut Canvas, rng: &mut Random, a: [f32; 3], b: [f32; 3]) {
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

pub(super) fn stripes(canvas: &mut Canvas, rng: &mut Random, a: [f32; 3], b: [f32; 3]) {
    let [dx, dy] = rng.direction();
    let period = canvas.size as f32 * rng.range(0.06, 0.4);
    let phase = rng.unit();
    canvas.fill(|x, y| {
        let wave = square_wave((x * dx + y * dy) / period + phase, period);
        mix(a, b, 0.5 + 0.5 * wave)
    });
}

pub(super) fn checks(canvas: &mut Canvas, rng: &mut Random, a: [f32; 3], b: [f32; 3]) {
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

pub(super) fn blobs(canvas: &mut Canvas, rng: &mut Random, ground: [f32; 3]) {
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

pub(super) fn clouds(canvas: &mut Canvas, rng: &mut Random, a: [f32; 3], b: [f32; 3]) {
    let scale = rng.range(2.0, 12.0) / canvas.size as f32;
    let noise = Noise::new(rng);
    canvas.fill(|x, y| mix(a, b, noise.rough(x * scale, y * scale)));
}

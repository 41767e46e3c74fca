//! Backgrounds like photos taken outdoors.

use super::super::canvas::{Canvas, mix};
use super::noise::Noise;
use super::tint::{near, shade};
use crate::random::Random;

/// Sky from the zenith to the horizon, clouds in it.
fn sky(canvas: &mut Canvas, rng: &mut Random) {
    let top = near([0.3, 0.55, 0.88], 0.12, rng);
    let low = near([0.8, 0.88, 0.95], 0.08, rng);
    let (noise, cloud) = (Noise::new(rng), rng.range(0.0, 1.5));
    let scale = 1.0 / canvas.size as f32;
    canvas.fill(|x, y| {
        let (x, y) = (x * scale, y * scale);
        let white = cloud * (noise.rough(3.0 * x, 7.0 * y) - 0.5);
        mix(mix(top, low, y), [0.97; 3], white.clamp(0.0, 0.9))
    });
}

/// Hills one before the other under the sky.
pub(super) fn landscape(canvas: &mut Canvas, rng: &mut Random) {
    sky(canvas, rng);
    let size = canvas.size;
    let haze = near([0.6, 0.7, 0.8], 0.08, rng);
    let ground = near([0.35, 0.48, 0.2], 0.14, rng);
    let noise = Noise::new(rng);
    let (mut level, ranges) = (rng.range(0.3, 0.5), 2 + rng.below(3));
    for range in 1..=ranges {
        let t = range as f32 / ranges as f32;
        let (colour, grain) = (mix(haze, ground, t), 0.35 * t);
        let (width, height) = (rng.range(2.0, 6.0), rng.range(0.08, 0.25) * (1.2 - t));
        for x in 0..size {
            let u = x as f32 / size as f32;
            let crest = level - height * noise.rough(width * u, 5.0 * range as f32);
            for y in ((crest.max(0.0) * size as f32) as usize).min(size)..size {
                let v = y as f32 / size as f32;
                let texture = noise.rough(24.0 * u, 40.0 * v);
                canvas.pixels[y * size + x] = shade(colour, 1.0 + grain * (texture - 0.5));
            }
        }
        level += rng.range(0.08, 0.2);
    }
}

/// Houses behind a kerb and a carriageway.
pub(super) fn street(canvas: &mut Canvas, rng: &mut Random) {
    sky(canvas, rng);
    let size = canvas.size as f32;
    let ground = size * rng.range(0.45, 0.65);
    let mut left = -size * rng.range(0.0, 0.2);
    while left < size {
        let right = left + size * rng.range(0.15, 0.4);
        house(
            canvas,
            [left, ground * rng.range(0.1, 0.7), right, ground],
            rng,
        );
        left = right + size * rng.range(0.0, 0.04);
    }
    let (noise, grey) = (Noise::new(rng), rng.range(0.25, 0.45));
    let kerb = ground + size * rng.range(0.04, 0.1);
    let dashes = kerb + size * rng.range(0.12, 0.25);
    let (phase, scale) = (rng.unit(), 40.0 / size);
    for (i, pixel) in canvas.pixels.iter_mut().enumerate() {
        let (x, y) = (
            (i % canvas.size) as f32 + 0.5,
            (i / canvas.size) as f32 + 0.5,
        );
        if y < ground {
            continue;
        }
        let dash = (x / size * 4.0 + phase) % 1.0 < 0.5;
        let tone = if y < kerb {
            grey + 0.25
        } else if y < kerb + 0.012 * size {
            grey + 0.4
        } else if dash && (y - dashes).abs() < 0.012 * size {
            0.85
        } else {
            grey
        };
        *pixel = [tone + 0.14 * (noise.rough(x * scale, y * scale) - 0.5); 3];
    }
}

/// A front with rows of windows.
fn house(canvas: &mut Canvas, [x1, y1, x2, y2]: [f32; 4], rng: &mut Random) {
    let wall = near([0.62, 0.52, 0.46], 0.22, rng);
    canvas.rectangle([x1, y1, x2, y2], wall);
    let pane = near([0.3, 0.38, 0.46], 0.15, rng);
    let step = canvas.size as f32 * rng.range(0.06, 0.1);
    let (columns, rows) = (((x2 - x1) / step) as usize, ((y2 - y1) / step) as usize);
    for row in 0..rows {
        for column in 0..columns {
            let x = x1 + step * (column as f32 + 0.3);
            let y = y1 + step * (row as f32 + 0.25);
            let pane = if rng.chance(0.15) {
                [0.9, 0.82, 0.5]
            } else {
                pane
            };
            canvas.rectangle([x, y, x + 0.45 * step, y + 0.6 * step], pane);
        }
    }
}

/// A lawn seen from above.
pub(super) fn grass(canvas: &mut Canvas, rng: &mut Random) {
    let size = canvas.size as f32;
    let green = near([0.3, 0.5, 0.16], 0.1, rng);
    let noise = Noise::new(rng);
    let (patches, blades) = (rng.range(2.0, 5.0) / size, rng.range(40.0, 70.0) / size);
    canvas.fill(|x, y| {
        let patch = noise.rough(x * patches, y * patches);
        let blade = noise.rough(x * blades * 1.5, y * blades * 0.5);
        shade(green, 0.45 + 0.5 * patch + 0.7 * blade)
    });
}

/// Ripples.
pub(super) fn water(canvas: &mut Canvas, rng: &mut Random) {
    let size = canvas.size as f32;
    let deep = near([0.1, 0.34, 0.5], 0.1, rng);
    let bright = near([0.65, 0.85, 0.9], 0.1, rng);
    let noise = Noise::new(rng);
    let (across, along) = (rng.range(5.0, 9.0) / size, rng.range(16.0, 30.0) / size);
    canvas.fill(|x, y| {
        let swell = noise.rough(x * across, y * along);
        // Light gathers in thin lines where the noise crosses its middle.
        let line = 1.0 - (6.0 * (swell - 0.5)).abs().min(1.0);
        mix(deep, bright, 0.3 * swell + 0.55 * line * line)
    });
}

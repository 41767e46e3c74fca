//! Backgrounds like photos taken indoors.

use super::super::canvas::{Canvas, mix};
use super::noise::Noise;
use super::tint::{near, shade};
use crate::random::Random;

/// A wall with a window, skirting and a floor of boards.
pub(super) fn room(canvas: &mut Canvas, rng: &mut Random, a: [f32; 3], b: [f32; 3]) {
    let size = canvas.size as f32;
    let (wall, floor) = (mix(a, [0.85; 3], 0.6), mix(b, [0.5, 0.35, 0.22], 0.7));
    let edge = size * rng.range(0.55, 0.8);
    let skirting = edge - size * rng.range(0.02, 0.05);
    let (noise, boards) = (Noise::new(rng), rng.range(4.0, 9.0));
    canvas.fill(|x, y| {
        let (u, v) = (x / size, y / size);
        if y < skirting {
            return shade(wall, 1.05 - 0.2 * u - 0.05 * noise.at(4.0 * u, 4.0 * v));
        }
        if y < edge {
            return shade(wall, 1.25);
        }
        // Boards run towards the viewer, so they spread with the distance below the edge.
        let spread = 1.0 + 1.5 * (y - edge) / size;
        let board = ((u - 0.5) / spread + 1.0) * boards;
        let tone = noise.knot(board as usize, 3) + 0.5 * noise.rough(12.0 * board, 3.0 * v);
        let joint = if board % 1.0 < 0.05 { 0.7 } else { 1.0 };
        shade(floor, joint * (0.75 + 0.3 * tone))
    });
    if rng.chance(0.7) {
        window(canvas, skirting, rng);
    }
}

/// A window of four panes above `floor`.
fn window(canvas: &mut Canvas, floor: f32, rng: &mut Random) {
    let size = canvas.size as f32;
    let (width, height) = (size * rng.range(0.2, 0.45), floor * rng.range(0.4, 0.7));
    let (x, y) = (
        (size - width) * rng.unit(),
        0.8 * (floor - height) * rng.unit(),
    );
    let sky = near([0.7, 0.84, 0.96], 0.08, rng);
    let bar = 0.015 * size;
    canvas.rectangle([x, y, x + width, y + height], [0.94; 3]);
    for (column, row) in [(0.0, 0.0), (1.0, 0.0), (0.0, 1.0), (1.0, 1.0)] {
        let (w, h) = (0.5 * (width - bar), 0.5 * (height - bar));
        let (left, top) = (x + bar + column * w, y + bar + row * h);
        canvas.rectangle([left, top, left + w - bar, top + h - bar], sky);
    }
}

/// A table top of planks.
pub(super) fn wood(canvas: &mut Canvas, rng: &mut Random) {
    let size = canvas.size as f32;
    let brown = near([0.62, 0.42, 0.24], 0.15, rng);
    let (noise, planks) = (Noise::new(rng), rng.range(2.0, 6.0));
    let upright = rng.chance(0.5);
    canvas.fill(|x, y| {
        let (u, v) = if upright {
            (y / size, x / size)
        } else {
            (x / size, y / size)
        };
        let plank = v * planks;
        let own = noise.knot(plank as usize, 9);
        let wave = noise.at(3.0 * u + 20.0 * own, 2.0 * plank);
        let grain = noise.rough(4.0 * u + 9.0 * own, 7.0 * plank + 6.0 * wave);
        let joint = if plank % 1.0 < 0.03 { 0.5 } else { 1.0 };
        shade(brown, joint * (0.7 + 0.25 * own + 0.4 * grain))
    });
}

/// Lights out of focus.
pub(super) fn bokeh(canvas: &mut Canvas, rng: &mut Random, a: [f32; 3]) {
    let size = canvas.size as f32;
    let (dark, far) = (shade(a, 0.15), shade(a, 0.45));
    canvas.fill(|_, y| mix(dark, far, y / size));
    for _ in 0..12 + rng.below(20) {
        let centre = [size * rng.unit(), size * rng.unit()];
        let (radius, strength) = (size * rng.range(0.02, 0.1), rng.range(0.15, 0.7));
        let light = mix(rng.colour(), [1.0, 0.85, 0.6], 0.5);
        canvas.stamp(centre, radius + 1.0, light, |x, y| {
            let from_edge = radius - (x * x + y * y).sqrt();
            // Brightest at the rim, as lenses draw it.
            let rim = 1.0 - 0.4 * (from_edge / radius).clamp(0.0, 1.0);
            strength * rim * (0.5 + 0.5 * from_edge).clamp(0.0, 1.0)
        });
    }
}

/// A weave, or paper if the threads hardly show.
pub(super) fn fabric(canvas: &mut Canvas, rng: &mut Random, a: [f32; 3], b: [f32; 3]) {
    let [dx, dy] = rng.direction();
    let size = canvas.size as f32;
    let (noise, thread, depth) = (Noise::new(rng), rng.range(3.0, 6.0), rng.range(0.05, 0.5));
    let triangle = |t: f32| 2.0 * ((t - t.floor()) - 0.5).abs();
    let (folds, dye) = (rng.range(1.5, 4.0) / size, mix(a, b, 0.2));
    canvas.fill(|x, y| {
        let warp = triangle((x * dx + y * dy) / thread);
        let weft = triangle((y * dx - x * dy) / thread);
        let fold = noise.at(x * folds, y * folds);
        let fibre = noise.at(x * 0.9, y * 0.9);
        shade(
            dye,
            0.7 + 0.3 * fold + 0.12 * fibre + depth * (warp.max(weft) - 0.7),
        )
    });
}

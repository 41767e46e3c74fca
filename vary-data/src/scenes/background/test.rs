//! Backgrounds that no training scene has.

use super::super::canvas::{Canvas, mix};
use super::noise::Noise;
use super::tint::{near, shade};
use crate::random::Random;

/// A wall of bricks in running bond.
pub(super) fn bricks(canvas: &mut Canvas, rng: &mut Random) {
    let size = canvas.size as f32;
    let clay = near([0.6, 0.28, 0.2], 0.14, rng);
    let mortar = [rng.range(0.55, 0.85); 3];
    let (noise, courses) = (Noise::new(rng), rng.range(8.0, 16.0));
    canvas.fill(|x, y| {
        let v = y / size * courses;
        let course = v as usize;
        let u = x / size * courses * 0.42 + 0.5 * (course % 2) as f32;
        let (along, across) = (u % 1.0, v % 1.0);
        let grain = noise.rough(x * 0.5, y * 0.5);
        if along < 0.05 || across < 0.12 {
            return shade(mortar, 0.9 + 0.2 * grain);
        }
        let own = noise.knot(u as usize, course);
        shade(clay, 0.65 + 0.45 * own + 0.3 * grain)
    });
}

/// Small tiles of four colours at random.
pub(super) fn mosaic(canvas: &mut Canvas, rng: &mut Random) {
    let size = canvas.size as f32;
    let glazes: [[f32; 3]; 4] = std::array::from_fn(|_| rng.colour());
    let (noise, tiles) = (Noise::new(rng), rng.range(10.0, 22.0));
    let joint = [rng.range(0.2, 0.9); 3];
    canvas.fill(|x, y| {
        let (u, v) = (x / size * tiles, y / size * tiles);
        if u % 1.0 < 0.14 || v % 1.0 < 0.14 {
            return joint;
        }
        let own = noise.knot(u as usize, v as usize);
        // The second digit of the number of a tile is its lightness.
        let light = (own * 4.0) % 1.0;
        shade(glazes[(own * 4.0) as usize % 4], 0.8 + 0.35 * light)
    });
}

/// The sun low above the sea.
pub(super) fn sunset(canvas: &mut Canvas, rng: &mut Random) {
    let size = canvas.size as f32;
    let (horizon, sun) = (rng.range(0.4, 0.65), rng.range(0.2, 0.8));
    let (height, radius) = (horizon - rng.range(-0.02, 0.15), rng.range(0.05, 0.1));
    let high = near([0.32, 0.2, 0.45], 0.1, rng);
    let low = near([0.98, 0.55, 0.25], 0.1, rng);
    let sea = near([0.12, 0.14, 0.28], 0.06, rng);
    let noise = Noise::new(rng);
    canvas.fill(|x, y| {
        let (u, v) = (x / size, y / size);
        if v < horizon {
            let (dx, dy) = (u - sun, v - height);
            let disc = (radius - (dx * dx + dy * dy).sqrt()) * size;
            let glow = mix(high, low, v / horizon);
            return mix(glow, [1.0, 0.9, 0.6], disc.clamp(0.0, 1.0));
        }
        let depth = (v - horizon) / (1.0 - horizon);
        let wave = noise.rough(6.0 * u, 30.0 * v);
        let path = (1.0 - (u - sun).abs() / (0.06 + 0.25 * depth)).max(0.0);
        let light = 0.35 * (1.0 - depth) + 0.9 * path * (2.0 * wave - 0.5).clamp(0.0, 1.0);
        mix(sea, low, light.min(1.0))
    });
}

/// Veins in pale stone.
pub(super) fn marble(canvas: &mut Canvas, rng: &mut Random, a: [f32; 3]) {
    let size = canvas.size as f32;
    let stone = mix(a, [0.92; 3], 0.75);
    let vein = mix(a, [0.25; 3], 0.6);
    let (noise, bend, scale) = (
        Noise::new(rng),
        rng.range(1.0, 3.0),
        rng.range(2.0, 5.0) / size,
    );
    canvas.fill(|x, y| {
        let (u, v) = (x * scale, y * scale);
        let warped = noise.rough(
            u + bend * noise.at(u + 9.0, v),
            v + bend * noise.at(u, v + 5.0),
        );
        let ridge = 1.0 - (9.0 * (warped - 0.5)).abs().min(1.0);
        mix(
            stone,
            vein,
            0.75 * ridge * ridge * ridge + 0.25 * (1.0 - warped),
        )
    });
}

/// A honeycomb of shades between two colours.
pub(super) fn hexagons(canvas: &mut Canvas, rng: &mut Random, a: [f32; 3], b: [f32; 3]) {
    const SQRT_3: f32 = 1.732_050_8;
    let step = canvas.size as f32 * rng.range(0.08, 0.2);
    let (noise, gap) = (Noise::new(rng), rng.range(0.02, 0.1));
    canvas.fill(|x, y| {
        let (x, y) = (x / step, y / step);
        // The centres are those of two rectangular lattices; the nearest one owns the pixel.
        let [near, far] = [0.0, 0.5].map(|shift| {
            let column = (x + shift).floor();
            let row = (y / SQRT_3 + shift).floor();
            let dx = x - (column + 0.5 - shift);
            let dy = y - (row + 0.5 - shift) * SQRT_3;
            (
                dx,
                dy,
                2 * column as usize,
                2 * row as usize + (shift > 0.0) as usize,
            )
        });
        let square = |cell: (f32, f32, usize, usize)| cell.0 * cell.0 + cell.1 * cell.1;
        let (dx, dy, column, row) = if square(near) < square(far) {
            near
        } else {
            far
        };
        let reach = dx.abs().max(0.5 * dx.abs() + 0.5 * SQRT_3 * dy.abs());
        let tile = mix(a, b, noise.knot(column, row));
        if 0.5 - reach < gap {
            shade(tile, 0.5)
        } else {
            tile
        }
    });
}

//! A sprite as it will lie in the image.

use super::atlas::Atlas;
use super::colour::Colour;
use super::config::SceneConfig;
use crate::random::Random;

/// Pixels at least this opaque belong to the object.
pub(super) const SOLID: f32 = 0.3;

/// A warped sprite, premultiplied RGBA in `0..=1`.
#[derive(Default)]
pub(super) struct Patch {
    pub(super) width: usize,
    pub(super) height: usize,
    pub(super) pixels: Vec<[f32; 4]>,
    /// Bounds `x1, y1, x2, y2` of the solid pixels within the patch.
    pub(super) bounds: [usize; 4],
    /// Number of solid pixels.
    pub(super) solid: usize,
}

impl Patch {
    /// Draws a sprite of `class` in `colour`, if there is one, with its longest side `side` pixels,
    /// stretched, turned and tinted at random, at a random fraction of a pixel.
    pub(super) fn warp(
        &mut self,
        config: &SceneConfig,
        atlas: &Atlas,
        class: usize,
        colour: Option<Colour>,
        side: f32,
        rng: &mut Random,
    ) {
        let variant = rng.below(atlas.sprites(class).len());
        let paint = colour.zip(atlas.body(class, variant));
        let (width, height) = atlas.sprites(class)[variant].dimensions();
        let (width, height) = (width as f32, height as f32);
        let stretch = 1.0 + rng.around(config.aspect_jitter);
        let scale = side / (width * stretch).max(height);
        let mirror = if config.flip && rng.chance(0.5) {
            -1.0
        } else {
            1.0
        };
        let (scale_x, scale_y) = (scale * stretch, scale);
        let [cos, sin] = turn(rng.around(config.rotation));
        let tint = Tint::new(config, rng);

        // The level whose pixels come nearest in size to those of the image.
        let levels = atlas.pyramid(class, variant);
        let (mut depth, mut shrink, mut finest) = (0, 1.0, scale_x.min(scale_y));
        while finest < std::f32::consts::FRAC_1_SQRT_2 && depth + 1 < levels.len() {
            (depth, shrink, finest) = (depth + 1, shrink * 0.5, finest * 2.0);
        }
        let level = &levels[depth];

        let (half_x, half_y) = (0.5 * width * scale_x, 0.5 * height * scale_y);
        let reach_x = cos.abs() * half_x + sin.abs() * half_y;
        let reach_y = sin.abs() * half_x + cos.abs() * half_y;
        let patch_width = (2.0 * reach_x).ceil() as usize + 3;
        let patch_height = (2.0 * reach_y).ceil() as usize + 3;
        let (centre_x, centre_y) = (reach_x + 1.0 + rng.unit(), reach_y + 1.0 + rng.unit());
        let (step_x, step_y) = (mirror * shrink / scale_x, shrink / scale_y);
        self.fill(patch_width, patch_height, |x, y| {
            let (dx, dy) = (x - centre_x, y - centre_y);
            let u = (cos * dx + sin * dy) * step_x + 0.5 * width * shrink;
            let v = (cos * dy - sin * dx) * step_y + 0.5 * height * shrink;
            let mut pixel = level.sample(u, v);
            if let Some((colour, body)) = paint {
                pixel = body.recolour(colour, pixel);
            }
            tint.apply(pixel)
        });
    }

    /// Sets size and pixels: `pixel` returns premultiplied RGBA at the centre of a pixel.
    fn fill(&mut self, width: usize, height: usize, pixel: impl Fn(f32, f32) -> [f32; 4]) {
        (self.width, self.height) = (width, height);
        self.pixels.clear();
        self.solid = 0;
        self.bounds = [width, height, 0, 0];
        for y in 0..height {
            for x in 0..width {
                let pixel = pixel(x as f32 + 0.5, y as f32 + 0.5);
                if pixel[3] >= SOLID {
                    self.solid += 1;
                    let [x1, y1, x2, y2] = self.bounds;
                    self.bounds = [x1.min(x), y1.min(y), x2.max(x + 1), y2.max(y + 1)];
                }
                self.pixels.push(pixel);
            }
        }
    }
}

/// Change of brightness and saturation.
struct Tint {
    brightness: f32,
    saturation: f32,
}

impl Tint {
    fn new(config: &SceneConfig, rng: &mut Random) -> Self {
        Self {
            brightness: 1.0 + rng.around(config.brightness),
            saturation: 1.0 + rng.around(config.saturation),
        }
    }

    fn apply(&self, [r, g, b, a]: [f32; 4]) -> [f32; 4] {
        let luma = 0.299 * r + 0.587 * g + 0.114 * b;
        let [r, g, b] = [r, g, b]
            .map(|c| ((luma + (c - luma) * self.saturation) * self.brightness).clamp(0.0, a));
        [r, g, b, a]
    }
}

/// Cosine and sine of an angle in `-180..=180` degrees, to about 1e-6, the same on every machine
/// (those of the standard library are not).
fn turn(degrees: f32) -> [f32; 2] {
    let half = degrees * (std::f32::consts::PI / 360.0);
    let q = half * half;
    // Taylor series in Horner's form, to half^11 and half^12.
    let series = |factors: [f32; 5]| factors.iter().rev().fold(1.0, |sum, f| 1.0 - q / f * sum);
    let sin = half * series([6.0, 20.0, 42.0, 72.0, 110.0]);
    let cos = 1.0 - q / 2.0 * series([12.0, 30.0, 56.0, 90.0, 132.0]);
    [cos * cos - sin * sin, 2.0 * sin * cos]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn turn_is_cosine_and_sine() {
        for degrees in -180..=180 {
            let exact = f64::from(degrees).to_radians();
            let [cos, sin] = turn(degrees as f32);
            assert!(
                (f64::from(cos) - exact.cos()).abs() < 1e-6,
                "cosine of {degrees}"
            );
            assert!(
                (f64::from(sin) - exact.sin()).abs() < 1e-6,
                "sine of {degrees}"
            );
        }
    }
}

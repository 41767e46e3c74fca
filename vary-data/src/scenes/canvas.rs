//! The image while it is painted.

use image::RgbImage;

use crate::random::Random;

/// A square image, RGB in `0..=1`, row by row.
pub(crate) struct Canvas {
    pub(crate) size: usize,
    pub(crate) pixels: Vec<[f32; 3]>,
}

impl Canvas {
    pub(crate) fn new(size: usize) -> Self {
        Self {
            size,
            pixels: vec![[0.0; 3]; size * size],
        }
    }

    /// Paints every pixel with `colour(x, y)` of its centre.
    pub(crate) fn fill(&mut self, colour: impl Fn(f32, f32) -> [f32; 3]) {
        for (y, row) in self.pixels.chunks_exact_mut(self.size).enumerate() {
            for (x, pixel) in row.iter_mut().enumerate() {
                *pixel = colour(x as f32 + 0.5, y as f32 + 0.5);
            }
        }
    }

    /// Paints the pixels whose centres lie in `x1, y1, x2, y2`, one colour.
    pub(crate) fn rectangle(&mut self, edges: [f32; 4], colour: [f32; 3]) {
        let [x1, y1, x2, y2] = edges.map(|edge| (edge + 0.5).max(0.0) as usize);
        let columns = x1.min(self.size)..x2.clamp(x1.min(self.size), self.size);
        for y in y1..y2.min(self.size) {
            self.pixels[y * self.size..][columns.clone()].fill(colour);
        }
    }

    /// Lays `colour` over the square of half side `reach` about `centre`, as far as
    /// `cover(dx, dy)` in `0..=1` returns; `dx` and `dy` count from the centre.
    pub(crate) fn stamp(
        &mut self,
        centre: [f32; 2],
        reach: f32,
        colour: [f32; 3],
        cover: impl Fn(f32, f32) -> f32,
    ) {
        let span = |c: f32| {
            let end = ((c + reach).ceil().max(0.0) as usize).min(self.size);
            ((c - reach).max(0.0) as usize).min(end)..end
        };
        let (columns, rows) = (span(centre[0]), span(centre[1]));
        for y in rows {
            let row = &mut self.pixels[y * self.size..][columns.clone()];
            let dy = y as f32 + 0.5 - centre[1];
            for (x, pixel) in columns.clone().zip(row) {
                let alpha = cover(x as f32 + 0.5 - centre[0], dy);
                *pixel = mix(*pixel, colour, alpha);
            }
        }
    }

    /// Blurs with the taps `[weight, 1 - 2 weight, weight]` both ways; the edge repeats.
    pub(crate) fn blur(&mut self, weight: f32) {
        let (size, heart) = (self.size, 1.0 - 2.0 * weight);
        let tap = |before: [f32; 3], here: [f32; 3], after: [f32; 3]| {
            std::array::from_fn(|c| heart * here[c] + weight * (before[c] + after[c]))
        };
        for row in self.pixels.chunks_exact_mut(size) {
            let mut before = row[0];
            for x in 0..size {
                let (here, after) = (row[x], row[(x + 1).min(size - 1)]);
                row[x] = tap(before, here, after);
                before = here;
            }
        }
        let mut above = self.pixels[..size].to_vec();
        for y in 0..size {
            let below = (y + 1).min(size - 1);
            for (x, above) in above.iter_mut().enumerate() {
                let here = self.pixels[y * size + x];
                self.pixels[y * size + x] = tap(*above, here, self.pixels[below * size + x]);
                *above = here;
            }
        }
    }

    /// The image times `gain`, plus noise with the standard deviation `sigma`, as bytes.
    pub(crate) fn develop(&self, gain: f32, sigma: f32, rng: &mut Random) -> RgbImage {
        let salt = rng.bits();
        let side = self.size as u32;
        let mut image = RgbImage::new(side, side);
        let (gain, sigma) = (gain * 255.0, sigma * 255.0);
        for (i, (bytes, pixel)) in image.chunks_exact_mut(3).zip(&self.pixels).enumerate() {
            let noise = noise(salt.wrapping_add(i as u64));
            for c in 0..3 {
                bytes[c] = (gain * pixel[c] + sigma * noise[c] + 0.5) as u8;
            }
        }
        image
    }
}

/// `a` where `t` is 0, `b` where it is 1.
pub(crate) fn mix(a: [f32; 3], b: [f32; 3], t: f32) -> [f32; 3] {
    std::array::from_fn(|c| a[c] + (b[c] - a[c]) * t)
}

/// Three nearly normal numbers, each the sum of three 7-bit pieces of one mixed word
/// (mean 190.5, standard deviation 64).
fn noise(counter: u64) -> [f32; 3] {
    // SplitMix64 (Steele, Lea, Flood 2014): far faster than ChaCha, and good enough for grain.
    let mut z = counter.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^= z >> 31;
    [0, 21, 42].map(|shift| {
        let piece = |at: u32| ((z >> (shift + at)) & 127) as u32;
        ((piece(0) + piece(7) + piece(14)) as f32 - 190.5) / 64.0
    })
}

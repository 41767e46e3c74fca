//! What paper goes through before it is an image: skew, blur, noise, faded ink.

use image::{Rgb, RgbImage, imageops};
use rand::{Rng, RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use crate::{Page, Word};

/// What a scanner does to a page.
#[derive(Debug, Clone, PartialEq)]
pub struct Scan {
    /// Standard deviation of the blur in pixels, `0.0..=5.0`.
    pub blur: f32,
    /// Standard deviation of the grey noise in levels of 255, `0.0..=64.0`.
    pub noise: f32,
    /// Turn about the centre in degrees, clockwise, `-45.0..=45.0`.
    pub skew_degrees: f32,
    /// Contrast: 1 leaves the image, less than 1 brings ink and paper closer, `0.2..=1.5`.
    pub contrast: f32,
    /// Darkening from one side of the page to the other in levels of 255, `0.0..=100.0`.
    pub shade: f32,
    /// Seed of the noise.
    pub seed: u64,
}

impl Scan {
    /// A random scan, from nearly clean to a poor copy that can still be read.
    pub fn draw(rng: &mut impl Rng) -> Self {
        let strength: f32 = rng.random_range(0.0..1.0);
        let turned = rng.random_bool(0.6);
        Self {
            blur: strength * rng.random_range(0.0..1.1),
            noise: strength * rng.random_range(0.0..22.0),
            skew_degrees: if turned {
                rng.random_range(-2.5..2.5)
            } else {
                0.0
            },
            contrast: 1.0 - strength * rng.random_range(0.0..0.5),
            shade: strength * rng.random_range(0.0..40.0),
            seed: rng.random(),
        }
    }

    /// The page as scanned, of the same size: its boxes turn with it, each to the box around the
    /// turned one. What turns out of the image is cut off, so leave margins. Values outside
    /// their ranges are taken to their nearest end.
    pub fn apply(&self, page: &Page) -> Page {
        let turn = Turn::new(self.skew_degrees, page.image.dimensions());
        let mut image = turn.image(&page.image);
        let blur = clamp(self.blur, 0.0, 5.0);
        // Smaller blurs change nothing that can be seen.
        if blur > 0.15 {
            image = imageops::blur(&image, blur);
        }
        self.tones(&mut image);
        let word = |word: &Word| Word {
            text: word.text.clone(),
            bbox: turn.bbox(word.bbox),
        };
        Page {
            image,
            text: page.text.clone(),
            markdown: page.markdown.clone(),
            words: page.words.iter().map(word).collect(),
        }
    }

    fn tones(&self, image: &mut RgbImage) {
        let contrast = clamp(self.contrast, 0.2, 1.5);
        let shade = clamp(self.shade, 0.0, 100.0);
        let noise = clamp(self.noise, 0.0, 64.0);
        if contrast == 1.0 && shade == 0.0 && noise == 0.0 {
            return;
        }
        let mut rng = ChaCha8Rng::seed_from_u64(self.seed);
        let from_left = rng.random_bool(0.5);
        let width = image.width() as f32;
        // Less contrast makes the ink lighter and the paper darker.
        let middle = 150.0;
        let mut bytes = vec![0; image.width() as usize * 4];
        for row in image.rows_mut() {
            rng.fill_bytes(&mut bytes);
            for ((x, pixel), random) in row.enumerate().zip(bytes.chunks_exact(4)) {
                // The sum of four uniform numbers is nearly normal, of deviation 147.8.
                let sum: u32 = random.iter().map(|b| u32::from(*b)).sum();
                let random = (sum as f32 - 510.0) / 147.8;
                let across = x as f32 / width;
                let dark = shade * if from_left { across } else { 1.0 - across };
                let shift = noise * random - dark;
                for level in &mut pixel.0 {
                    let value = middle + (f32::from(*level) - middle) * contrast + shift;
                    // The cast keeps to `0..=255`.
                    *level = (value + 0.5) as u8;
                }
            }
        }
    }
}

/// `value` within a range; the low end if it is NaN.
fn clamp(value: f32, low: f32, high: f32) -> f32 {
    if value.is_nan() {
        low
    } else {
        value.clamp(low, high)
    }
}

/// A turn about the centre of an image.
struct Turn {
    sin: f32,
    cos: f32,
    centre: [f32; 2],
    size: [f32; 2],
}

impl Turn {
    fn new(degrees: f32, (width, height): (u32, u32)) -> Self {
        let finite = if degrees.is_finite() { degrees } else { 0.0 };
        let (sin, cos) = finite.clamp(-45.0, 45.0).to_radians().sin_cos();
        let size = [width as f32, height as f32];
        Self {
            sin,
            cos,
            centre: size.map(|s| s / 2.0),
            size,
        }
    }

    fn image(&self, image: &RgbImage) -> RgbImage {
        if self.sin == 0.0 {
            return image.clone();
        }
        // Paper is what lies in the corner: pages have margins.
        let Some(paper) = image.get_pixel_checked(0, 0).copied() else {
            return image.clone();
        };
        let [cx, cy] = self.centre;
        RgbImage::from_fn(image.width(), image.height(), |x, y| {
            let (x, y) = (x as f32 + 0.5 - cx, y as f32 + 0.5 - cy);
            // Where the pixel comes from: the turn backwards.
            let from = [
                self.cos * x + self.sin * y + cx,
                self.cos * y - self.sin * x + cy,
            ];
            sample(image, from, paper)
        })
    }

    fn bbox(&self, [left, top, right, bottom]: [f32; 4]) -> [f32; 4] {
        if self.sin == 0.0 {
            return [left, top, right, bottom];
        }
        let [cx, cy] = self.centre;
        let corners = [(left, top), (right, top), (right, bottom), (left, bottom)].map(|(x, y)| {
            let (x, y) = (x - cx, y - cy);
            [
                self.cos * x - self.sin * y + cx,
                self.sin * x + self.cos * y + cy,
            ]
        });
        let [width, height] = self.size;
        let side = |axis: usize, end: f32| {
            let values = corners.map(|c| c[axis]);
            let low = values.into_iter().fold(f32::MAX, f32::min);
            let high = values.into_iter().fold(f32::MIN, f32::max);
            [low.clamp(0.0, end), high.clamp(0.0, end)]
        };
        let ([x0, x1], [y0, y1]) = (side(0, width), side(1, height));
        [x0, y0, x1, y1]
    }
}

/// Bilinear sample at a point in pixels; `outside` beyond the centres of the outermost pixels.
fn sample(image: &RgbImage, [x, y]: [f32; 2], outside: Rgb<u8>) -> Rgb<u8> {
    let (x, y) = (x - 0.5, y - 0.5);
    let (width, height) = (image.width() as f32, image.height() as f32);
    let inside = x >= 0.0 && y >= 0.0 && x < width - 1.0 && y < height - 1.0;
    if !inside {
        return outside;
    }
    let (left, top) = (x as u32, y as u32);
    let (u, v) = (x - left as f32, y - top as f32);
    let [a, b, c, d] = [(0, 0), (1, 0), (0, 1), (1, 1)]
        .map(|(right, down)| *image.get_pixel(left + right, top + down));
    // Most of a page is paper.
    if a == b && a == c && a == d {
        return a;
    }
    Rgb(std::array::from_fn(|i| {
        let [a, b, c, d] = [a, b, c, d].map(|p| f32::from(p.0[i]));
        let (above, below) = (a + (b - a) * u, c + (d - c) * u);
        (above + (below - above) * v + 0.5) as u8
    }))
}

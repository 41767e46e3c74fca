//! A sprite at several sizes.

use image::RgbaImage;

/// A sprite at one size, premultiplied RGBA in `0..=1`, with a transparent border of one pixel.
#[derive(Debug, Clone)]
pub(super) struct Level {
    width: usize,
    height: usize,
    pixels: Vec<[f32; 4]>,
}

impl Level {
    fn new(width: usize, height: usize, pixel: impl Fn(usize, usize) -> [f32; 4]) -> Self {
        let mut level = Self {
            width,
            height,
            pixels: vec![[0.0; 4]; (width + 2) * (height + 2)],
        };
        for y in 0..height {
            for x in 0..width {
                level.pixels[(y + 1) * (width + 2) + x + 1] = pixel(x, y);
            }
        }
        level
    }

    /// Pixel counted without the border; transparent beyond the far sides.
    fn get(&self, x: usize, y: usize) -> [f32; 4] {
        let inside = x < self.width && y < self.height;
        if inside {
            self.pixels[(y + 1) * (self.width + 2) + x + 1]
        } else {
            [0.0; 4]
        }
    }

    /// Bilinear sample at `(x, y)` in pixels of this level, transparent outside.
    pub(super) fn sample(&self, x: f32, y: f32) -> [f32; 4] {
        // In the bordered image pixel centres lie at whole numbers after this shift.
        let (x, y) = (x + 0.5, y + 0.5);
        let inside = x >= 0.0 && y >= 0.0;
        if !inside || x >= (self.width + 1) as f32 || y >= (self.height + 1) as f32 {
            return [0.0; 4];
        }
        let (column, row) = (x as usize, y as usize);
        let (u, v) = (x - column as f32, y - row as f32);
        let stride = self.width + 2;
        let top = &self.pixels[row * stride + column..][..2];
        let bottom = &self.pixels[(row + 1) * stride + column..][..2];
        std::array::from_fn(|c| {
            let a = top[0][c] + (top[1][c] - top[0][c]) * u;
            let b = bottom[0][c] + (bottom[1][c] - bottom[0][c]) * u;
            a + (b - a) * v
        })
    }
}

/// Halves the sprite by 2x2 averages until a side is one pixel.
pub(super) fn pyramid(sprite: &RgbaImage) -> Vec<Level> {
    let (width, height) = (sprite.width() as usize, sprite.height() as usize);
    let mut levels = vec![Level::new(width, height, |x, y| {
        let [r, g, b, a] = sprite
            .get_pixel(x as u32, y as u32)
            .0
            .map(|v| f32::from(v) / 255.0);
        [r * a, g * a, b * a, a]
    })];
    while let Some(last) = levels.last()
        && last.width > 1
        && last.height > 1
    {
        let half = Level::new(last.width.div_ceil(2), last.height.div_ceil(2), |x, y| {
            let (x, y) = (2 * x, 2 * y);
            let four =
                [(x, y), (x + 1, y), (x, y + 1), (x + 1, y + 1)].map(|(x, y)| last.get(x, y));
            std::array::from_fn(|c| four.iter().map(|pixel| pixel[c]).sum::<f32>() / 4.0)
        });
        levels.push(half);
    }
    levels
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn halving_keeps_the_colour() {
        let sprite = RgbaImage::from_pixel(8, 4, image::Rgba([51, 102, 255, 255]));
        let levels = pyramid(&sprite);
        let sizes: Vec<_> = levels.iter().map(|l| (l.width, l.height)).collect();
        assert_eq!(sizes, [(8, 4), (4, 2), (2, 1)]);
        for level in levels {
            let middle = level.sample(level.width as f32 / 2.0, level.height as f32 / 2.0);
            for (a, b) in middle.iter().zip([0.2, 0.4, 1.0, 1.0]) {
                assert!((a - b).abs() < 1e-6, "{middle:?}");
            }
            assert_eq!(level.sample(0.0, level.height as f32 / 2.0)[3], 0.5);
            assert_eq!(level.sample(-0.5, 0.5), [0.0; 4]);
            assert_eq!(level.sample(level.width as f32 + 0.5, 0.5), [0.0; 4]);
            assert_eq!(level.sample(f32::NAN, 0.5), [0.0; 4]);
        }
    }
}

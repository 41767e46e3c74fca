use image::GrayImage;
use image::imageops::{FilterType, resize};

/// Share of pixels, at either end, that are not counted as the darkest or brightest.
const TAIL: f32 = 0.005;
/// Least difference of paper and ink, in 255ths.
const CONTRAST: f32 = 8.0;

/// A text line of one height, ready for the network: paper is 0 and ink 1, whichever is darker.
#[derive(Debug, Clone, PartialEq)]
pub struct Strip {
    /// Height in pixels.
    pub height: usize,
    /// Width in pixels, at least 1.
    pub width: usize,
    /// Row by row, `height * width`.
    pub pixels: Vec<f32>,
}

impl Strip {
    /// Scales an image of a text line to a height, with its proportions. The median of the pixels
    /// is taken for the paper, the end of their range that is farther from it for the ink.
    ///
    /// An image without pixels is a strip of paper.
    pub fn new(line: &GrayImage, height: usize) -> Self {
        let (w, h) = line.dimensions();
        let width = (w as f32 * height as f32 / h.max(1) as f32)
            .round()
            .max(1.0) as usize;
        if w == 0 || h == 0 {
            return Self {
                height,
                width,
                pixels: vec![0.0; height * width],
            };
        }
        let image = match h as usize == height {
            true => line.clone(),
            false => resize(line, width as u32, height as u32, FilterType::CatmullRom),
        };
        let mut counts = [0usize; 256];
        image
            .pixels()
            .for_each(|pixel| counts[usize::from(pixel.0[0])] += 1);
        let at = |share: f32| {
            let rank = (share * (height * width) as f32) as usize;
            let mut seen = 0;
            let found = counts.iter().position(|count| {
                seen += count;
                seen > rank
            });
            found.unwrap_or(255) as f32
        };
        let (low, paper, high) = (at(TAIL), at(0.5), at(1.0 - TAIL));
        let (sign, range) = match paper - low > high - paper {
            true => (-1.0, paper - low),
            false => (1.0, high - paper),
        };
        let scale = sign / range.max(CONTRAST);
        let value = |v: u8| ((f32::from(v) - paper) * scale).clamp(-1.0, 1.5);
        Self {
            height,
            width,
            pixels: image.as_raw().iter().map(|v| value(*v)).collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use image::Luma;

    #[test]
    fn ink_is_1_on_either_paper() {
        let line = |paper: u8, ink: u8| {
            GrayImage::from_fn(40, 16, |x, _| Luma([if x % 4 == 0 { ink } else { paper }]))
        };
        for (paper, ink) in [(250, 20), (10, 240), (120, 100)] {
            let strip = Strip::new(&line(paper, ink), 16);
            assert_eq!((strip.width, strip.pixels[1]), (40, 0.0));
            assert!((strip.pixels[0] - 1.0).abs() < 1e-6);
        }
        assert_eq!(Strip::new(&line(9, 9), 32).width, 80);
        assert!(Strip::new(&line(9, 9), 32).pixels.iter().all(|v| *v == 0.0));
        assert_eq!(Strip::new(&GrayImage::new(0, 0), 4).pixels, [0.0; 4]);
    }
}

use std::collections::VecDeque;
use std::ops::Range;

use image::RgbImage;

use crate::{Error, Result};

/// Fractional bits of the fixed-point weights: 32, less 8 for a pixel, less 2 for overshoot.
const PRECISION: u32 = 22;
/// One half in fixed point: every sum starts with it, so that the final shift rounds.
const HALF: i32 = 1 << (PRECISION - 1);
/// Radius of the cubic kernel in pixels of the smaller image.
const RADIUS: f64 = 2.0;

/// Resizes to exactly `width` x `height`, bit for bit as Pillow 10 and 11 do with `BICUBIC`.
///
/// The kernel (a = -0.5) widens when the image shrinks, which is what prevents aliasing. Columns
/// come before rows, each pass rounds and clips to 8 bits, and an axis that keeps its size is left
/// alone. (`fast_image_resize`, one call per axis, is three times as fast, but its 16-bit weights
/// move 0.2 to 0.6 % of the values, some by two levels.)
///
/// # Errors
/// [`Error::EmptyImage`] if either size has a zero edge.
pub fn resize(image: &RgbImage, width: u32, height: u32) -> Result<RgbImage> {
    for (width, height) in [image.dimensions(), (width, height)] {
        if width == 0 || height == 0 {
            return Err(Error::EmptyImage {
                name: "resize".into(),
                width,
                height,
            });
        }
    }
    let target = [width, height].map(u64::from);
    Ok(resample(image, target, target.map(|edge| 0..edge)))
}

/// Resizes the shorter edge to `size` and the other in proportion, truncated to whole pixels, and
/// cuts the `size` x `size` square out of the middle, half a pixel to the left and up where it does
/// not fit evenly: the preprocessing of CLIP in Hugging Face's transformers.
///
/// Only the pixels that stay are computed, so that a long strip costs no more than its middle,
/// whichever way it lies.
///
/// # Errors
/// [`Error::EmptyImage`] if either size has a zero edge.
pub(super) fn resize_and_crop(image: &RgbImage, size: u32) -> Result<RgbImage> {
    let (width, height) = image.dimensions();
    if width == 0 || height == 0 || size == 0 {
        return resize(image, size, size);
    }
    let (short, size) = (u64::from(width.min(height)), u64::from(size));
    // Of a strip, more pixels than a `u32` counts.
    let target = [width, height].map(|edge| size * u64::from(edge) / short);
    let kept = target.map(|edge| {
        let start = (edge - size) / 2;
        start..start + size
    });
    Ok(resample(image, target, kept))
}

/// The part `kept` of `image` resized to `target`, both width first. Beside the result there is
/// memory for one row, and for those rows of the result that are not complete yet: no more than the
/// result has, however high the image is.
fn resample(image: &RgbImage, target: [u64; 2], kept: [Range<u64>; 2]) -> RgbImage {
    let (width, height) = image.dimensions();
    let [columns, rows] = kept.map(|range| (range.end - range.start, range));
    let changes = |source, target, kept| u64::from(source) != target || kept != target;
    let wide = changes(width, target[0], columns.0);
    if !wide && !changes(height, target[1], rows.0) {
        return image.clone();
    }
    let columns: Option<Vec<Window>> = wide.then(|| windows(width, target[0], columns.1).collect());
    let row_len = 3 * columns.as_ref().map_or(width as usize, Vec::len);
    let mut out = RgbImage::new(row_len as u32 / 3, (rows.1.end - rows.1.start) as u32);
    let mut coming = windows(height, target[1], rows.1).peekable();
    let mut rows_out = out.chunks_exact_mut(row_len);
    let mut begun: VecDeque<(Window, Vec<i32>)> = VecDeque::new();
    let (mut buffer, mut spare) = (vec![0; row_len], vec![]);
    let first = coming.peek().map_or(0, |window| window.start);
    let rows_in = image.chunks_exact(3 * width as usize).enumerate();
    for (y, row) in rows_in.skip(first) {
        while let Some(window) = coming.next_if(|window| window.start <= y) {
            let mut sums: Vec<i32> = spare.pop().unwrap_or_default();
            sums.clear();
            sums.resize(row_len, HALF);
            begun.push_back((window, sums));
        }
        if begun.is_empty() {
            break;
        }
        let row = match &columns {
            Some(windows) => {
                horizontal(row, windows, &mut buffer);
                &buffer
            }
            None => row,
        };
        for (window, sums) in &mut begun {
            let weight = window.weights[y - window.start];
            for (sum, value) in sums.iter_mut().zip(row) {
                *sum += i32::from(*value) * weight;
            }
        }
        // Windows end in the order in which they begin.
        while let Some((_, sums)) = begun.pop_front_if(|(window, _)| window.end() == y + 1) {
            for (out, sum) in rows_out.next().into_iter().flatten().zip(&sums) {
                *out = clip(*sum);
            }
            spare.push(sums);
        }
    }
    out
}

/// The source pixels that one target pixel is made of, from `start` on.
struct Window {
    start: usize,
    weights: Vec<i32>,
}

impl Window {
    fn end(&self) -> usize {
        self.start + self.weights.len()
    }
}

/// The windows of the target pixels `kept`, in order. An axis that keeps its size has windows of
/// one pixel.
fn windows(source: u32, target: u64, kept: Range<u64>) -> impl Iterator<Item = Window> {
    let scale = f64::from(source) / target as f64;
    let stretch = scale.max(1.0);
    let radius = RADIUS * stretch;
    kept.map(move |index| {
        if u64::from(source) == target {
            return Window {
                start: index as usize,
                weights: vec![1 << PRECISION],
            };
        }
        let centre = (index as f64 + 0.5) * scale;
        // `as` truncates and saturates at zero, as the reference does.
        let start = (centre - radius + 0.5) as u32;
        let end = ((centre + radius + 0.5) as u32).min(source);
        let weight = |x| cubic((f64::from(x) - centre + 0.5) * (1.0 / stretch));
        let weights: Vec<f64> = (start..end).map(weight).collect();
        let sum: f64 = weights.iter().sum();
        let fixed = |weight: f64| (weight / sum * f64::from(1 << PRECISION)).round() as i32;
        Window {
            start: start as usize,
            weights: weights.into_iter().map(fixed).collect(),
        }
    })
}

/// Keys' cubic convolution with a = -0.5.
fn cubic(x: f64) -> f64 {
    const A: f64 = -0.5;
    match x.abs() {
        x if x < 1.0 => ((A + 2.0) * x - (A + 3.0)) * x * x + 1.0,
        x if x < 2.0 => (((x - 5.0) * x + 8.0) * x - 4.0) * A,
        _ => 0.0,
    }
}

/// The columns of a row.
fn horizontal(row: &[u8], windows: &[Window], out: &mut [u8]) {
    let (pixels, _) = row.as_chunks::<3>();
    let (out, _) = out.as_chunks_mut::<3>();
    for (window, out) in windows.iter().zip(out) {
        let mut sum = [HALF; 3];
        for (pixel, weight) in pixels[window.start..].iter().zip(&window.weights) {
            for (sum, value) in sum.iter_mut().zip(pixel) {
                *sum += i32::from(*value) * weight;
            }
        }
        *out = sum.map(clip);
    }
}

fn clip(sum: i32) -> u8 {
    (sum >> PRECISION).clamp(0, 255) as u8
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
mod tests {
    use super::*;

    #[test]
    fn same_size_is_identity() {
        let image = RgbImage::from_fn(7, 5, |x, y| image::Rgb([x as u8, y as u8, 200]));
        assert_eq!(resize(&image, 7, 5).unwrap(), image);
    }

    #[test]
    fn one_pixel_is_constant() {
        let image = RgbImage::from_pixel(1, 1, image::Rgb([3, 128, 255]));
        let out = resize(&image, 9, 4).unwrap();
        assert!(out.pixels().all(|p| p.0 == [3, 128, 255]));
    }

    #[test]
    fn edge_overshoot_is_clipped() {
        let step = |low, high| {
            let value = |x| if x < 4 { low } else { high };
            let image = RgbImage::from_fn(8, 1, |x, _| image::Rgb([value(x); 3]));
            let out = resize(&image, 16, 1).unwrap();
            out.pixels().map(|pixel| pixel.0[0]).collect::<Vec<_>>()[4..12].to_vec()
        };
        // By hand: a quarter pixel away the weights are (-9, 111, 29, -3) / 128.
        assert_eq!(step(100, 200), [100, 98, 93, 120, 180, 207, 202, 200]);
        assert_eq!(step(0, 255), [0, 0, 0, 52, 203, 255, 255, 255]);
    }

    #[test]
    fn middle_is_kept() {
        let image = RgbImage::from_fn(9, 4, |x, y| image::Rgb([x as u8 * 20, y as u8 * 50, 7]));
        let cut = |image: &RgbImage, x, y, size| {
            image::imageops::crop_imm(image, x, y, size, size).to_image()
        };
        assert_eq!(resize_and_crop(&image, 4).unwrap(), cut(&image, 2, 0, 4));
        // 9 * 6 / 4 = 13.5 is truncated.
        let whole = resize(&image, 13, 6).unwrap();
        assert_eq!(resize_and_crop(&image, 6).unwrap(), cut(&whole, 3, 0, 6));
        let tall = image::imageops::rotate90(&image);
        let whole = resize(&tall, 3, 6).unwrap();
        assert_eq!(resize_and_crop(&tall, 3).unwrap(), cut(&whole, 0, 1, 3));
    }

    #[test]
    fn part_equals_crop() {
        let image = RgbImage::from_fn(23, 31, |x, y| {
            image::Rgb([x * 37 + y * 11, x * y * 5, x ^ (7 * y)].map(|value| value as u8))
        });
        for (width, height) in [(40, 62), (9, 31), (23, 8), (23, 31), (50, 6)] {
            let whole = resize(&image, width, height).unwrap();
            for [left, top, right, bottom] in [[0, 0, 0, 0], [3, 1, 2, 3], [0, 2, 5, 0]] {
                let kept = [left..width - right, top..height - bottom];
                let crop = image::imageops::crop_imm(
                    &whole,
                    left,
                    top,
                    width - right - left,
                    height - bottom - top,
                );
                let kept = kept.map(|range| u64::from(range.start)..u64::from(range.end));
                let got = resample(&image, [width, height].map(u64::from), kept);
                assert!(
                    got == crop.to_image(),
                    "{width} x {height} from {left}, {top}"
                );
            }
        }
    }

    /// All of it would be 224 pixels wide and longer than 32 bits count; all of its rows made 224
    /// pixels wide by the first pass would still be 13 GB.
    #[test]
    fn long_strip_is_cheap() {
        let value = |at: u32| image::Rgb([(at / 100_000) as u8; 3]);
        let wide = RgbImage::from_fn(20_000_000, 1, |x, _| value(x));
        let tall = RgbImage::from_raw(1, wide.width(), wide.as_raw().clone()).unwrap();
        for strip in [wide, tall] {
            let middle = resize_and_crop(&strip, 224).unwrap();
            assert_eq!(middle.dimensions(), (224, 224));
            assert!(middle.pixels().all(|p| p.0 == [99; 3] || p.0 == [100; 3]));
            let ends = [(0, 0), (223, 223)].map(|(x, y)| middle.get_pixel(x, y).0[0]);
            assert_eq!(ends, [99, 100]);
        }
    }

    #[test]
    fn empty_sizes_are_errors() {
        for (image, width, height) in [
            (RgbImage::new(0, 4), 4, 4),
            (RgbImage::new(4, 4), 0, 4),
            (RgbImage::new(4, 4), 4, 0),
        ] {
            let error = resize(&image, width, height).unwrap_err();
            assert!(matches!(error, Error::EmptyImage { .. }), "{error}");
        }
    }
}

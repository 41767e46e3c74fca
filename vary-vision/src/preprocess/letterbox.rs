use image::{Rgb, RgbImage};

use super::resize::resize;
use crate::{Error, Result};

/// The whole of an image in the middle of a square, its aspect ratio kept: how text lines are shown
/// to towers with square inputs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Letterbox {
    /// Width and height of the image.
    image: [u32; 2],
    /// Edge of the square.
    size: u32,
    /// Width and height of the image in the square.
    inner: [u32; 2],
    /// Where its upper left corner is in the square.
    offset: [u32; 2],
}

impl Letterbox {
    /// For images of `width` x `height` pixels and a square of `size` x `size`. The longer edge
    /// fills the square; the shorter one is rounded to whole pixels, at least one.
    ///
    /// # Errors
    /// [`Error::EmptyImage`] if any of the three is zero.
    pub fn new((width, height): (u32, u32), size: u32) -> Result<Self> {
        for (width, height) in [(width, height), (size, size)] {
            if width == 0 || height == 0 {
                return Err(Error::EmptyImage {
                    name: "letterbox".into(),
                    width,
                    height,
                });
            }
        }
        let longer = f64::from(width.max(height));
        let inner = [width, height].map(|edge| {
            let edge = (f64::from(edge) * f64::from(size) / longer).round() as u32;
            edge.clamp(1, size)
        });
        Ok(Self {
            image: [width, height],
            size,
            inner,
            offset: inner.map(|edge| (size - edge) / 2),
        })
    }

    /// The square: the image resized ([`resize`]), around it the median of each of its channels.
    ///
    /// # Errors
    /// [`Error::ImageSize`] if the image has another size than this is for.
    pub fn apply(&self, image: &RgbImage) -> Result<RgbImage> {
        let [width, height] = self.image;
        if image.dimensions() != (width, height) {
            return Err(Error::ImageSize {
                width: image.width(),
                height: image.height(),
                expected: (width, height),
            });
        }
        let inner = resize(image, self.inner[0], self.inner[1])?;
        let mut square = RgbImage::from_pixel(self.size, self.size, median_colour(image));
        let [left, top] = self.offset.map(i64::from);
        image::imageops::replace(&mut square, &inner, left, top);
        Ok(square)
    }

    /// From pixels of the square to pixels of the image, clamped to the image.
    pub fn to_image(&self, point: [f32; 2]) -> [f32; 2] {
        [0, 1].map(|axis| {
            let scale = self.image[axis] as f32 / self.inner[axis] as f32;
            let at = (point[axis] - self.offset[axis] as f32) * scale;
            at.clamp(0.0, self.image[axis] as f32)
        })
    }
}

/// The lower median of each channel.
fn median_colour(image: &RgbImage) -> Rgb<u8> {
    let mut counts = [[0u64; 256]; 3];
    for pixel in image.pixels() {
        for (counts, value) in counts.iter_mut().zip(pixel.0) {
            counts[usize::from(value)] += 1;
        }
    }
    let half = (u64::from(image.width()) * u64::from(image.height())).div_ceil(2);
    Rgb(counts.map(|counts| {
        let mut below = 0;
        let middle = counts.iter().position(|count| {
            below += count;
            below >= half
        });
        middle.unwrap_or(0) as u8
    }))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn strip_lies_in_the_middle() {
        let mut strip = RgbImage::from_pixel(8, 2, Rgb([9, 80, 200]));
        strip.put_pixel(0, 0, Rgb([0; 3]));
        let square = Letterbox::new((8, 2), 8).unwrap().apply(&strip).unwrap();
        assert_eq!(square.get_pixel(0, 3).0, [0; 3]);
        let others = square.pixels().filter(|pixel| pixel.0 == [9, 80, 200]);
        assert_eq!(others.count(), 63);
    }

    #[test]
    fn wrong_sizes_are_errors() {
        for (size, edge) in [((0, 4), 4), ((4, 0), 4), ((4, 4), 0)] {
            let error = Letterbox::new(size, edge).unwrap_err();
            assert!(matches!(error, Error::EmptyImage { .. }), "{error}");
        }
        let letterbox = Letterbox::new((4, 3), 8).unwrap();
        let error = letterbox.apply(&RgbImage::new(3, 4)).unwrap_err();
        assert!(matches!(error, Error::ImageSize { .. }), "{error}");
    }

    proptest! {
        #[test]
        fn square_maps_to_the_image(width in 1u32..500, height in 1u32..500, size in 1u32..200) {
            let letterbox = Letterbox::new((width, height), size).unwrap();
            let image = RgbImage::new(width, height);
            prop_assert_eq!(letterbox.apply(&image).unwrap().dimensions(), (size, size));
            let edge = size as f32;
            prop_assert_eq!(letterbox.to_image([0.0, 0.0]), [0.0, 0.0]);
            let corner = letterbox.to_image([edge, edge]);
            let middle = letterbox.to_image([edge / 2.0, edge / 2.0]);
            for (axis, extent) in [width, height].into_iter().enumerate() {
                let extent = extent as f32;
                prop_assert!((corner[axis] - extent).abs() < 1e-3);
                // The image is at most half a pixel of the square off its middle.
                let pixel = extent / letterbox.inner[axis] as f32;
                prop_assert!((middle[axis] - extent / 2.0).abs() <= pixel / 2.0 + 1e-3);
            }
        }
    }
}

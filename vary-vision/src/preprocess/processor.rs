use burn::prelude::*;
use image::RgbImage;

use super::resize::{resize, resize_and_crop};
use crate::Result;

/// How an image becomes a square.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fit {
    /// Both edges are resized, the aspect ratio is lost: the vision vocabulary sees all of it.
    Squash,
    /// The shorter edge is resized, the middle of the longer one is kept: CLIP.
    CentreCrop,
}

/// Turns an image into a normalised square: the input of a vision tower.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ImageProcessor {
    /// Edge of the square in pixels.
    pub size: usize,
    /// How the image becomes a square.
    pub fit: Fit,
    /// Mean of each channel (red, green, blue), of values from 0 to 1.
    pub mean: [f32; 3],
    /// Standard deviation of each channel, of values from 0 to 1.
    pub std: [f32; 3],
}

impl ImageProcessor {
    /// The high-resolution branch of Vary-toy and Vary-tiny+, with the statistics of CLIP; the
    /// published models use a `size` of 1024.
    pub fn vary(size: usize) -> Self {
        Self {
            size,
            fit: Fit::Squash,
            mean: [0.481_454_66, 0.457_827_5, 0.408_210_73],
            std: [0.268_629_54, 0.261_302_6, 0.275_777_1],
        }
    }

    /// The CLIP branch of Vary-toy: the preprocessing of `openai/clip-vit-large-patch14`, whose
    /// `size` is 224.
    pub fn clip(size: usize) -> Self {
        Self {
            fit: Fit::CentreCrop,
            ..Self::vary(size)
        }
    }

    /// The square of `size` x `size`, still in 8 bits.
    ///
    /// # Errors
    /// [`EmptyImage`](crate::Error::EmptyImage) if the image or `size` is zero.
    pub fn resized(&self, image: &RgbImage) -> Result<RgbImage> {
        let size = u32::try_from(self.size).unwrap_or(u32::MAX);
        match self.fit {
            Fit::Squash => resize(image, size, size),
            Fit::CentreCrop => resize_and_crop(image, size),
        }
    }

    /// Normalised values `[3, size, size]`, planar, red plane first: `(value / 255 - mean) / std`.
    ///
    /// # Errors
    /// [`EmptyImage`](crate::Error::EmptyImage) if the image or `size` is zero.
    pub fn pixels(&self, image: &RgbImage) -> Result<Vec<f32>> {
        Ok(self.normalized(&self.resized(image)?))
    }

    /// The network's input `[1, 3, size, size]`.
    ///
    /// # Errors
    /// [`EmptyImage`](crate::Error::EmptyImage) if the image or `size` is zero.
    pub fn process(&self, image: &RgbImage, device: &Device) -> Result<Tensor<4>> {
        let data = TensorData::new(self.pixels(image)?, [1, 3, self.size, self.size]);
        Ok(Tensor::from_data(data, device))
    }

    /// Normalised values `[3, size, size]` of a square made by [`resized`](Self::resized), which in
    /// 8 bits takes a quarter of the memory.
    pub fn normalized(&self, image: &RgbImage) -> Vec<f32> {
        let mut out = Vec::with_capacity(image.len());
        for channel in 0..3 {
            let (mean, std) = (self.mean[channel], self.std[channel]);
            // 256 possible values: a table spares a division per pixel.
            let table: [f32; 256] =
                std::array::from_fn(|value| (value as f32 / 255.0 - mean) / std);
            out.extend(
                image
                    .pixels()
                    .map(|pixel| table[usize::from(pixel.0[channel])]),
            );
        }
        out
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
mod tests {
    use super::*;
    use crate::Error;

    #[test]
    fn planes_are_normalised() {
        let processor = ImageProcessor {
            size: 2,
            fit: Fit::Squash,
            mean: [0.5, 0.0, 0.2],
            std: [0.5, 1.0, 0.4],
        };
        let image = RgbImage::from_pixel(2, 2, image::Rgb([255, 0, 51]));
        let input = processor.process(&image, &Device::flex()).unwrap();
        assert_eq!(input.dims(), [1, 3, 2, 2]);
        let values = input.into_data().try_to_vec::<f32>().unwrap();
        assert_eq!(values, [[1.0; 4], [0.0; 4], [0.0; 4]].concat());
    }

    #[test]
    fn empty_input_is_an_error() {
        let device = Device::flex();
        for (size, image) in [(4, RgbImage::new(0, 0)), (0, RgbImage::new(3, 3))] {
            for processor in [ImageProcessor::vary(size), ImageProcessor::clip(size)] {
                let error = processor.process(&image, &device).unwrap_err();
                assert!(matches!(error, Error::EmptyImage { .. }), "{error}");
            }
        }
    }
}

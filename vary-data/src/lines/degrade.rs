//! What scanners, cameras, screens and compression do to a line.

use image::codecs::jpeg::JpegEncoder;
use image::imageops::{FilterType, fast_blur, resize};
use image::{ExtendedColorType, GrayImage, ImageFormat, Luma};

use crate::random::Random;

/// A line as it may look after printing, scanning, photographing or compressing: half of them are
/// left as they are but for brightness and width.
pub(super) fn degrade(image: &GrayImage, rng: &mut Random) -> GrayImage {
    let mut image = stretched(image, rng);
    if rng.chance(0.35) {
        image = slanted(&image, rng);
    }
    if rng.chance(0.2) {
        image = coarse(&image, rng);
    }
    if rng.chance(0.25) {
        let sigma = rng.range(0.02, 0.07) * image.height() as f32;
        image = fast_blur(&image, sigma.max(0.3));
    }
    lighten(&mut image, rng);
    if rng.chance(0.3) {
        noise(&mut image, rng);
    }
    if rng.chance(0.15) {
        image = compressed(&image, rng);
    }
    if rng.chance(0.04) {
        binarize(&mut image, rng);
    }
    if rng.chance(0.15) {
        image.pixels_mut().for_each(|p| p.0[0] = 255 - p.0[0]);
    }
    image
}

/// Wider or narrower by up to an eighth.
fn stretched(image: &GrayImage, rng: &mut Random) -> GrayImage {
    if rng.chance(0.4) {
        return image.clone();
    }
    let width = (image.width() as f32 * rng.range(0.88, 1.13))
        .round()
        .max(3.0);
    resize(image, width as u32, image.height(), FilterType::CatmullRom)
}

/// Rising or falling by up to a fifth of the height over its length, at most by two degrees.
fn slanted(image: &GrayImage, rng: &mut Random) -> GrayImage {
    let (width, height) = image.dimensions();
    let most = (0.2 * height as f32).min(0.035 * width as f32);
    let rise = rng.range(-most, most);
    GrayImage::from_fn(width, height, |x, y| {
        let shift = rise * (x as f32 / width as f32 - 0.5);
        let at = (y as f32 + shift).clamp(0.0, height as f32 - 1.0);
        let (low, part) = (at.floor() as u32, at.fract());
        let value = |y: u32| f32::from(image.get_pixel(x, y.min(height - 1)).0[0]);
        Luma([(value(low) * (1.0 - part) + value(low + 1) * part).round() as u8])
    })
}

/// At a lower resolution, down to a height of 11 px.
fn coarse(image: &GrayImage, rng: &mut Random) -> GrayImage {
    let (width, height) = image.dimensions();
    if height <= 12 {
        return image.clone();
    }
    let scale = rng.range(11.0, height as f32) / height as f32;
    let [w, h] = [width, height].map(|edge| ((edge as f32 * scale).round() as u32).max(1));
    let small = resize(image, w, h, FilterType::Triangle);
    match rng.chance(0.5) {
        true => small,
        false => resize(&small, width, height, FilterType::CatmullRom),
    }
}

/// Other brightness and contrast, and light from one side.
fn lighten(image: &mut GrayImage, rng: &mut Random) {
    let contrast = match rng.chance(0.5) {
        true => 1.0,
        false => rng.range(0.3, 1.0),
    };
    let shift = rng.range(0.0, 1.0 - contrast) * 255.0;
    let gamma = match rng.chance(0.3) {
        true => rng.range(0.6, 1.7),
        false => 1.0,
    };
    let slope = match rng.chance(0.2) {
        true => rng.range(-60.0, 60.0),
        false => 0.0,
    };
    let width = image.width() as f32;
    for (x, _, pixel) in image.enumerate_pixels_mut() {
        let value = 255.0 * (f32::from(pixel.0[0]) / 255.0).powf(gamma);
        let light = slope * (x as f32 / width - 0.5);
        pixel.0[0] = (value * contrast + shift + light).round().clamp(0.0, 255.0) as u8;
    }
}

/// Grain, the sum of four uniform numbers for each pixel.
fn noise(image: &mut GrayImage, rng: &mut Random) {
    let strength = rng.range(3.0, 40.0);
    for pixel in image.pixels_mut() {
        let sum = (0..4).map(|_| rng.unit() - 0.5).sum::<f32>();
        pixel.0[0] = (f32::from(pixel.0[0]) + strength * sum)
            .round()
            .clamp(0.0, 255.0) as u8;
    }
}

fn compressed(image: &GrayImage, rng: &mut Random) -> GrayImage {
    let quality = rng.range(15.0, 80.0) as u8;
    let mut bytes = vec![];
    let (width, height) = image.dimensions();
    let encoder = JpegEncoder::new_with_quality(&mut bytes, quality);
    let written = { encoder }.encode(image.as_raw(), width, height, ExtendedColorType::L8);
    let read = image::load_from_memory_with_format(&bytes, ImageFormat::Jpeg);
    match (written, read) {
        (Ok(()), Ok(read)) => read.into_luma8(),
        // An image too large for JPEG stays as it is.
        _ => image.clone(),
    }
}

/// Black and white, as fax machines and old scanners make it.
fn binarize(image: &mut GrayImage, rng: &mut Random) {
    let values = || image.pixels().map(|p| f32::from(p.0[0]));
    let (low, high) = values().fold((255f32, 0f32), |(l, h), v| (l.min(v), h.max(v)));
    let threshold = low + (high - low) * rng.range(0.4, 0.7);
    image.pixels_mut().for_each(|p| {
        p.0[0] = if f32::from(p.0[0]) > threshold {
            255
        } else {
            0
        }
    });
}

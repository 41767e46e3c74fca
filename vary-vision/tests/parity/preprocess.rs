use burn::prelude::*;
use image::{DynamicImage, RgbImage};
use serde_json::Value;
use vary_vision::preprocess::{DecodeOptions, ImageProcessor, open, resize};

use crate::support::{Tensors, assert_close, devices, dir, json};

const CASE: &str = "preprocess";
/// The README's tolerance for Pillow's fixed-point arithmetic.
const TOLERANCE: f32 = 1e-5;
/// Inverse DCT and chroma upsampling differ between JPEG decoders.
const JPEG_LEVELS: u8 = 3;
const JPEG_TOLERANCE: f32 = 0.05;
/// The original ignores the orientation.
const AS_STORED: DecodeOptions = DecodeOptions {
    apply_orientation: false,
    max_pixels: 1 << 24,
};

struct Case {
    config: Value,
    io: Tensors,
}

impl Case {
    fn read() -> Self {
        Self {
            config: json(CASE, "config.json"),
            io: Tensors::read(CASE, "io.safetensors"),
        }
    }

    fn images(&self) -> impl Iterator<Item = (&String, &Value)> {
        let images = self.config["images"].as_object().unwrap();
        assert!(!images.is_empty());
        images.iter()
    }

    fn processor(&self) -> ImageProcessor {
        let processor = ImageProcessor::vary(number(&self.config["image_size_high"]));
        for channel in 0..3 {
            for (ours, key) in [(processor.mean, "image_mean"), (processor.std, "image_std")] {
                assert_eq!(
                    ours[channel],
                    self.config[key][channel].as_f64().unwrap() as f32
                );
            }
        }
        processor
    }

    fn bytes(&self, name: &str) -> Vec<u8> {
        self.io.data(name).try_to_vec().unwrap()
    }

    /// The decoded picture of the original, in RGB.
    fn picture(&self, name: &str, entry: &Value) -> RgbImage {
        let [width, height] = ["width", "height"].map(|key| number(&entry[key]) as u32);
        RgbImage::from_raw(width, height, self.bytes(&format!("{name}.rgb_u8"))).unwrap()
    }
}

fn number(value: &Value) -> usize {
    value.as_u64().unwrap() as usize
}

fn is_jpeg(entry: &Value) -> bool {
    entry["file"].as_str().unwrap().ends_with(".jpg")
}

fn open_entry(entry: &Value, options: &DecodeOptions) -> RgbImage {
    open(dir(CASE).join(entry["file"].as_str().unwrap()), options).unwrap()
}

fn planar(picture: &RgbImage) -> Vec<u8> {
    (0..3)
        .flat_map(|channel| picture.pixels().map(move |pixel| pixel.0[channel]))
        .collect()
}

#[test]
fn decoding_matches() {
    let case = Case::read();
    for (name, entry) in case.images() {
        let (got, expected) = (open_entry(entry, &AS_STORED), case.picture(name, entry));
        assert_eq!(got.dimensions(), expected.dimensions(), "{name}");
        let worst = got
            .iter()
            .zip(expected.iter())
            .map(|(a, b)| a.abs_diff(*b))
            .max()
            .unwrap();
        println!("{name}: decoded values differ by at most {worst}");
        assert!(
            worst <= if is_jpeg(entry) { JPEG_LEVELS } else { 0 },
            "{name}: off by {worst}"
        );
    }
}

#[test]
fn resizing_matches() {
    let case = Case::read();
    let processor = case.processor();
    for (name, entry) in case.images() {
        let picture = case.picture(name, entry);
        let squashed = processor.resized(&picture).unwrap();
        assert!(
            planar(&squashed) == case.bytes(&format!("{name}.high_u8")),
            "{name}: high"
        );

        // The CLIP branch keeps the aspect ratio and crops: another target size for the resize.
        let [width, height] = [0, 1].map(|axis| number(&entry["clip_resized"][axis]) as u32);
        let [left, top] = [0, 1].map(|axis| number(&entry["clip_crop_left_top"][axis]) as u32);
        let size = number(&case.config["clip_size"]) as u32;
        let whole = resize(&picture, width, height).unwrap();
        let crop = image::imageops::crop_imm(&whole, left, top, size, size).to_image();
        assert!(
            planar(&crop) == case.bytes(&format!("{name}.clip_u8")),
            "{name}: clip"
        );
    }
}

#[test]
fn tensors_match() {
    let case = Case::read();
    let processor = case.processor();
    for device in devices() {
        for (name, entry) in case.images() {
            let key = format!("{name}.high");
            let check = |what: &str, picture: &RgbImage, tolerance| {
                let (input, transform) = processor.process(picture, &device).unwrap();
                assert_eq!(transform.original, picture.dimensions());
                let input: Tensor<3> = input.squeeze_dim(0);
                assert_close(
                    &format!("{key} from {what}"),
                    input,
                    case.io.data(&key),
                    tolerance,
                );
            };
            check("rgb_u8", &case.picture(name, entry), TOLERANCE);
            let file_tolerance = if is_jpeg(entry) {
                JPEG_TOLERANCE
            } else {
                TOLERANCE
            };
            check("the file", &open_entry(entry, &AS_STORED), file_tolerance);
        }
    }
}

/// `exif` says orientation 6: turn clockwise by a quarter. The other pictures say nothing.
#[test]
fn exif_orientation_is_applied_by_default() {
    for (name, entry) in Case::read().images() {
        let stored = DynamicImage::ImageRgb8(open_entry(entry, &AS_STORED));
        let expected = if name == "exif" {
            stored.rotate90()
        } else {
            stored
        };
        let upright = open_entry(entry, &DecodeOptions::default());
        assert!(upright == expected.into_rgb8(), "{name}");
    }
}

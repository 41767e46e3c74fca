use burn::prelude::*;
use image::{DynamicImage, RgbImage};
use serde_json::Value;
use vary_vision::preprocess::{DecodeOptions, ImageProcessor, open};

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

    /// Both branches with the names of their goldens.
    fn processors(&self) -> [(&'static str, ImageProcessor); 2] {
        let high = ImageProcessor::vary(number(&self.config["image_size_high"]));
        let clip = ImageProcessor::clip(number(&self.config["clip_size"]));
        for (ours, key) in [(high.mean, "image_mean"), (high.std, "image_std")] {
            let golden = |channel: usize| self.config[key][channel].as_f64().unwrap() as f32;
            assert_eq!(ours, [0, 1, 2].map(golden));
        }
        [("high", high), ("clip", clip)]
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
    for (name, entry) in case.images() {
        let picture = case.picture(name, entry);
        for (branch, processor) in case.processors() {
            assert!(
                planar(&processor.resized(&picture).unwrap())
                    == case.bytes(&format!("{name}.{branch}_u8")),
                "{name}: {branch}"
            );
        }
    }
}

#[test]
fn tensors_match() {
    let case = Case::read();
    for device in devices() {
        for ((name, entry), (branch, processor)) in case
            .images()
            .flat_map(|image| case.processors().map(|processor| (image, processor)))
        {
            let key = format!("{name}.{branch}");
            let check = |what: &str, picture: &RgbImage, tolerance| {
                let input = processor.process(picture, &device).unwrap();
                let input: Tensor<3> = input.squeeze_dim(0);
                let what = format!("{key} from {what}");
                assert_close(&what, input, case.io.data(&key), tolerance);
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

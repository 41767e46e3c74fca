use burn::prelude::*;
use image::{DynamicImage, RgbImage};
use serde_json::Value;
use vary_vision::preprocess::{DecodeOptions, ImageProcessor, open};

use crate::cases;
use crate::support::{Tensors, assert_close, devices, dir, json};

/// The README's tolerance for Pillow's fixed-point arithmetic.
const TOLERANCE: f32 = 1e-5;
/// Inverse DCT and chroma upsampling differ between JPEG decoders.
const JPEG_LEVELS: u8 = 3;
const JPEG_TOLERANCE: f32 = 0.05;
/// The original ignores the orientation.
const AS_STORED: DecodeOptions = DecodeOptions {
    apply_orientation: false,
    max_pixels: 1 << 24,
    max_edge: 65_535,
};

struct Case {
    name: String,
    config: Value,
    io: Tensors,
}

impl Case {
    fn all() -> impl Iterator<Item = Self> {
        cases("preprocess").into_iter().map(|name| Self {
            config: json(&name, "config.json"),
            io: Tensors::read(&name, "io.safetensors"),
            name,
        })
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

    fn open(&self, entry: &Value, options: &DecodeOptions) -> RgbImage {
        let file = entry["file"].as_str().unwrap();
        open(dir(&self.name).join(file), options).unwrap()
    }

    /// The decoded image of the original, in RGB.
    fn decoded(&self, name: &str, entry: &Value) -> RgbImage {
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

fn planar(image: &RgbImage) -> Vec<u8> {
    (0..3)
        .flat_map(|channel| image.pixels().map(move |pixel| pixel.0[channel]))
        .collect()
}

#[test]
fn decoding_matches() {
    Case::all().for_each(|case| check_decoding(&case));
}

fn check_decoding(case: &Case) {
    for (name, entry) in case.images() {
        let (got, expected) = (case.open(entry, &AS_STORED), case.decoded(name, entry));
        assert_eq!(got.dimensions(), expected.dimensions(), "{name}");
        let worst = got
            .iter()
            .zip(expected.iter())
            .map(|(a, b)| a.abs_diff(*b))
            .max()
            .unwrap();
        println!(
            "{}: {name}: decoded values differ by at most {worst}",
            case.name
        );
        assert!(
            worst <= if is_jpeg(entry) { JPEG_LEVELS } else { 0 },
            "{name}: off by {worst}"
        );
    }
}

#[test]
fn resizing_matches() {
    Case::all().for_each(|case| check_resizing(&case));
}

fn check_resizing(case: &Case) {
    let names = case.io.names();
    for (name, entry) in case.images() {
        let image = case.decoded(name, entry);
        for (branch, processor) in case.processors() {
            // `NAME.high_u8` at the size of the case, `NAME.high80_u8` at 80.
            let prefix = format!("{name}.{branch}");
            let size = |key: &str| {
                key.strip_prefix(&prefix)?
                    .strip_suffix("_u8")
                    .map(str::to_owned)
            };
            let goldens: Vec<_> = names
                .iter()
                .filter_map(|key| Some((key, size(key)?)))
                .collect();
            assert!(!goldens.is_empty(), "{prefix}");
            for (key, size) in goldens {
                let size = size.parse().unwrap_or(processor.size);
                let resized = ImageProcessor { size, ..processor }.resized(&image);
                assert!(
                    planar(&resized.unwrap()) == case.bytes(key),
                    "{}: {key}",
                    case.name
                );
            }
        }
    }
}

#[test]
fn tensors_match() {
    Case::all().for_each(|case| check_tensors(&case));
}

fn check_tensors(case: &Case) {
    for device in devices() {
        for ((name, entry), (branch, processor)) in case
            .images()
            .flat_map(|image| case.processors().map(|processor| (image, processor)))
        {
            let key = format!("{name}.{branch}");
            let check = |what: &str, image: &RgbImage, tolerance| {
                let input = processor.process(image, &device).unwrap();
                let input: Tensor<3> = input.squeeze_dim(0);
                let what = format!("{key} from {what}");
                assert_close(&what, input, case.io.data(&key), tolerance);
            };
            check("rgb_u8", &case.decoded(name, entry), TOLERANCE);
            let file_tolerance = if is_jpeg(entry) {
                JPEG_TOLERANCE
            } else {
                TOLERANCE
            };
            check("the file", &case.open(entry, &AS_STORED), file_tolerance);
        }
    }
}

/// `exif` has orientation 6: turn clockwise by a quarter. The other images have none.
#[test]
fn exif_orientation_is_applied() {
    Case::all().for_each(|case| check_orientation(&case));
}

fn check_orientation(case: &Case) {
    for (name, entry) in case.images() {
        let stored = DynamicImage::ImageRgb8(case.open(entry, &AS_STORED));
        let expected = if name == "exif" {
            stored.rotate90()
        } else {
            stored
        };
        let upright = case.open(entry, &DecodeOptions::default());
        assert!(upright == expected.into_rgb8(), "{name}");
    }
}

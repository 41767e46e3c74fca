use serde_json::Value;
use vary_vision::preprocess::{DecodeOptions, ImageProcessor, open, tile_grid, tiles};

use crate::cases;
use crate::support::{Tensors, dir, json};

fn planar(image: &image::RgbImage) -> Vec<u8> {
    (0..3)
        .flat_map(|channel| image.pixels().map(move |pixel| pixel.0[channel]))
        .collect()
}

fn numbers(value: &Value) -> Vec<u64> {
    let numbers = value.as_array().unwrap();
    numbers.iter().map(|n| n.as_u64().unwrap()).collect()
}

#[test]
fn grids_match() {
    for case in cases("got_preprocess") {
        let grids = json(&case, "grids.json");
        let grids = grids.as_array().unwrap();
        assert!(grids.len() > 50);
        for row in grids {
            let row = numbers(row);
            let counts = row[2] as usize..=row[3] as usize;
            let size = (row[0] as u32, row[1] as u32);
            let grid = tile_grid(size, row[4] as u32, &counts).unwrap();
            assert_eq!(grid.map(u64::from), [row[5], row[6]], "{row:?}");
        }
    }
}

#[test]
fn tiles_match() {
    for case in cases("got_preprocess") {
        let (config, io) = (
            json(&case, "config.json"),
            Tensors::read(&case, "io.safetensors"),
        );
        let size = config["tile"].as_u64().unwrap() as u32;
        let processor = ImageProcessor::vary(size as usize);
        for (name, picture) in config["pictures"].as_object().unwrap() {
            let path = dir(&case).join(picture["file"].as_str().unwrap());
            let image = open(path, &DecodeOptions::default()).unwrap();
            let bytes = |key: &str| {
                io.data(&format!("{name}.{key}"))
                    .try_to_vec::<u8>()
                    .unwrap()
            };
            let single = processor.resized(&image).unwrap();
            assert_eq!(planar(&single), bytes("single_u8"), "{name}");
            for limits in config["limits"].as_array().unwrap() {
                let limits = numbers(limits);
                let counts = limits[0] as usize..=limits[1] as usize;
                let tiles = tiles(&image, size, &counts).unwrap();
                let got: Vec<u8> = tiles.iter().flat_map(planar).collect();
                let key = format!("crop_{}_{}_u8", limits[0], limits[1]);
                assert!(got == bytes(&key), "{name} {key}");
                // The towers' own resizing leaves a tile as it is.
                assert!(tiles.iter().all(|t| processor.resized(t).unwrap() == *t));
            }
        }
    }
}

#[test]
fn impossible_counts_are_errors() {
    #[allow(clippy::reversed_empty_ranges)]
    for counts in [0..=3, 3..=2, 1..=65] {
        let error = tile_grid((10, 10), 24, &counts).unwrap_err();
        assert!(error.to_string().contains("tiles"), "{error}");
    }
}

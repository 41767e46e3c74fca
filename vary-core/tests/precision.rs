//! What a lower precision costs a small random Vary-toy. One test, in a process of its own: burn
//! draws from one generator for all threads.
#![allow(clippy::unwrap_used)]

use burn::module::Module;
use burn::prelude::*;
use image::RgbImage;
use vary_core::checkpoint::{CheckpointFiles, Precision, SaveOptions};
use vary_core::model::{FamilyConfig, FamilyModel, VaryModel, VaryToy, VaryToyConfig};

fn logits(model: &VaryToy, config: &VaryToyConfig) -> Vec<f32> {
    let place = config.image_placeholder();
    let mut ids = vec![5, place.start];
    ids.extend(vec![place.patch; place.len]);
    ids.extend([place.end, 17, 4, 90]);
    let image = RgbImage::from_fn(40, 30, |x, y| image::Rgb([x as u8 * 6, y as u8 * 8, 90]));
    let tokens = model.encode_images(&[&image]).unwrap();
    let embeds = model.embed(&[ids], Some(tokens)).unwrap();
    let lm = model.language_model();
    let logits = lm.logits(lm.forward(embeds, None, None));
    logits.into_data().iter::<f32>().collect()
}

fn norm(values: impl Iterator<Item = f32>) -> f32 {
    values.map(|x| x * x).sum::<f32>().sqrt()
}

#[test]
fn lower_precision_costs_little() {
    let device = Device::flex();
    device.seed(1);
    let mut config = VaryToyConfig::tiny(200);
    // Whole groups of 64 weights, so that matrices are packed.
    config.qwen.hidden_size = 64;
    config.qwen.intermediate_size = 256;
    let dir = tempfile::tempdir().unwrap();
    let random = config.init(&device);
    random
        .save(&config, dir.path(), &SaveOptions::default())
        .unwrap();
    let files = CheckpointFiles::open(dir.path()).unwrap();
    let load = |precision| VaryToy::from_files(&config, &files, &device, precision).unwrap();
    let exact = logits(&load(Precision::F32), &config);
    // A type that does not get through a layer panics, one that is not used costs nothing.
    for (precision, limit) in [
        (Precision::Bf16, 0.005),
        (Precision::Int8, 0.02),
        (Precision::Int4, 0.3),
    ] {
        let model = load(precision);
        let got = logits(&model, &config);
        let difference = norm(got.iter().zip(&exact).map(|(a, b)| a - b));
        let error = difference / norm(exact.iter().copied());
        println!("{precision}: logits off by {error:.2e} of their size");
        assert!(error > 1e-5 && error < limit, "{precision}: {error}");

        // Packed weights are written when they are plain again, and never as something else.
        let copy = dir.path().join(precision.to_string());
        let options = SaveOptions::default();
        let refused = model.save(&config, &copy, &options).unwrap_err();
        assert!(refused.to_string().contains("materialize"), "{refused}");
        model.materialize().save(&config, &copy, &options).unwrap();
        let copy = CheckpointFiles::open(copy).unwrap();
        let copy = VaryToy::from_files(&config, &copy, &device, Precision::F32).unwrap();
        let again = logits(&copy, &config);
        let difference = norm(again.iter().zip(&exact).map(|(a, b)| a - b));
        let error = difference / norm(exact.iter().copied());
        assert!(error > 1e-5 && error < limit, "{precision}: {error}");
    }

    #[cfg(feature = "nano")]
    for precision in [Precision::Bf16, Precision::Int8, Precision::Int4] {
        let builder = vary_core::Pipeline::builder().device(device.clone());
        let vary = builder.precision(precision).build().unwrap();
        vary.detect(&RgbImage::new(64, 64)).unwrap();
    }
}

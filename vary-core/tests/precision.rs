//! What a lower precision costs a small random Vary-toy. One test, in a process of its own: burn draws
//! from one generator for all threads.
#![allow(clippy::unwrap_used)]

use burn::prelude::*;
use image::RgbImage;
use vary_core::checkpoint::{CheckpointFiles, Precision, SaveOptions};
use vary_core::model::{VaryModel, VaryToy, VaryToyConfig};

fn logits(model: &VaryToy, config: &VaryToyConfig) -> Vec<f32> {
    let place = config.image_place();
    let mut ids = vec![5, place.start];
    ids.extend(vec![place.patch; place.len]);
    ids.extend([place.end, 17, 4, 90]);
    let picture = RgbImage::from_fn(40, 30, |x, y| image::Rgb([x as u8 * 6, y as u8 * 8, 90]));
    let tokens = model.encode_picture(&picture).unwrap();
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
    let config = VaryToyConfig::tiny(200);
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
        (Precision::Bf16, 0.02),
        (Precision::Int8, 0.02),
        (Precision::Int4, 0.3),
    ] {
        let got = logits(&load(precision), &config);
        let difference = norm(got.iter().zip(&exact).map(|(a, b)| a - b));
        let error = difference / norm(exact.iter().copied());
        println!("{precision}: logits off by {error:.2e} of their size");
        assert!(error > 1e-5 && error < limit, "{precision}: {error}");
    }

    #[cfg(feature = "nano")]
    for precision in [Precision::Bf16, Precision::Int8, Precision::Int4] {
        let builder = vary_core::Pipeline::builder().device(device.clone());
        match builder.precision(precision).build() {
            Ok(vary) => {
                assert_eq!(precision, Precision::Bf16);
                vary.detect(&RgbImage::new(64, 64)).unwrap();
            }
            Err(error) => assert!(
                matches!(error, vary_core::Error::UnsupportedPrecision { .. }),
                "{precision}: {error}"
            ),
        }
    }
}

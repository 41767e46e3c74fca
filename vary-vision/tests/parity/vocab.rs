use burn::prelude::*;
use vary_vision::vocab::{KEYS, VisionVocabulary, VisionVocabularyConfig};

use crate::cases;
use crate::support::{Tensors, assert_close, devices, fill, json};

const TOLERANCE: f32 = 2e-4;

fn load(case: &str, device: &Device) -> VisionVocabulary {
    let config: VisionVocabularyConfig = serde_json::from_value(json(case, "config.json")).unwrap();
    config.validate().unwrap();
    let weights = Tensors::read(case, "weights.safetensors");
    let official = |path: &str| {
        KEYS.iter().fold(path.to_owned(), |path, (field, name)| {
            path.replace(field, name)
        })
    };
    let (network, used) = fill(config.init(device), &weights, official);
    assert_eq!(used, weights.names().len(), "tensors of the file used");
    network
}

#[test]
fn every_stage_matches() {
    cases("vocab").iter().for_each(|case| check_stages(case));
}

fn check_stages(case: &str) {
    let io = Tensors::read(case, "io.safetensors");
    for device in devices() {
        let network = load(case, &device);
        let image = io.float::<4>("image", &device);

        let mut x = network.embed(image.clone());
        assert_close(
            "patch_embed_plus_pos",
            x.clone(),
            io.data("patch_embed_plus_pos"),
            TOLERANCE,
        );
        for (i, block) in network.blocks.iter().enumerate() {
            let name = format!("block_{i}");
            x = block.forward(x);
            assert_close(&name, x.clone(), io.data(&name), TOLERANCE);
        }
        assert_close(
            "features",
            network.features(image.clone()),
            x.to_data(),
            0.0,
        );
        let neck = network.neck.forward(x);
        assert_close("neck", neck.clone(), io.data("neck"), TOLERANCE);
        let net_2 = network.net_2.forward(neck);
        assert_close("net_2", net_2.clone(), io.data("net_2"), TOLERANCE);
        let net_3 = network.net_3.forward(net_2);
        assert_close("net_3", net_3, io.data("net_3"), TOLERANCE);
        assert_close(
            "tokens",
            network.forward(image),
            io.data("tokens"),
            TOLERANCE,
        );
    }
}

use burn::module::{ModuleMapper, Param};
use burn::prelude::*;
use vary_vision::vocab::{KEYS, VisionVocabulary, VisionVocabularyConfig};

use crate::support::{Tensors, assert_close, devices, json};

const TOLERANCE: f32 = 2e-4;

/// Fills a module from official names. The real loader lives in `vary-core`, above this crate.
struct Fill<'a> {
    weights: &'a Tensors,
    path: Vec<String>,
    used: usize,
}

impl ModuleMapper for Fill<'_> {
    fn enter_module(&mut self, name: &str, _container: &str) {
        self.path.push(name.to_owned());
    }

    fn exit_module(&mut self, _name: &str, _container: &str) {
        self.path.pop();
    }

    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        let mut name = self
            .path
            .join(".")
            .replace(".gamma", ".weight")
            .replace(".beta", ".bias");
        for (field, official) in KEYS {
            name = name.replace(field, official);
        }
        let mut tensor = self.weights.float::<D>(&name, &param.lazy_device());
        if D == 2 && name.ends_with(".weight") {
            tensor = tensor.transpose();
        }
        assert_eq!(
            tensor.dims().as_slice(),
            param.lazy_shape().as_slice(),
            "{name}: shape"
        );
        self.used += 1;
        Param::initialized(param.id, tensor)
    }
}

fn load(device: &Device) -> VisionVocabulary {
    let config: VisionVocabularyConfig =
        serde_json::from_value(json("vocab", "config.json")).unwrap();
    config.validate().unwrap();
    let weights = Tensors::read("vocab", "weights.safetensors");
    let mut fill = Fill {
        weights: &weights,
        path: vec![],
        used: 0,
    };
    let network = config.init(device).map(&mut fill);
    assert_eq!(fill.used, weights.names().len(), "tensors of the file used");
    network
}

#[test]
fn every_stage_matches() {
    let io = Tensors::read("vocab", "io.safetensors");
    for device in devices() {
        let network = load(&device);
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

use burn::prelude::*;
use vary_vision::clip::{ClipVision, ClipVisionConfig};

use crate::cases;
use crate::support::{Tensors, assert_close, devices, fill, json};

const TOLERANCE: f32 = 1e-4;

fn load(case: &str, device: &Device) -> ClipVision {
    let config: ClipVisionConfig = serde_json::from_value(json(case, "config.json")).unwrap();
    config.validate().unwrap();
    let weights = Tensors::read(case, "weights.safetensors");
    let official = |path: &str| format!("vision_model.{path}");
    let (tower, used) = fill(config.init(device), &weights, official);
    let named = weights.names();
    let weights = named.iter().filter(|name| !name.ends_with("position_ids"));
    assert_eq!(used, weights.count(), "every weight is used");
    tower
}

#[test]
fn hidden_states_match() {
    cases("clip").iter().for_each(|case| check_states(case));
}

fn check_states(case: &str) {
    let io = Tensors::read(case, "io.safetensors");
    for device in devices() {
        let tower = load(case, &device);
        let pixels = io.float::<4>("pixel_values", &device);
        let layers = tower.encoder.layers.len();
        let mut states = vec![];
        let last = tower.forward_states(pixels.clone(), layers, |x| states.push(x.clone()));
        assert_eq!(states.len(), layers + 1);
        for (i, state) in states.into_iter().enumerate() {
            let name = format!("hidden_state_{i}");
            assert_close(&name, state, io.data(&name), TOLERANCE);
        }
        let class = tower.post_layernorm.forward(last.clone().narrow(1, 0, 1));
        let class = class.squeeze_dim::<2>(1);
        assert_close("last", last, io.data("last_hidden_state"), TOLERANCE);
        assert_close("pooler", class, io.data("pooler_output"), TOLERANCE);

        let selected = tower.forward(pixels, -2);
        assert_close("selected", selected, io.data("selected_tokens"), TOLERANCE);
    }
}

use burn::prelude::*;
use vary_lm::LanguageModel;
use vary_lm::opt::{Decoder, OptConfig, interpolate_positions};

use crate::support::{Tensors, assert_close, devices, fill, json};
use crate::{assert_close_masked, ints};

const TOLERANCE: f32 = 2e-4;

fn load(device: &Device) -> Decoder {
    let config: OptConfig = serde_json::from_value(json("opt", "config.json")).unwrap();
    config.validate().unwrap();
    let weights = Tensors::read("opt", "weights.safetensors");
    let official = |path: &str| format!("model.decoder.{path}");
    let (decoder, used) = fill(config.init(device), &weights, official);
    assert_eq!(
        used + 1,
        weights.names().len(),
        "all but the tied `lm_head.weight` are used"
    );
    decoder
}

#[test]
fn logits_and_hidden_states_match() {
    let io = Tensors::read("opt", "io.safetensors");
    for device in devices() {
        let decoder = load(&device);
        let mask = ints(&io, "attention_mask", &device);
        let embeds = decoder.embed(ints(&io, "input_ids", &device));
        let mut states = vec![];
        let hidden = decoder.forward_states(embeds, Some(mask.clone()), None, &mut |x| {
            states.push(x.clone())
        });
        assert_eq!(states.len(), decoder.layers.len() + 1);
        for (i, state) in states.into_iter().enumerate() {
            let name = format!("hidden_state_{i}");
            assert_close_masked(&name, state, io.data(&name), &mask, TOLERANCE);
        }
        assert_close_masked(
            "logits",
            decoder.logits(hidden),
            io.data("logits"),
            &mask,
            TOLERANCE,
        );

        let embeds = io.float::<3>("inputs_embeds", &device);
        let logits = decoder.logits(decoder.forward(embeds, None, None));
        assert_close("embeds_logits", logits, io.data("embeds_logits"), TOLERANCE);
    }
}

#[test]
fn left_padding_changes_nothing() {
    let io = Tensors::read("opt", "io.safetensors");
    for device in devices() {
        let decoder = load(&device);
        let mask = ints(&io, "left_padded_mask", &device);
        let embeds = decoder.embed(ints(&io, "left_padded_ids", &device));
        let logits = decoder.logits(decoder.forward(embeds, Some(mask.clone()), None));
        assert_close_masked(
            "left_padded_logits",
            logits,
            io.data("left_padded_logits"),
            &mask,
            TOLERANCE,
        );
    }
}

#[test]
fn greedy_ids_match() {
    let io = Tensors::read("opt", "io.safetensors");
    let expected: Vec<i64> = io.data("greedy_new_ids").try_to_vec().unwrap();
    for device in devices() {
        let decoder = load(&device);
        let prompt: Vec<i64> = io.data("greedy_prompt_ids").try_to_vec().unwrap();
        let embed = |ids: &[i64]| {
            let ids = Tensor::<1, Int>::from_data(TensorData::from(ids), &device);
            decoder.embed(ids.unsqueeze())
        };
        let last = |hidden: Tensor<3>| {
            let [_, seq, d_model] = hidden.dims();
            decoder.logits(hidden.slice([0..1, seq - 1..seq, 0..d_model]))
        };

        let mut cache = decoder.cache(1, prompt.len() + expected.len());
        let mut with_cache = last(decoder.forward(embed(&prompt), None, Some(&mut cache)));
        let mut ids = prompt.clone();
        let mut steps = vec![];
        for _ in 0..expected.len() {
            let without = last(decoder.forward(embed(&ids), None, None));
            assert_close("cache", with_cache.clone(), without.into_data(), TOLERANCE);
            steps.push(with_cache.clone().squeeze_dim::<2>(0));
            let id = with_cache
                .clone()
                .argmax(2)
                .into_data()
                .try_to_vec::<i32>()
                .map_or_else(
                    |_| {
                        with_cache
                            .argmax(2)
                            .into_data()
                            .try_to_vec::<i64>()
                            .unwrap()[0]
                    },
                    |ids| ids[0] as i64,
                );
            ids.push(id);
            with_cache = last(decoder.forward(embed(&[id]), None, Some(&mut cache)));
        }
        assert_eq!(&ids[prompt.len()..], expected);
        let steps = Tensor::cat(steps, 0);
        assert_close(
            "greedy_step_logits",
            steps,
            io.data("greedy_step_logits"),
            TOLERANCE,
        );
    }
}

#[test]
fn split_prompts_match() {
    let io = Tensors::read("opt", "io.safetensors");
    for device in devices() {
        let decoder = load(&device);
        let embeds = io.float::<3>("inputs_embeds", &device);
        let [batch, seq, d_model] = embeds.dims();
        for split in 1..seq {
            let mut cache = decoder.cache(batch, seq);
            let part = |from, to| embeds.clone().slice([0..batch, from..to, 0..d_model]);
            let first = decoder.forward(part(0, split), None, Some(&mut cache));
            let second = decoder.forward(part(split, seq), None, Some(&mut cache));
            let logits = decoder.logits(Tensor::cat(vec![first, second], 1));
            assert_close("split", logits, io.data("embeds_logits"), TOLERANCE);
        }
    }
}

#[test]
fn interpolated_positions_match() {
    let io = Tensors::read("opt", "io.safetensors");
    for device in devices() {
        let table = load(&device).embed_positions.weight.val();
        let positions = io.data("suggested_pos_interp_2x").shape()[0] - 2;
        let stretched = interpolate_positions(table.clone(), positions);
        assert_close(
            "positions",
            stretched,
            io.data("suggested_pos_interp_2x"),
            1e-6,
        );
        let same = interpolate_positions(table.clone(), table.dims()[0] - 2);
        assert_close("identity", same, table.into_data(), 0.0);
    }
}

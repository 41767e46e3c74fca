use burn::prelude::*;
use proptest::prelude::*;
use vary_lm::qwen::{KEYS, Qwen, QwenConfig};
use vary_lm::{KvCache, LanguageModel};

use crate::support::{Tensors, assert_close, devices, fill, json};
use crate::{assert_close_masked, ints};

const TOLERANCE: f32 = 3e-4;

fn config() -> QwenConfig {
    let config: QwenConfig = serde_json::from_value(json("qwen", "config.json")).unwrap();
    config.validate().unwrap();
    config
}

fn load(config: &QwenConfig, device: &Device) -> Qwen {
    let weights = Tensors::read("qwen", "weights.safetensors");
    let (field, name) = KEYS[0];
    let [field, name] = [field, name].map(|row| row.rsplit("*.").next().unwrap());
    let official = |path: &str| match path {
        "lm_head.weight" => path.to_owned(),
        _ => format!(
            "transformer.{}",
            path.replace("Fused.", "").replace(field, name)
        ),
    };
    let (model, used) = fill(config.init(device), &weights, official);
    assert_eq!(used, weights.names().len(), "every weight is used");
    model
}

fn logits(model: &Qwen, ids: Tensor<2, Int>) -> Tensor<3> {
    model.logits(model.forward(model.embed(ids), None, None))
}

#[test]
fn logits_and_hidden_states_match() {
    let io = Tensors::read("qwen", "io.safetensors");
    for device in devices() {
        let model = load(&config(), &device);
        let mask = ints(&io, "short_mask", &device);
        let embeds = model.embed(ints(&io, "short_ids", &device));
        let mut states = vec![];
        let hidden = model.forward_states(embeds, Some(mask.clone()), None, &mut |x| {
            states.push(x.clone())
        });
        assert_eq!(states.len(), model.h.len() + 1);
        let check =
            |name: &str, got| assert_close_masked(name, got, io.data(name), &mask, TOLERANCE);
        for (i, state) in states.into_iter().enumerate() {
            check(&format!("short_hidden_state_{i}"), state);
        }
        let with_mask = model.logits(hidden);
        check("short_logits", with_mask);
        // Padding stands on the right: causal attention needs no mask.
        check(
            "short_logits",
            logits(&model, ints(&io, "short_ids", &device)),
        );
    }
}

#[test]
fn left_padding_is_masked() {
    // The original counts padding as positions, so only the hidden keys can be compared: with the
    // rotary embedding, scores depend on distances alone.
    let io = Tensors::read("qwen", "io.safetensors");
    for device in devices() {
        let model = load(&config(), &device);
        let ids = ints(&io, "greedy_prompt_ids", &device);
        let [_, seq] = ids.dims();
        let alone = logits(&model, ids.clone());
        let padded = Tensor::cat(vec![Tensor::zeros([1, 5], &device), ids], 1);
        let mask = Tensor::cat(
            vec![
                Tensor::zeros([1, 5], &device),
                Tensor::ones([1, seq], &device),
            ],
            1,
        );
        let hidden = model.forward(model.embed(padded), Some(mask), None);
        let seen = model.logits(hidden).narrow(1, 5, seq);
        assert_close("left padding", seen, alone.into_data(), TOLERANCE);
    }
}

#[test]
fn long_prompts_in_evaluation() {
    let io = Tensors::read("qwen", "io.safetensors");
    for device in devices() {
        let model = load(&config(), &device);
        for name in ["at_seq_length", "long_a", "long_b"] {
            let got = logits(&model, ints(&io, &format!("{name}_ids"), &device));
            let name = format!("{name}_logits");
            assert_close(&name, got, io.data(&name), TOLERANCE);
        }
        let without = |change: fn(&mut QwenConfig)| {
            let mut config = config();
            change(&mut config);
            logits(&load(&config, &device), ints(&io, "long_a_ids", &device))
        };
        let got = without(|c| c.use_dynamic_ntk = false);
        let name = "long_a_no_ntk_logits";
        assert_close(name, got, io.data(name), TOLERANCE);
        let got = without(|c| c.use_logn_attn = false);
        let name = "long_a_no_logn_logits";
        assert_close(name, got, io.data(name), TOLERANCE);
    }
}

#[test]
fn greedy_ids_beyond_trained_length() {
    let io = Tensors::read("qwen", "io.safetensors");
    for device in devices() {
        let model = load(&config(), &device);
        for case in ["greedy", "cross"] {
            let name = |part: &str| format!("{case}_{part}");
            let prompt = ints(&io, &name("prompt_ids"), &device);
            let expected: Vec<i64> = io.data(&name("new_ids")).try_to_vec().unwrap();
            let mut cache = model.cache(1, prompt.dims()[1] + expected.len());
            let mut next = prompt;
            let mut steps = vec![];
            for &id in &expected {
                let step = model.next_logits(model.embed(next), &mut cache);
                let best: Vec<i64> = step.clone().argmax(1).into_data().iter().collect();
                assert_eq!(best, [id], "{case}: token {}", steps.len());
                steps.push(step);
                next = Tensor::from_data(TensorData::new(vec![id], [1, 1]), &device);
            }
            let steps = Tensor::cat(steps, 0);
            let golden = name("step_logits");
            let expected = Tensor::<2>::from_data(flat(io.data(&golden)), &device);
            assert_close(&golden, steps, expected.into_data(), TOLERANCE);
        }
    }
}

/// `[steps, vocab]`, whatever dimensions of one the file has around it.
fn flat(data: TensorData) -> TensorData {
    let vocab = data.shape()[data.shape().num_dims() - 1];
    let values: Vec<f32> = data.try_to_vec().unwrap();
    let steps = values.len() / vocab;
    TensorData::new(values, [steps, vocab])
}

#[test]
fn the_cache_holds_rotated_keys() {
    let io = Tensors::read("qwen", "io.safetensors");
    for device in devices() {
        let model = load(&config(), &device);
        let ids = ints(&io, "short_ids", &device);
        let mut cache = model.cache(ids.dims()[0], ids.dims()[1]);
        model.forward(model.embed(ids), None, Some(&mut cache));
        let (k, v) = cache.layer_tensors(0).unwrap();
        let mask = ints(&io, "short_mask", &device);
        for (got, name) in [
            (k, "short_layer0_key_cache"),
            (v, "short_layer0_value_cache"),
        ] {
            // The original keeps `[batch, seq, n_heads, head_dim]`.
            let [batch, heads, seq, dim] = got.dims();
            let got = got.swap_dims(1, 2).reshape([batch, seq, heads * dim]);
            let expected = Tensor::<4>::from_data(io.data(name), &device);
            let expected = expected.reshape([batch, seq, heads * dim]).into_data();
            assert_close_masked(name, got, expected, &mask, TOLERANCE);
        }
    }
}

/// Reads `ids` in the parts that `cuts` make; returns the logits of every position.
fn in_parts(model: &Qwen, ids: &Tensor<2, Int>, cuts: &[usize], mut cache: KvCache) -> Tensor<3> {
    let [_, seq] = ids.dims();
    let mut bounds: Vec<usize> = cuts.iter().map(|cut| cut % seq).chain([0, seq]).collect();
    bounds.sort_unstable();
    bounds.dedup();
    let parts = bounds.windows(2).map(|bound| {
        let part = ids.clone().narrow(1, bound[0], bound[1] - bound[0]);
        model.logits(model.forward(model.embed(part), None, Some(&mut cache)))
    });
    Tensor::cat(parts.collect(), 1)
}

#[test]
fn split_prompts_match() {
    let io = Tensors::read("qwen", "io.safetensors");
    for device in devices() {
        let model = load(&config(), &device);
        // Also of prompts beyond the trained length, whose stretch hangs on their whole length.
        for name in ["short", "at_seq_length", "long_a", "long_b"] {
            let ids = ints(&io, &format!("{name}_ids"), &device).narrow(0, 0, 1);
            let whole = logits(&model, ids.clone()).into_data();
            let [_, seq] = ids.dims();
            let run = |cuts: &[usize]| {
                let cache = model.cache(1, seq).with_prompt_len(seq);
                let parts = in_parts(&model, &ids, cuts, cache);
                assert_close("split", parts, whole.clone(), TOLERANCE);
            };
            for cut in 1..seq {
                run(&[cut]);
            }
            run(&(1..seq).collect::<Vec<_>>());
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]
    #[test]
    fn logits_of_prompts_in_parts(cuts in prop::collection::vec(0usize..4096, 0..6)) {
        let io = Tensors::read("qwen", "io.safetensors");
        let device = Device::flex();
        let model = load(&config(), &device);
        let ids = ints(&io, "long_a_ids", &device);
        let whole = logits(&model, ids.clone()).into_data();
        let cache = model.cache(1, ids.dims()[1]).with_prompt_len(ids.dims()[1]);
        assert_close("parts", in_parts(&model, &ids, &cuts, cache), whole, TOLERANCE);
    }
}

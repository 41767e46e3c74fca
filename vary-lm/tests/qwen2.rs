//! Qwen2-family decoders: separate projections and fewer key heads are the same network.
#![allow(clippy::unwrap_used)]

use burn::module::Param;
use burn::prelude::*;
use vary_lm::LanguageModel;
use vary_lm::qwen::{QkvProjection, Qwen, Qwen2Config, QwenConfig};

fn config() -> Qwen2Config {
    let json = serde_json::json!({
        "model_type": "qwen2", "vocab_size": 50, "hidden_size": 32, "intermediate_size": 48,
        "num_hidden_layers": 2, "num_attention_heads": 4, "num_key_value_heads": 2,
        "max_position_embeddings": 64, "rms_norm_eps": 1e-6, "rope_theta": 1e6,
        "tie_word_embeddings": true, "use_sliding_window": false,
    });
    serde_json::from_value(json).unwrap()
}

fn logits(model: &Qwen, ids: &[i32]) -> Vec<f32> {
    let ids = Tensor::from_data(
        TensorData::new(ids.to_vec(), [1, ids.len()]),
        &model.device(),
    );
    let hidden = model.forward(model.embed(ids), None, None);
    model.logits(hidden).into_data().try_to_vec().unwrap()
}

fn assert_close(a: &[f32], b: &[f32]) {
    let worst = a
        .iter()
        .zip(b)
        .map(|(a, b)| (a - b).abs())
        .fold(0.0, f32::max);
    assert!(a.len() == b.len() && worst < 1e-5, "off by {worst}");
    assert!(a.iter().any(|x| x.abs() > 1e-3), "all but zero");
}

#[test]
fn qwen2_config_is_read() {
    let config = QwenConfig::from(config());
    config.validate().unwrap();
    assert_eq!((config.kv_channels, config.kv_heads()), (8, 2));
    assert!(config.separate_qkv && config.tie_word_embeddings);
    assert!(!config.use_dynamic_ntk && !config.use_logn_attn);
    let model = config.init(&Device::flex());
    assert!(model.lm_head.is_none());
    assert_eq!(model.h[0].mlp.w1.weight.dims(), [32, 48]);
}

/// Makes the fused model with all heads out of the separate one, a key head for each query head.
fn fuse(separate: &Qwen, config: &QwenConfig) -> Qwen {
    let fused = QwenConfig {
        separate_qkv: false,
        num_key_value_heads: None,
        ..config.clone()
    };
    let mut model = fused.init(&Device::flex());
    model.wte = separate.wte.clone();
    model.ln_f = separate.ln_f.clone();
    let (heads, dim) = (config.num_attention_heads, config.kv_channels);
    let group = heads / config.kv_heads();
    // Columns of key head 0 twice, then those of head 1 twice.
    let columns: Vec<i32> = (0..heads)
        .flat_map(|h| (0..dim).map(move |i| (h / group * dim + i) as i32))
        .collect();
    let columns = Tensor::<1, Int>::from_ints(columns.as_slice(), &Device::flex());
    for (block, from) in model.h.iter_mut().zip(&separate.h) {
        block.ln_1 = from.ln_1.clone();
        block.ln_2 = from.ln_2.clone();
        block.mlp = from.mlp.clone();
        block.attn.c_proj = from.attn.c_proj.clone();
        let (QkvProjection::Separate(qkv), QkvProjection::Fused(all)) =
            (&from.attn.qkv, &mut block.attn.qkv)
        else {
            unreachable!("one of each kind")
        };
        let weight = vec![
            qkv.q_proj.weight.val(),
            qkv.k_proj.weight.val().select(1, columns.clone()),
            qkv.v_proj.weight.val().select(1, columns.clone()),
        ];
        all.c_attn.weight = Param::from_tensor(Tensor::cat(weight, 1));
        let bias = |linear: &burn::nn::Linear| linear.bias.as_ref().unwrap().val();
        let bias = vec![
            bias(&qkv.q_proj),
            bias(&qkv.k_proj).select(0, columns.clone()),
            bias(&qkv.v_proj).select(0, columns.clone()),
        ];
        all.c_attn.bias = Some(Param::from_tensor(Tensor::cat(bias, 0)));
    }
    model
}

#[test]
fn separate_projections_match_fused() {
    let config = QwenConfig::from(config());
    let separate = config.init(&Device::flex());
    let ids = [3, 1, 4, 1, 5, 9, 2, 6];
    let expected = logits(&separate, &ids);
    assert_close(&logits(&fuse(&separate, &config), &ids), &expected);

    let mut cache = separate.cache(1, ids.len());
    let mut last = vec![];
    for id in ids {
        let id = Tensor::from_data(TensorData::new(vec![id], [1, 1]), &Device::flex());
        let step = separate.next_logits(separate.embed(id), &mut cache);
        last = step.into_data().try_to_vec().unwrap();
    }
    assert_close(&last, &expected[expected.len() - last.len()..]);
}

#[test]
fn inconsistent_sizes_are_named() {
    type Change = fn(&mut QwenConfig);
    let changes: [(Change, &str); 9] = [
        (|c| c.vocab_size = 0, "`vocab_size`"),
        (|c| c.num_key_value_heads = Some(3), "`num_key_value_heads`"),
        (|c| c.kv_channels = 7, "`kv_channels`"),
        (|c| c.kv_channels = 2, "`kv_channels`"),
        (|c| c.intermediate_size = 65, "`intermediate_size`"),
        (|c| c.rotary_pct = 0.5, "`rotary_pct`"),
        (|c| c.rotary_emb_base = f64::NAN, "`rotary_emb_base`"),
        (|c| c.layer_norm_epsilon = 0.0, "`layer_norm_epsilon`"),
        (|c| c.seq_length = 1, "`seq_length`"),
    ];
    for (change, named) in changes {
        let mut config = QwenConfig::tiny(50);
        change(&mut config);
        let error = config.validate().unwrap_err().to_string();
        assert!(error.contains(named), "{error}");
    }
    QwenConfig::qwen_1_8b().validate().unwrap();
}

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use burn::module::Module;
use burn::prelude::*;
use safetensors::tensor::{Dtype, SafeTensors, TensorView};
use serde_json::{Value, json};
use vary_core::Error;
use vary_core::model::{FamilyConfig, FamilyModel, VaryModel, VaryTiny};
use vary_core::train::{LoraConfig, Trained, load_adapters, save_adapters};

use crate::support::{
    config, drawing, moved, opt_tokenizer, parameters, qwen_tokenizer, tiny, toy, train,
};

const LORA: LoraConfig = LoraConfig {
    rank: 4,
    alpha: 6.0,
    quantized: None,
    projectors: true,
};

/// Trains adapters and writes them to `dir`.
fn trained<M: FamilyModel>(
    model: M,
    lora: LoraConfig,
    tokenizer: vary_lm::tokenizer::Tokenizer,
    dir: &Path,
) -> M {
    let run = tempfile::tempdir().unwrap();
    let trained = Trained::Lora(lora);
    let (tuned, _) = train(model, trained, tokenizer, config(4), run.path()).unwrap();
    save_adapters(&tuned, &lora, dir).unwrap();
    tuned
}

fn logits<M: VaryModel>(model: &M) -> Vec<f32> {
    let lm = model.language_model();
    let ids = [(5..25).collect::<Vec<u32>>()];
    let hidden = lm.forward(model.embed(&ids, None).unwrap(), None, None);
    lm.logits(hidden).into_data().try_to_vec().unwrap()
}

fn names(dir: &Path) -> BTreeMap<String, Vec<usize>> {
    let bytes = fs::read(dir.join("adapter_model.safetensors")).unwrap();
    let file = SafeTensors::deserialize(&bytes).unwrap();
    let tensors = file.tensors().into_iter();
    tensors.map(|(n, t)| (n, t.shape().to_vec())).collect()
}

fn adapter_config(dir: &Path) -> Value {
    serde_json::from_slice(&fs::read(dir.join("adapter_config.json")).unwrap()).unwrap()
}

#[test]
fn adapters_round_trip() {
    let _turn = drawing();
    let dir = tempfile::tempdir().unwrap();
    let (device, plain) = (Device::flex().autodiff(), Device::flex());
    let tuned = trained(tiny(&device), LORA, opt_tokenizer(), dir.path());
    let expected = logits(&tuned.valid());
    assert_ne!(expected, logits(&tiny(&plain)));

    // For inference: bit for bit, with adapters and merged.
    let (model, lora) = load_adapters(tiny(&plain), dir.path()).unwrap();
    assert_eq!(lora, LORA);
    assert!(parameters(&model) == parameters(&tuned));
    assert_eq!(logits(&model), expected);
    assert_eq!(
        logits(&model.materialize()),
        logits(&tuned.valid().materialize())
    );

    // To train on: the same parameters are trained.
    let (model, lora) = load_adapters(tiny(&device), dir.path()).unwrap();
    let again = tempfile::tempdir().unwrap();
    save_adapters(&model, &lora, again.path()).unwrap();
    for file in ["adapter_config.json", "adapter_model.safetensors"] {
        let read = |dir: &Path| fs::read(dir.join(file)).unwrap();
        assert!(read(dir.path()) == read(again.path()), "{file}");
    }
    let objective = crate::support::objective(&model, opt_tokenizer());
    let run = tempfile::tempdir().unwrap();
    let trainer = vary_core::train::Trainer::new(config(2), run.path()).unwrap();
    let further = trainer.fit(&objective, model.clone()).unwrap();
    let paths = moved(&model, &further);
    let trained = |p: &String| p.contains(".lora.") || p.starts_with("mm_projector");
    assert_eq!(paths.len(), 2 * 6 * 2 + 2, "{paths:?}");
    assert!(paths.iter().all(trained), "{paths:?}");
}

#[test]
fn adapter_names_match_peft() {
    let _turn = drawing();
    let dir = tempfile::tempdir().unwrap();
    let device = Device::flex().autodiff();
    let tuned = trained(toy(&device), LORA, qwen_tokenizer(), dir.path());
    let names = names(dir.path());
    let base = "base_model.model.transformer.h.0.attn.c_attn";
    let vary_lm::qwen::QkvProjection::Fused(fused) = &tuned.qwen.h[0].attn.qkv else {
        unreachable!("Qwen-1 has one matrix")
    };
    let [d_in, d_out] = fused.c_attn.weight.dims();
    assert_eq!(names[&format!("{base}.lora_A.weight")], [4, d_in]);
    assert_eq!(names[&format!("{base}.lora_B.weight")], [d_out, 4]);
    let saved = names.keys().filter(|name| !name.contains(".lora_"));
    let saved: Vec<_> = saved.collect();
    let file = |n: &str, p: &str| format!("base_model.model.transformer.{n}.{p}");
    let projectors = ["mm_projector", "mm_projector_vary"];
    let expected = projectors.map(|n| [file(n, "bias"), file(n, "weight")]);
    assert_eq!(saved, expected.iter().flatten().collect::<Vec<_>>());

    let config = adapter_config(dir.path());
    assert_eq!(config["peft_type"], "LORA");
    assert_eq!(
        [&config["r"], &config["lora_alpha"]],
        [&json!(4), &json!(6.0)]
    );
    let modules = config["target_modules"].as_array().unwrap();
    assert_eq!(2 * modules.len() + 4, names.len());
    assert!(modules.contains(&json!("transformer.h.0.attn.c_attn")));
    let (model, _) = load_adapters(toy(&Device::flex()), dir.path()).unwrap();
    assert!(parameters(&model) == parameters(&tuned));
}

#[test]
fn adapters_of_some_layers_load() {
    let _turn = drawing();
    let dir = tempfile::tempdir().unwrap();
    let lora = LoraConfig {
        projectors: false,
        ..LORA
    };
    trained(
        tiny(&Device::flex().autodiff()),
        lora,
        opt_tokenizer(),
        dir.path(),
    );
    assert_eq!(names(dir.path()).len(), 2 * 6 * 2);
    // As PEFT writes adapters of queries and values: last segments, more fields, bf16.
    let mut config = adapter_config(dir.path());
    config["target_modules"] = json!(["q_proj", "v_proj"]);
    config["use_dora"] = json!(false);
    config["rank_pattern"] = json!({});
    config["init_lora_weights"] = json!(true);
    fs::write(dir.path().join("adapter_config.json"), config.to_string()).unwrap();
    rewrite(dir.path(), |name, values| {
        (name.contains("q_proj") || name.contains("v_proj")).then_some(values)
    });
    let (model, found) = load_adapters(tiny(&Device::flex()), dir.path()).unwrap();
    assert_eq!(found, lora);
    let is_adapter = |path: &&String| path.contains(".lora.");
    let parameters = parameters(&model);
    assert_eq!(parameters.keys().filter(is_adapter).count(), 2 * 2 * 2);
    assert_ne!(logits(&model), logits(&tiny(&Device::flex())));
}

/// Rewrites the tensors in bf16, without those that `change` drops.
fn rewrite(dir: &Path, change: impl Fn(&str, Vec<f32>) -> Option<Vec<f32>>) {
    let path = dir.join("adapter_model.safetensors");
    let bytes = fs::read(&path).unwrap();
    let file = SafeTensors::deserialize(&bytes).unwrap();
    let mut tensors = vec![];
    for (name, view) in file.tensors() {
        let words = view.data().chunks_exact(4);
        let values = words.map(|w| f32::from_le_bytes(w.try_into().unwrap()));
        if let Some(values) = change(&name, values.collect()) {
            let halves = values.into_iter().map(half::bf16::from_f32);
            let bytes: Vec<u8> = halves.flat_map(half::bf16::to_le_bytes).collect();
            tensors.push((name, view.shape().to_vec(), bytes));
        }
    }
    let views = tensors.iter().map(|(name, shape, bytes)| {
        let view = TensorView::new(Dtype::BF16, shape.clone(), bytes).unwrap();
        (name.as_str(), view)
    });
    let bytes = safetensors::serialize(views.collect::<Vec<_>>(), None).unwrap();
    fs::write(path, bytes).unwrap();
}

fn refused(model: VaryTiny, dir: &Path, parts: &[&str]) {
    let error = load_adapters(model, dir).unwrap_err();
    assert!(matches!(error, Error::Adapters { .. }), "{error}");
    for part in parts {
        assert!(error.to_string().contains(part), "{part}: {error}");
    }
}

#[test]
fn foreign_adapters_are_refused() {
    let _turn = drawing();
    let device = Device::flex().autodiff();
    let write = |dir: &Path| trained(tiny(&device), LORA, opt_tokenizer(), dir);
    let dir = tempfile::tempdir().unwrap();
    let tuned = write(dir.path());
    let base = || tiny(&Device::flex());

    // Another width.
    let mut sizes = crate::support::tiny_config();
    sizes.opt.ffn_dim = 96;
    let shapes = ["fc1.lora_B.weight", "[64, 4]", "[96, 4]"];
    refused(sizes.init(&Device::flex()), dir.path(), &shapes);
    // Another family.
    let error = load_adapters(toy(&Device::flex()), dir.path()).unwrap_err();
    assert!(error.to_string().contains("no linear layer"), "{error}");
    // A model that has adapters, or another rank.
    refused(tuned.clone(), dir.path(), &["already"]);
    let other = LoraConfig { rank: 8, ..LORA };
    let error = save_adapters(&tuned, &other, dir.path()).unwrap_err();
    assert!(error.to_string().contains("rank 4, not 8"), "{error}");
    let error = save_adapters(&base(), &LORA, dir.path()).unwrap_err();
    assert!(error.to_string().contains("no adapters"), "{error}");

    // Tensors that are missing, too many, or NaN.
    rewrite(dir.path(), |name, values| {
        (!name.contains("layers.0.fc1.lora_A")).then_some(values)
    });
    refused(
        base(),
        dir.path(),
        &["layers.0.fc1.lora_A.weight` is missing"],
    );
    write(dir.path());
    let config = adapter_config(dir.path());
    let with = |field: &str, value: Value| {
        let mut config = config.clone();
        config[field] = value;
        fs::write(dir.path().join("adapter_config.json"), config.to_string()).unwrap();
    };
    with("modules_to_save", Value::Null);
    refused(base(), dir.path(), &["no place for", "mm_projector.bias"]);
    with("use_dora", json!(true));
    refused(base(), dir.path(), &["use_dora"]);
    with("peft_type", json!("IA3"));
    refused(base(), dir.path(), &["IA3"]);
    with("r", json!(4));
    rewrite(dir.path(), |_, mut values| {
        values[0] = f32::NAN;
        Some(values)
    });
    refused(base(), dir.path(), &["NaN"]);
    let file = dir.path().join("adapter_model.safetensors");
    let bytes = fs::read(&file).unwrap();
    fs::write(&file, &bytes[..bytes.len() / 2]).unwrap();
    refused(base(), dir.path(), &["adapter_model.safetensors"]);
}

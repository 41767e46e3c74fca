use burn::module::Module;
use burn::prelude::*;
use vary_core::Pipeline;
use vary_core::checkpoint::{Precision, SaveOptions, save_tokenizer};
use vary_core::model::{FamilyModel, VaryModel, VaryTiny};
use vary_core::train::{LoraConfig, Trained};

use crate::support::{
    config, drawing, moved, opt_tokenizer, qwen_tokenizer, tiny, tiny_config, toy, train,
};

fn lora(quantized: Option<Precision>, projectors: bool) -> Trained {
    Trained::Lora(LoraConfig {
        rank: 4,
        alpha: 8.0,
        quantized,
        projectors,
    })
}

/// Trains, checks that the loss falls, and returns the parameters that changed.
fn outcome<M: FamilyModel>(
    model: M,
    trained: Trained,
    tokenizer: vary_lm::tokenizer::Tokenizer,
) -> (Vec<String>, M) {
    let dir = tempfile::tempdir().unwrap();
    let mut config = config(12);
    config.learning_rate = 1e-2;
    let before = trained.prepare(model.clone(), 9).unwrap();
    let (after, losses) = train(model, trained, tokenizer, config, dir.path()).unwrap();
    let mean = |part: &[f64]| part.iter().sum::<f64>() / part.len() as f64;
    assert!(
        mean(&losses[9..]) < 0.98 * mean(&losses[..3]),
        "the loss falls: {losses:?}"
    );
    (moved(&before, &after), after)
}

#[test]
fn frozen_towers_stay() {
    let _turn = drawing();
    let device = Device::flex().autodiff();
    let (paths, _) = outcome(tiny(&device), Trained::LanguageModel, opt_tokenizer());
    assert!(!paths.is_empty() && !paths.iter().any(|p| p.starts_with("vision_tower")));
    assert!(paths.contains(&"mm_projector.weight".into()));
    let (paths, _) = outcome(toy(&device), Trained::LanguageModel, qwen_tokenizer());
    assert!(!paths.is_empty() && !paths.iter().any(|p| p.starts_with("vision_tower")));
    assert!(paths.contains(&"mm_projector_vary.weight".into()));
    let (paths, _) = outcome(tiny(&device), Trained::Everything, opt_tokenizer());
    assert!(paths.iter().any(|p| p.starts_with("vision_tower.blocks")));
}

#[test]
fn only_adapters_move() {
    let _turn = drawing();
    let device = Device::flex().autodiff();
    let is_adapter = |p: &String| p.contains(".lora.");
    for quantized in [None, Some(Precision::Int8)] {
        let (paths, _) = outcome(tiny(&device), lora(quantized, false), opt_tokenizer());
        // Query, key, value, output and two of the feed-forward part, in two layers, two factors.
        assert_eq!(paths.len(), 2 * 6 * 2, "{paths:?}");
        assert!(paths.iter().all(is_adapter), "{paths:?}");
        let (paths, _) = outcome(toy(&device), lora(quantized, true), qwen_tokenizer());
        let (adapters, others): (Vec<_>, Vec<_>) = paths.into_iter().partition(is_adapter);
        assert!(!adapters.is_empty() && adapters.iter().all(|p| p.starts_with("qwen.h.")));
        let projectors = ["mm_projector", "mm_projector_vary"];
        let both = |name: &str| [format!("{name}.bias"), format!("{name}.weight")];
        assert_eq!(others, projectors.map(both).concat());
    }
}

#[test]
fn merged_model_reopens() {
    let _turn = drawing();
    let device = Device::flex().autodiff();
    let (_, tuned) = outcome(tiny(&device), lora(None, false), opt_tokenizer());
    let dir = tempfile::tempdir().unwrap();
    let merged = tuned.valid().materialize();
    merged
        .save(&tiny_config(), dir.path(), &SaveOptions::default())
        .unwrap();
    save_tokenizer(&opt_tokenizer(), dir.path()).unwrap();

    let plain = Device::flex();
    let (loaded, _) = VaryTiny::load(dir.path(), &plain).unwrap();
    let logits = |model: &VaryTiny| {
        let lm = model.language_model();
        let ids = [(5..25).collect::<Vec<u32>>()];
        let hidden = lm.forward(model.embed(&ids, None).unwrap(), None, None);
        lm.logits(hidden).into_data().try_to_vec::<f32>().unwrap()
    };
    let (with_adapters, loaded, base) = (
        logits(&tuned.valid()),
        logits(&loaded),
        logits(&tiny(&plain)),
    );
    let distance = |a: &[f32], b: &[f32]| {
        let pairs = a.iter().zip(b);
        pairs.map(|(a, b)| (a - b).abs()).fold(0f32, f32::max)
    };
    assert!(distance(&with_adapters, &loaded) < 1e-5);
    assert!(
        distance(&with_adapters, &base) > 1e-2,
        "the adapters do something"
    );
    Pipeline::builder()
        .weights(vary_core::Weights::dir(dir.path()))
        .device(plain)
        .build()
        .unwrap();
}

#[test]
fn bad_lora_settings_are_refused() {
    let _turn = drawing();
    let device = Device::flex().autodiff();
    let none = Trained::Lora(LoraConfig {
        rank: 0,
        ..LoraConfig::default()
    });
    let error = none.prepare(tiny(&device), 1).unwrap_err().to_string();
    assert!(error.contains("rank"), "{error}");
    let trained = lora(Some(Precision::Bf16), false);
    let error = trained.prepare(tiny(&device), 1).unwrap_err().to_string();
    assert!(error.contains("bf16") && error.contains("int8"), "{error}");
}

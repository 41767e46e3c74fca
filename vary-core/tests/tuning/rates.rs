use std::path::Path;

use burn::prelude::*;
use vary_core::Error;
use vary_core::model::VaryTiny;
use vary_core::train::{LoraConfig, TrainConfig, Trained};

use crate::resume::stop_after;
use crate::support::{config, drawing, losses, moved, opt_tokenizer, parameters, tiny, train};

fn model() -> VaryTiny {
    tiny(&Device::flex().autodiff())
}

fn run(dir: &Path, trained: Trained, config: TrainConfig) -> vary_core::Result<VaryTiny> {
    Ok(train(model(), trained, opt_tokenizer(), config, dir)?.0)
}

/// AdamW with weight decay, or Muon with it.
fn optimizers() -> [TrainConfig; 2] {
    let adamw = TrainConfig {
        weight_decay: 0.1,
        ..config(6)
    };
    let muon = TrainConfig {
        muon_learning_rate: Some(1e-2),
        ..adamw.clone()
    };
    [adamw, muon]
}

#[test]
fn rate_zero_moves_nothing() {
    let _turn = drawing();
    let is_tower = |path: &String| path.starts_with("vision_tower.");
    for config in optimizers() {
        let dir = tempfile::tempdir().unwrap();
        let config = config.with_lr_group(r"^vision_tower\.", 0.0);
        let after = run(dir.path(), Trained::Everything, config).unwrap();
        let paths = moved(&model(), &after);
        assert!(!paths.iter().any(is_tower), "{paths:?}");
        assert!(paths.contains(&"mm_projector.weight".into()));
        assert!(paths.contains(&"decoder.layers.0.fc1.weight".into()));
    }
}

#[test]
fn group_of_all_parameters() {
    let _turn = drawing();
    for config in optimizers() {
        let [base, grouped] = [(); 2].map(|()| tempfile::tempdir().unwrap());
        let expected = run(base.path(), Trained::Everything, config.clone()).unwrap();
        let mut config = config;
        let rate = config.learning_rate;
        config.learning_rate *= 2.0;
        // The group takes the same proportion of Muon's rate.
        config.muon_learning_rate = config.muon_learning_rate.map(|rate| 2.0 * rate);
        // The last group that matches counts.
        let config = config.with_lr_group("mm_projector", 7.0);
        let config = config.with_lr_group("", rate);
        let found = run(grouped.path(), Trained::Everything, config).unwrap();
        assert_eq!(losses(grouped.path()), losses(base.path()));
        assert!(parameters(&found) == parameters(&expected));
    }
}

#[test]
fn adapter_factors_are_groups() {
    let _turn = drawing();
    let lora = Trained::Lora(LoraConfig::default());
    let dir = tempfile::tempdir().unwrap();
    // At the start b is zero, and so is the gradient of a: with b fixed, nothing moves.
    let config = config(3).with_lr_group(r"\.lora\.b$", 0.0);
    let after = run(dir.path(), lora, config).unwrap();
    assert!(moved(&lora.prepare(model(), 9).unwrap(), &after).is_empty());
}

#[test]
fn lr_groups_resume_bit_equal() {
    let _turn = drawing();
    for config in optimizers() {
        let config = config
            .with_lr_group(r"^vision_tower\.", 1e-4)
            .with_lr_group(r"fc\d", 1e-2);
        let [whole, stopped] = [(); 2].map(|()| tempfile::tempdir().unwrap());
        let expected = run(whole.path(), Trained::Everything, config.clone()).unwrap();
        run(stopped.path(), Trained::Everything, config.clone()).unwrap();
        stop_after(stopped.path(), 4);
        let resumed = run(stopped.path(), Trained::Everything, config.clone()).unwrap();
        assert!(parameters(&resumed) == parameters(&expected));
        assert_eq!(losses(stopped.path()), losses(whole.path()));

        let other = config.with_lr_group("bias$", 1e-2);
        let error = run(stopped.path(), Trained::Everything, other).unwrap_err();
        assert!(error.to_string().contains("other settings"), "{error}");
    }
}

#[test]
fn bad_lr_groups_are_refused() {
    let _turn = drawing();
    let dir = tempfile::tempdir().unwrap();
    for (config, part) in [
        (config(1).with_lr_group("(", 1.0), "regular expression"),
        (
            config(1).with_lr_group("^qwen", 1.0),
            "no trained parameter",
        ),
        // Frozen parameters are in no group.
        (
            config(1).with_lr_group("^vision_tower", 1.0),
            "mm_projector",
        ),
        (config(1).with_lr_group("^mm", f64::NAN), "NaN"),
        (config(1).with_lr_group("^mm", -1.0), "-1"),
    ] {
        let error = run(dir.path(), Trained::LanguageModel, config).unwrap_err();
        assert!(matches!(error, Error::Config(_)), "{error}");
        let text = error.to_string();
        assert!(text.contains(part) && text.contains("lr_groups"), "{text}");
    }
    assert!(!dir.path().join("checkpoints").exists());
}

use std::path::Path;

use burn::prelude::*;
use vary_core::Error;
use vary_core::model::{FamilyConfig, VaryTiny};
use vary_core::train::{ConversationObjective, LoraConfig, Trained, Trainer};

use crate::support::{
    Colours, config, drawing, losses, mixture, objective, opt_tokenizer, parameters, tiny,
    tiny_config, train,
};

fn model() -> VaryTiny {
    tiny(&Device::flex().autodiff())
}

fn run(dir: &Path, trained: Trained, steps: u64) -> vary_core::Result<VaryTiny> {
    let trained = train(model(), trained, opt_tokenizer(), config(steps), dir)?;
    Ok(trained.0)
}

#[test]
fn dropout_resumes() {
    let _turn = drawing();
    let run = |dir: &Path| {
        let device = Device::flex().autodiff();
        device.seed(3);
        let mut sizes = tiny_config();
        sizes.opt.dropout = 0.3;
        let model = Trained::Everything.prepare(sizes.init(&device), 1).unwrap();
        let objective = objective(&model, opt_tokenizer());
        let trainer = Trainer::new(config(6), dir).unwrap();
        let model = trainer.fit(&objective, model).unwrap();
        (parameters(&model), losses(dir))
    };
    let (whole, stopped) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let expected = run(whole.path());
    run(stopped.path());
    stop_after(stopped.path(), 4);
    assert!(run(stopped.path()) == expected);
    // The same model without dropout learns otherwise.
    let plain = tempfile::tempdir().unwrap();
    self::run(plain.path(), Trained::Everything, 6).unwrap();
    assert_ne!(losses(plain.path()), expected.1);
}

/// Makes a directory look as if the run of 6 steps had been stopped after `step`.
pub fn stop_after(dir: &Path, step: u64) {
    let checkpoints = dir.join("checkpoints");
    for entry in std::fs::read_dir(&checkpoints).unwrap() {
        let entry = entry.unwrap();
        if *entry.file_name().to_string_lossy() > *format!("step-{step:08}") {
            std::fs::remove_dir_all(entry.path()).unwrap();
        }
    }
    // What a kill in the middle of writing leaves.
    std::fs::create_dir(checkpoints.join(".partial-x")).unwrap();
    std::fs::write(checkpoints.join(".partial-x/model.bpk"), b"half").unwrap();
    // What somebody may have left.
    std::fs::write(checkpoints.join(".partial-y"), b"").unwrap();
}

#[test]
fn resumed_runs_are_bit_equal() {
    let _turn = drawing();
    for trained in [
        Trained::Everything,
        Trained::LanguageModel,
        Trained::Lora(LoraConfig::default()),
    ] {
        let (whole, stopped) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let expected = run(whole.path(), trained, 6).unwrap();
        run(stopped.path(), trained, 6).unwrap();
        stop_after(stopped.path(), 4);
        let resumed = run(stopped.path(), trained, 6).unwrap();
        assert!(parameters(&resumed) == parameters(&expected), "{trained:?}");
        assert_eq!(losses(stopped.path()), losses(whole.path()));
        assert!(!stopped.path().join("checkpoints/.partial-x").exists());
    }
}

#[test]
fn lora_checkpoints_are_small() {
    let _turn = drawing();
    let size = |trained| {
        let dir = tempfile::tempdir().unwrap();
        run(dir.path(), trained, 2).unwrap();
        let file = dir.path().join("checkpoints/step-00000002/model.bpk");
        std::fs::metadata(file).unwrap().len()
    };
    let adapters = size(Trained::Lora(LoraConfig {
        rank: 1,
        ..LoraConfig::default()
    }));
    let all = size(Trained::Everything);
    assert!(adapters * 3 < all, "{adapters} of {all} bytes");
}

#[test]
fn other_runs_are_refused() {
    let _turn = drawing();
    let dir = tempfile::tempdir().unwrap();
    run(dir.path(), Trained::LanguageModel, 2).unwrap();
    let refused = |error: Error, text: &str| {
        assert!(matches!(error, Error::Resume { .. }), "{error}");
        assert!(error.to_string().contains(text), "{error}");
    };
    let error = run(dir.path(), Trained::LanguageModel, 4).unwrap_err();
    refused(error, "other settings");

    let trained = Trained::LanguageModel.prepare(model(), 9).unwrap();
    let data = mixture(Colours(11));
    let objective = ConversationObjective::new(&trained, opt_tokenizer(), data, 512);
    let trainer = Trainer::new(config(2), dir.path()).unwrap();
    let error = trainer.fit(&objective, trained);
    refused(error.unwrap_err(), "other data");

    let mut other = model();
    let pos_embed = other.vision_tower.pos_embed.val().inner();
    other.vision_tower.pos_embed =
        burn::module::Param::from_tensor(Tensor::from_inner(pos_embed * 2.0));
    let error = train(
        other,
        Trained::LanguageModel,
        opt_tokenizer(),
        config(2),
        dir.path(),
    );
    refused(error.map(|_| ()).unwrap_err(), "frozen parameters");
}

/// A bit that changed on the disk.
#[test]
fn damaged_checkpoints_are_refused() {
    let _turn = drawing();
    let dir = tempfile::tempdir().unwrap();
    run(dir.path(), Trained::LanguageModel, 4).unwrap();
    let last = dir.path().join("checkpoints/step-00000004");
    for name in ["model.bpk", "optimizer.bpk"] {
        let file = last.join(name);
        let bytes = std::fs::read(&file).unwrap();
        for at in [0, bytes.len() / 3, bytes.len() - 1] {
            let mut flipped = bytes.clone();
            flipped[at] ^= 16;
            std::fs::write(&file, flipped).unwrap();
            let error = run(dir.path(), Trained::LanguageModel, 4).unwrap_err();
            assert!(error.to_string().contains(name), "{error}");
            assert!(error.to_string().contains("damaged"), "{error}");
        }
        std::fs::write(&file, bytes).unwrap();
    }
    run(dir.path(), Trained::LanguageModel, 4).unwrap();
}

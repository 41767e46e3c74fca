use burn::module::Module;
use burn::prelude::*;
use burn::tensor::DType;
use vary_core::checkpoint::SaveOptions;
use vary_core::model::{FamilyModel, VaryTiny};
use vary_core::train::{Trained, Trainer, compute_in_bf16};
use vary_lm::tokenizer::Tokenizer;

use crate::support::{
    config, drawing, losses, moved, objective, opt_tokenizer, qwen_tokenizer, tiny, tiny_config,
    toy, toy_config,
};

/// Losses of a run, before and after, in f32 or in bf16.
fn run<M: FamilyModel>(model: M, tokenizer: Tokenizer, bf16: bool) -> (Vec<f64>, M, M) {
    let dir = tempfile::tempdir().unwrap();
    let model = Trained::Everything.prepare(model, 1).unwrap();
    let model = match bf16 {
        true => compute_in_bf16(model).unwrap(),
        false => model,
    };
    let objective = objective(&model, tokenizer);
    let trainer = Trainer::new(config(30), dir.path()).unwrap();
    let after = trainer.fit(&objective, model.clone());
    (losses(dir.path()), model, after.unwrap())
}

fn compare<M: FamilyModel>(model: M, tokenizer: Tokenizer) -> M {
    let (exact, _, _) = run(model.clone(), tokenizer.clone(), false);
    let (rounded, before, after) = run(model, tokenizer, true);
    assert_ne!(exact, rounded, "it is another arithmetic");
    let pairs = exact.iter().zip(&rounded);
    let worst = pairs.map(|(a, b)| (a - b).abs() / a).fold(0.0, f64::max);
    println!(
        "loss {:.4} to {:.4} in f32, to {:.4} in bf16; largest difference {:.2} %",
        exact[0],
        exact[29],
        rounded[29],
        100.0 * worst
    );
    assert!(
        exact[29] < 0.9 * exact[0] && worst < 0.02,
        "{exact:?} {rounded:?}"
    );
    assert!(!moved(&before, &after).is_empty());
    after
}

#[test]
fn bf16_learns_as_f32() {
    let _turn = drawing();
    let device = Device::flex().autodiff();
    let tuned: VaryTiny = compare(tiny(&device), opt_tokenizer());
    let toy = compare(toy(&device), qwen_tokenizer());

    // Parameters are f32, more exact than what is computed with.
    let weight = &tuned.mm_projector.weight;
    assert_eq!(weight.base().dtype(), DType::F32);
    assert_eq!(weight.val().dtype(), DType::BF16);
    let rounded = weight.val().cast(DType::F32);
    assert!((rounded - weight.base()).abs().max().into_scalar::<f32>() > 0.0);

    // Merged, they are written like any others.
    let dir = tempfile::tempdir().unwrap();
    let options = SaveOptions::default();
    let merged = tuned.valid().materialize();
    merged.save(&tiny_config(), dir.path(), &options).unwrap();
    VaryTiny::load(dir.path(), &Device::flex()).unwrap();
    let merged = toy.valid().materialize();
    merged.save(&toy_config(), dir.path(), &options).unwrap();
}

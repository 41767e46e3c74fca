//! Memory does not grow while a model is trained. In a process of its own, as it counts every
//! allocation.

#![allow(clippy::unwrap_used, clippy::expect_used)]

use burn::prelude::*;
use peak_alloc::PeakAlloc;
use vary_core::train::{LoraConfig, Trained, Trainer};

#[path = "tuning/support.rs"]
#[allow(dead_code)]
mod support;

use support::{config, objective, opt_tokenizer, tiny};

#[global_allocator]
static ALLOCATED: PeakAlloc = PeakAlloc;

/// Bytes in use after every hundredth step.
fn in_use(trained: Trained, recompute: bool, steps: u64) -> Vec<usize> {
    let dir = tempfile::tempdir().unwrap();
    let model = trained
        .prepare(tiny(&Device::flex().autodiff()), 1)
        .unwrap();
    let objective = objective(&model, opt_tokenizer()).recompute(recompute);
    let mut config = config(steps);
    config.save_every = 100;
    // Batches with and without pictures: now and then the tower has no gradient.
    config.batch_size = 2;
    config.micro_batch_size = 1;
    let mut bytes = vec![];
    Trainer::new(config, dir.path())
        .unwrap()
        .fit(&objective, model, |_, _| {
            bytes.push(ALLOCATED.current_usage());
            Ok(())
        })
        .unwrap();
    bytes
}

#[test]
fn memory_does_not_grow_over_a_thousand_steps() {
    for (trained, recompute, steps) in [
        (Trained::Everything, false, 1000),
        (Trained::Everything, true, 400),
        (Trained::LanguageModel, false, 400),
        (Trained::Lora(LoraConfig::default()), false, 400),
    ] {
        let bytes = in_use(trained, recompute, steps);
        println!("{trained:?}, recompute {recompute}: {bytes:?}");
        // Batches drawn ahead are of different sizes, and thread pools come and go. A leak of one
        // tensor of this model a step, of 2 kB, would be 400 kB or more.
        let (early, late) = (bytes[1], *bytes.last().unwrap());
        assert!(
            late < early + 50_000,
            "{trained:?}, recompute {recompute}: {bytes:?}"
        );
    }
}

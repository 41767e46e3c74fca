//! Memory does not grow while a model is trained. In a process of its own, as it counts every
//! allocation.

#![allow(clippy::unwrap_used, clippy::expect_used)]

use burn::prelude::*;
use peak_alloc::PeakAlloc;
use vary_core::checkpoint::Precision;
use vary_core::model::FamilyModel;
use vary_core::train::{LoraConfig, StepReport, TrainLogger, Trained, Trainer};
use vary_lm::tokenizer::Tokenizer;

#[path = "tuning/support.rs"]
#[allow(dead_code)]
mod support;

use support::{config, objective, opt_tokenizer, parameters, qwen_tokenizer, tiny, toy};

#[global_allocator]
static ALLOCATED: PeakAlloc = PeakAlloc;

/// Counts the bytes in use after every hundredth step.
struct Bytes(Vec<usize>);

impl TrainLogger for Bytes {
    fn step(&mut self, report: &StepReport) -> vary_core::Result<()> {
        if report.step.is_multiple_of(100) {
            self.0.push(ALLOCATED.current_usage());
        }
        Ok(())
    }
}

/// Bytes in use after every hundredth step.
fn in_use<M: FamilyModel>(
    model: M,
    tokenizer: Tokenizer,
    trained: Trained,
    checkpointing: bool,
    steps: u64,
) -> Vec<usize> {
    let dir = tempfile::tempdir().unwrap();
    let model = trained.prepare(model, 1).unwrap();
    let objective = objective(&model, tokenizer).activation_checkpointing(checkpointing);
    let mut config = config(steps);
    config.save_every = 100;
    // Batches with and without images: now and then the tower has no gradient.
    config.batch_size = 2;
    config.micro_batch_size = 1;
    let mut bytes = Bytes(vec![]);
    Trainer::new(config, dir.path())
        .unwrap()
        .with_logger(&mut bytes)
        .fit(&objective, model)
        .unwrap();
    bytes.0
}

/// A leak shows in every hundred steps. A buffer that a thread keeps from its first large product
/// on (1 MiB, for gemm) shows once, whenever that is; so the median of the growths counts. A leak
/// of one tensor of this model a step, of 2 kB, would be 200 kB each time.
fn check(what: &str, bytes: &[usize]) {
    println!("{what}: {bytes:?}");
    let grown = bytes.windows(2).map(|w| w[1] as i64 - w[0] as i64);
    let mut grown: Vec<i64> = grown.collect();
    grown.sort_unstable();
    let median = grown[grown.len() / 2];
    assert!(median < 10_000, "{what}: {bytes:?}");
    let (early, late) = (bytes[1], *bytes.last().unwrap());
    assert!(late < early + 4_000_000, "{what}: {bytes:?}");
}

/// One test, as they would count each other's memory.
#[test]
fn memory_does_not_grow() {
    let device = Device::flex().autodiff();
    let lora = |quantized| {
        Trained::Lora(LoraConfig {
            quantized,
            ..LoraConfig::default()
        })
    };
    let opt = opt_tokenizer;
    let all = Trained::Everything;
    check("all", &in_use(tiny(&device), opt(), all, false, 1000));
    check(
        "activation checkpointing",
        &in_use(tiny(&device), opt(), all, true, 400),
    );
    let frozen = Trained::LanguageModel;
    check("frozen", &in_use(tiny(&device), opt(), frozen, false, 400));
    check(
        "lora",
        &in_use(tiny(&device), opt(), lora(None), false, 400),
    );
    let int8 = lora(Some(Precision::Int8));
    check("qlora", &in_use(tiny(&device), opt(), int8, false, 400));
    let toy = in_use(toy(&device), qwen_tokenizer(), frozen, false, 400);
    check("toy", &toy);

    // Nor with the micro-batches of a step, whose gradients are added up as they come.
    let peak = |micros: usize| {
        let dir = tempfile::tempdir().unwrap();
        let model = all.prepare(tiny(&device), 1).unwrap();
        let objective = objective(&model, opt_tokenizer());
        let mut config = config(2);
        config.batch_size = micros;
        config.micro_batch_size = 1;
        // Samples are images of a few pixels: it is gradients that would fill memory.
        ALLOCATED.reset_peak_usage();
        let before = ALLOCATED.current_usage();
        let trainer = Trainer::new(config, dir.path()).unwrap();
        trainer.fit(&objective, model).unwrap();
        ALLOCATED.peak_usage() - before
    };
    let weights: usize = parameters(&tiny(&device)).values().map(Vec::len).sum();
    let (few, many) = (peak(2), peak(32));
    println!("{weights} bytes of weights; peak of 2 micro-batches {few}, of 32 {many}");
    // Kept, they would be 30 times the weights. A few buffers of threads come and go.
    assert!(many < few + 10 * weights, "{few} {many}");
}

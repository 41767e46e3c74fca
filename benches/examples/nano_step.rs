//! Times optimizer steps of Vary-tiny+ at the nano preset's sizes, and prints a line of JSON with
//! the losses: `cargo run --release -p vary-benches --example nano_step -- DIR`. It is what
//! `benches/pytorch/nano_step.py` does, from the same weights and on the same samples.
//!
//! `RAYON_NUM_THREADS` sets the threads.

use std::path::PathBuf;

use burn::prelude::*;
use clap::Parser;
use serde_json::{Value, json};
use vary_benches::{median, noise, peak_rss_mb, prompt};
use vary_core::model::{FamilyModel, VaryModel, VaryTiny, VaryTinyConfig};
use vary_core::train::{Loss, Objective, Step, TrainConfig, Trainer, answer_loss};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Times optimizer steps of Vary-tiny+ at the nano preset's sizes.
#[derive(Parser)]
struct Args {
    /// Checkpoint directory of a Vary-tiny.
    dir: PathBuf,
    /// Steps; the first is left out of the median.
    #[arg(long, default_value_t = 6)]
    steps: u64,
    /// Samples of a step, each with its own image and question.
    #[arg(long, default_value_t = 24)]
    batch: usize,
    /// Samples of a pass.
    #[arg(long, default_value_t = 4)]
    micro_batch: usize,
    /// Passes at the same time.
    #[arg(long, default_value_t = 2)]
    workers: usize,
    /// Tokens of a sequence; those after the image but the first are learned.
    #[arg(long, default_value_t = 100)]
    len: usize,
}

/// Noise with meaningless answers, the same samples in each step.
struct Noise {
    config: VaryTinyConfig,
    batch: u64,
    len: usize,
}

impl Noise {
    /// Where learning begins.
    fn first(&self) -> usize {
        let image = self.config.image_token_len + 2;
        (self.len - image) / 2 + image + 1
    }
}

impl Objective for Noise {
    type Model = VaryTiny;
    type Sample = (Vec<f32>, Vec<u32>);

    fn sample(&self, index: u64) -> vary_core::Result<Self::Sample> {
        let config = &self.config;
        let (size, patch) = (config.sam_config.img_size, config.im_patch_token);
        let image = [config.im_start_token, patch, config.im_end_token];
        let ids = prompt(self.len, image, config.image_token_len, patch);
        Ok((noise(1 + index % self.batch, 3 * size * size), ids))
    }

    fn loss(
        &self,
        model: &VaryTiny,
        micro: &[Self::Sample],
        step: Step<'_, Self::Sample>,
    ) -> vary_core::Result<Loss> {
        let size = self.config.sam_config.img_size;
        let (pixels, ids): (Vec<_>, Vec<_>) = micro.iter().cloned().unzip();
        let shape = [micro.len(), 3, size, size];
        let device = model.language_model().device();
        let pixels = Tensor::from_data(TensorData::new(pixels.concat(), shape), &device);
        let first = self.first();
        let label = |(i, &id): (usize, &u32)| if i < first { -100 } else { i64::from(id) };
        let labels: Vec<Vec<i64>> = ids
            .iter()
            .map(|ids| ids.iter().enumerate().map(label).collect())
            .collect();
        let learned = step.samples.len() * (self.len - first);
        let tokens = model.encode(pixels);
        Ok(Loss {
            total: answer_loss(model, &ids, &labels, Some(tokens), learned)?,
            parts: vec![],
        })
    }
}

fn main() -> anyhow::Result<()> {
    let args = Args::parse();
    let (model, config) = VaryTiny::load(&args.dir, &Device::flex().autodiff())?;
    let least = config.image_token_len + 4;
    anyhow::ensure!(args.len >= least, "--len must be at least {least}");
    let objective = Noise {
        config,
        batch: args.batch as u64,
        len: args.len,
    };
    let train = TrainConfig {
        steps: args.steps,
        batch_size: args.batch,
        micro_batch_size: args.micro_batch,
        workers: args.workers,
        learning_rate: 1e-3,
        lr_schedule: vary_core::train::LrSchedule::Constant,
        warmup_ratio: 0.0,
        save_every: 0,
        log_every: 1,
        ..TrainConfig::default()
    };
    let dir = std::env::temp_dir().join(format!("vary-nano-step-{}", std::process::id()));
    Trainer::new(train, &dir)?.fit(&objective, model)?;
    let log = std::fs::read_to_string(dir.join("log.jsonl"))?;
    std::fs::remove_dir_all(&dir)?;
    let lines: Vec<Value> = log
        .lines()
        .map(serde_json::from_str)
        .collect::<Result<_, _>>()?;
    let rates = lines.iter().filter_map(|l| l["samples_per_s"].as_f64());
    let seconds = rates.skip(1).map(|rate| args.batch as f64 / rate).collect();
    println!(
        "{}",
        json!({
            "step_s": median(seconds),
            "losses": lines.iter().map(|l| l["loss"].clone()).collect::<Vec<_>>(),
            "peak_rss_mb": peak_rss_mb(),
            "batch": args.batch,
            "len": args.len,
        })
    );
    Ok(())
}

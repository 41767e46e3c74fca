//! Decode throughput of a batch beside single answers, alternating in one run, and a line of JSON:
//! `cargo run --release -p vary-benches --example batch -- DIR --precision int4`.
//!
//! Images are encoded before, so that only the decoder is compared. `RAYON_NUM_THREADS` sets the
//! threads.

use std::num::NonZeroUsize;
use std::ops::Range;
use std::path::PathBuf;

use anyhow::{Context, Result, ensure};
use burn::prelude::*;
use clap::Parser;
use image::{Rgb, RgbImage};
use serde_json::json;
use vary_benches::{median, peak_rss_mb};
use vary_core::prelude::*;

// Large buffers come and go all the time; the system's allocator gives each back to the kernel.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Times `answer_batch` beside as many single answers.
#[derive(Parser)]
struct Args {
    /// Checkpoint directory.
    dir: PathBuf,
    /// What the parameters are kept in: f32, bf16, int8 or int4.
    #[arg(long, default_value = "f32")]
    precision: Precision,
    /// Images of a batch.
    #[arg(long, default_value_t = 8)]
    images: u32,
    /// New tokens of an answer.
    #[arg(long, default_value_t = 16)]
    tokens: usize,
    /// How often both are timed, in turn; medians are printed.
    #[arg(long, default_value_t = 2)]
    repeat: usize,
}

fn main() -> Result<()> {
    let args = Args::parse();
    let images = NonZeroUsize::new(args.images as usize).context("no images")?;
    let vary = Pipeline::builder()
        .weights(Weights::dir(&args.dir))
        .precision(args.precision)
        .device(Device::flex())
        .max_batch(images)
        .build()?;
    let load_mb = peak_rss_mb();
    let encoded: Vec<EncodedImage> = (0..args.images)
        .map(|seed| vary.encode(&image(seed)))
        .collect::<Result<_, _>>()?;
    let encode_mb = peak_rss_mb();
    let options = AnswerOptions::default()
        .with_max_new_tokens(args.tokens)
        .with_loop_guard(None);
    let (mut single, mut batch) = (vec![], vec![]);
    let mut same = true;
    for _ in 0..args.repeat {
        let alone: Vec<Answer> = encoded
            .iter()
            .map(|image| vary.answer(image, Task::Ocr, &options))
            .collect::<Result<_, _>>()?;
        single.push(throughput(
            &alone,
            alone.iter().map(|a| a.times.decode.as_secs_f64()).sum(),
        ));
        let together = vary.answer_batch(&encoded, Task::Ocr, &options);
        let together: Vec<Answer> = together.into_iter().collect::<Result<_, _>>()?;
        // All take part in all passes.
        let seconds = together.iter().map(|a| a.times.decode.as_secs_f64());
        batch.push(throughput(&together, seconds.fold(0.0, f64::max)));
        same &= alone.iter().map(ids).eq(together.iter().map(ids));
    }
    let (single, batch) = (median(single), median(batch));
    let line = json!({
        "dtype": args.precision.to_string(),
        "images": args.images,
        "new_tokens": args.tokens,
        "single_tokens_per_s": single,
        "batch_tokens_per_s": batch,
        "ratio": batch / single,
        "same_tokens": same,
        "peak_rss_mb": { "loaded": load_mb, "encoded": encode_mb, "decoded": peak_rss_mb() },
    });
    println!("{line}");
    ensure!(
        same,
        "the answers of the batch differ from those of one by one"
    );
    Ok(())
}

/// Text and range of each token: what ids stand for.
fn ids(answer: &Answer) -> (&str, Vec<Range<usize>>) {
    let ranges = answer.tokens.iter().map(|token| token.range.clone());
    (&answer.text, ranges.collect())
}

/// Tokens per second after the first of each answer, which the prefill chooses.
fn throughput(answers: &[Answer], seconds: f64) -> f64 {
    let tokens: usize = answers.iter().map(|a| a.usage.new_tokens - 1).sum();
    tokens as f64 / seconds
}

fn image(seed: u32) -> RgbImage {
    RgbImage::from_fn(256, 192, |x, y| {
        Rgb([
            (x * 3 + seed * 40) as u8,
            (y * 5) as u8,
            (x * y + seed * 7) as u8,
        ])
    })
}

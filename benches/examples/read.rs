//! Reads many images with one model, for comparisons: `cargo run --release -p vary-benches
//! --example read -- [--lines] [--model DIR] < PATHS`. Prints a line of JSON for each path of the
//! standard input: `path`, `seconds`, `text`, `lines` and `words` with `text`, `score` and `bbox`
//! in pixels.

use std::io::BufRead;
use std::path::PathBuf;
use std::time::Instant;

use anyhow::Context;
use clap::Parser;
use image::imageops::grayscale;
use serde_json::{Value, json};
use vary_core::burn::prelude::Device;
use vary_core::pipeline::{DecodeOptions, Scored, default_device, open};
use vary_core::recognition::Recognizer;
use vary_core::{Pipeline, Weights};

/// Reads the images whose paths are on the standard input.
#[derive(Parser)]
struct Args {
    /// Each image is one text line: it is not searched for lines.
    #[arg(long)]
    lines: bool,
    /// Checkpoint directory; the embedded model without it.
    #[arg(long)]
    model: Option<PathBuf>,
    /// Directory of a text recognizer, in place of the model's.
    #[arg(long)]
    recognizer: Option<PathBuf>,
}

impl Args {
    fn recognizer(&self, device: &Device) -> anyhow::Result<Recognizer> {
        if let Some(dir) = &self.recognizer {
            return Ok(Recognizer::open(dir, device)?);
        }
        let checkpoint = self.weights().open()?.recognizer;
        Ok(checkpoint
            .context("the model has no text recognizer")?
            .load(device)?)
    }

    fn weights(&self) -> Weights {
        self.model.as_ref().map_or_else(Weights::nano, Weights::dir)
    }
}

fn main() -> anyhow::Result<()> {
    let args = Args::parse();
    let device = default_device()?;
    let recognizer = args.recognizer(&device)?;
    let paths = std::io::stdin()
        .lock()
        .lines()
        .collect::<Result<Vec<_>, _>>()?;
    let images = paths.iter().map(|path| {
        let image = open(path, &DecodeOptions::default());
        image.with_context(|| path.clone())
    });
    if args.lines {
        let images: Vec<_> = images
            .map(|i| Ok(grayscale(&i?)))
            .collect::<anyhow::Result<_>>()?;
        let start = Instant::now();
        let texts = recognizer.read(&images);
        let seconds = start.elapsed().as_secs_f64() / texts.len().max(1) as f64;
        for (path, line) in paths.iter().zip(&texts) {
            let score = line.confidence();
            let read =
                json!({"path": path, "seconds": seconds, "text": line.text(), "score": score});
            println!("{read}");
        }
        return Ok(());
    }
    let builder = Pipeline::builder().device(device).weights(args.weights());
    let vary = builder.recognizer(recognizer).build()?;
    for (path, image) in paths.iter().zip(images) {
        let image = image?;
        let start = Instant::now();
        let answer = vary.read(&image)?;
        let seconds = start.elapsed().as_secs_f64();
        let list = |scored: Vec<Scored<'_>>| -> Vec<Value> { scored.iter().map(part).collect() };
        let (lines, words) = (list(answer.lines()), list(answer.words()));
        let text = &answer.text;
        println!(
            "{}",
            json!({"path": path, "seconds": seconds, "text": text, "lines": lines, "words": words})
        );
    }
    Ok(())
}

fn part(scored: &Scored<'_>) -> Value {
    let bbox = scored.bbox.map(|b| [b.x1, b.y1, b.x2, b.y2]);
    json!({"text": scored.text, "score": scored.score, "bbox": bbox})
}

//! Generates a vision vocabulary as the paper does, at a size that takes seconds: all parameters of
//! a random Vary-tiny+ are trained by autoregression, then its vision vocabulary is saved alone and
//! encodes an image: `cargo run --release --example train_vocabulary --features train`.
//!
//! It learns next to nothing in so few steps; `docs/training.md` shows how to train a useful one.

use std::path::PathBuf;

use burn::module::Module;
use clap::Parser;
use vary_core::checkpoint::SaveOptions;
use vary_core::model::{FamilyConfig, VaryTinyConfig, read_vocabulary, write_vocabulary};
use vary_core::pipeline::{DecodeOptions, default_device, open};
use vary_core::train::data::{Conversations, Mixture};
use vary_core::train::{ConversationObjective, TrainConfig, Trained, Trainer};
use vary_vision::preprocess::ImageProcessor;
use vary_vocab_train::nano_tokenizer;

/// Generates a vision vocabulary.
#[derive(Parser)]
struct Args {
    /// Conversations in LLaVA's JSON.
    #[arg(long, default_value = concat!(env!("CARGO_MANIFEST_DIR"), "/assets/finetune/train.json"))]
    data: PathBuf,
    /// Directory of their images.
    #[arg(long, default_value = concat!(env!("CARGO_MANIFEST_DIR"), "/assets/finetune/images"))]
    images: PathBuf,
    /// Directory of the run; an interrupted run resumes.
    #[arg(long, default_value = "runs/vocabulary-example")]
    out: PathBuf,
    /// Optimizer steps.
    #[arg(long, default_value_t = 40)]
    steps: u64,
}

fn main() -> anyhow::Result<()> {
    let args = &Args::parse();
    // The tokenizer covers any text; class names are tokens of their own.
    let tokenizer = nano_tokenizer(&["cat", "dog", "car"])?;
    let mut config = VaryTinyConfig::tiny(tokenizer.vocab_size());
    config.opt.max_position_embeddings = 256;
    let device = default_device()?.autodiff();
    device.seed(1);
    let model = Trained::Everything.prepare(config.init(&device), 1)?;
    println!("{} parameters", model.num_params());

    let set = Conversations::open(&args.data, &args.images)?;
    let data = Mixture::new(vec![(Box::new(set), None)], 1)?;
    let objective = ConversationObjective::new(&model, tokenizer, data, 256);
    let settings = TrainConfig {
        steps: args.steps,
        learning_rate: 3e-3,
        log_every: args.steps.div_ceil(8).max(1),
        ..TrainConfig::default()
    };
    let trained = Trainer::new(settings, &args.out)?.fit(&objective, model)?;
    let log = std::fs::read_to_string(args.out.join("log.jsonl"))?;
    for line in log.lines() {
        let line: serde_json::Value = serde_json::from_str(line)?;
        println!(
            "step {}: loss {:.3}",
            line["step"],
            line["loss"].as_f64().unwrap_or(f64::NAN)
        );
    }

    // OPT is only needed for training; the tower is kept.
    let dir = args.out.join("vocabulary");
    let tower = trained.valid().vision_tower;
    write_vocabulary(&tower, &config.sam_config, &dir, &SaveOptions::default())?;

    let (tower, sam_config) = read_vocabulary(&dir, &default_device()?)?;
    let image = open(
        concat!(env!("CARGO_MANIFEST_DIR"), "/assets/scene.png"),
        &DecodeOptions::default(),
    )?;
    let processor = ImageProcessor::vary(sam_config.img_size);
    let pixels = processor.process(&image, &default_device()?)?;
    let [_, tokens, channels] = tower.forward(pixels).dims();
    println!(
        "{}: an image is {tokens} tokens of {channels} channels",
        dir.display()
    );
    Ok(())
}

//! Trains a full-size Vary-tiny+ (vision vocabulary at 1024 x 1024 and OPT-125M, random weights)
//! for a few steps of one sample, writes a checkpoint, and prints a line of JSON with the seconds
//! of each step and the process's peak memory: `cargo run --release -p vary-benches --example
//! full_size_training -- --activation-checkpointing`.

use std::time::Instant;

use burn::prelude::*;
use clap::Parser;
use image::RgbImage;
use serde_json::{Value, json};
use vary_benches::peak_rss_mb;
use vary_core::model::{FamilyConfig, VaryTinyConfig};
use vary_core::prompt::{Message, Task};
use vary_core::train::data::{Conversation, Dataset, Mixture};
use vary_core::train::{ConversationObjective, TrainConfig, Trained, Trainer};
use vary_lm::opt::OptConfig;
use vary_vocab_train::nano_tokenizer;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Trains a full-size Vary-tiny+ for a few steps.
#[derive(Parser)]
struct Args {
    /// Computes the blocks of the tower again in the backward pass.
    #[arg(long)]
    activation_checkpointing: bool,
    /// Steps.
    #[arg(long, default_value_t = 2)]
    steps: u64,
    /// Tokens of the answer.
    #[arg(long, default_value_t = 700)]
    tokens: usize,
    /// Edge of the image that the tower sees, a multiple of 64 pixels.
    #[arg(long, default_value_t = 1024)]
    size: usize,
}

/// One page, over and over; the tokenizer spells its text in bytes.
struct OnePage(usize);

impl Dataset for OnePage {
    fn len(&self) -> usize {
        1
    }

    fn get(&self, _index: usize, _epoch: u64) -> vary_core::Result<Conversation> {
        let page = RgbImage::from_fn(800, 1000, |x, y| image::Rgb([(x * y % 251) as u8; 3]));
        Ok(Conversation {
            images: vec![page],
            messages: vec![
                Message::human(format!("<image>\n{}", Task::Ocr)),
                Message::gpt("x".repeat(self.0)),
            ],
            accepted: vec![],
            origin: "page".into(),
        })
    }
}

fn main() -> anyhow::Result<()> {
    let args = Args::parse();
    let tokenizer = nano_tokenizer(&["page"])?;
    let image_tokens = tokenizer.image_tokens()?;
    let mut config = VaryTinyConfig {
        im_patch_token: image_tokens.patch,
        im_start_token: image_tokens.start,
        im_end_token: image_tokens.end,
        ..VaryTinyConfig::vary_tiny()
    };
    config.opt = OptConfig {
        dropout: 0.0,
        ..config.opt
    };
    config.sam_config.img_size = args.size;
    config.image_token_len = config.sam_config.num_tokens();
    config.validate()?;

    let device = Device::flex().autodiff();
    device.seed(1);
    let model = Trained::Everything.prepare(config.init(&device), 1)?;
    let data = Mixture::new(vec![(Box::new(OnePage(args.tokens)), None)], 1)?;
    let objective = ConversationObjective::new(&model, tokenizer, data, 4096)
        .activation_checkpointing(args.activation_checkpointing);
    let dir = std::env::temp_dir().join(format!("vary-full-size-{}", std::process::id()));
    let train = TrainConfig {
        steps: args.steps,
        batch_size: 1,
        micro_batch_size: 1,
        save_every: 0,
        log_every: 1,
        ..TrainConfig::default()
    };
    let start = Instant::now();
    Trainer::new(train, &dir)?.fit(&objective, model)?;
    let log = std::fs::read_to_string(dir.join("log.jsonl"))?;
    let lines: Vec<Value> = log
        .lines()
        .map(serde_json::from_str)
        .collect::<Result<_, _>>()?;
    std::fs::remove_dir_all(&dir)?;
    let rates = lines.iter().filter_map(|l| l["samples_per_s"].as_f64());
    println!(
        "{}",
        json!({
            "activation_checkpointing": args.activation_checkpointing,
            "size": args.size,
            "seconds_per_step": rates.map(|rate| 1.0 / rate).collect::<Vec<_>>(),
            "losses": lines.iter().map(|l| l["loss"].clone()).collect::<Vec<_>>(),
            "total_seconds": start.elapsed().as_secs_f64(),
            "peak_rss_mb": peak_rss_mb(),
        })
    );
    Ok(())
}

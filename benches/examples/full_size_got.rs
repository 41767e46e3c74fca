//! Times the stages of a full-size GOT-OCR2.0 checkpoint and prints a line of JSON, with the fields
//! and on the inputs of `benches/pytorch/got_ocr2.py`:
//! `cargo run --release -p vary-benches --example full_size_got -- DIR`.
//!
//! `RAYON_NUM_THREADS` sets the threads.

use std::path::PathBuf;
use std::time::Instant;

use burn::prelude::*;
use clap::Parser;
use serde_json::json;
use vary_benches::{generate, median, peak_rss_mb, pixels, prompt, threads, timed};
use vary_core::checkpoint::{CheckpointFiles, Precision, read_config_json};
use vary_core::model::{FamilyModel, GotOcr2, GotOcr2Config};

// As in `full_size`.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Times the stages of a full-size GOT-OCR2.0.
#[derive(Parser)]
struct Args {
    /// Checkpoint directory, in either layout.
    dir: PathBuf,
    /// What the parameters are kept in: f32, bf16, int8 or int4.
    #[arg(long, default_value = "f32")]
    precision: Precision,
    /// Tokens of the prompt.
    #[arg(long, default_value_t = 286)]
    prompt_len: usize,
    /// Tokens that are generated, the one of the prefill included.
    #[arg(long, default_value_t = 16)]
    tokens: usize,
    /// How often the stages run; medians are printed.
    #[arg(long, default_value_t = 1)]
    repeat: usize,
}

fn main() -> anyhow::Result<()> {
    let args = Args::parse();
    let device = Device::flex();
    let start = Instant::now();
    let config: GotOcr2Config = read_config_json(&args.dir)?;
    let files = CheckpointFiles::open(&args.dir)?;
    let model = GotOcr2::from_files(&config, &files, &device, args.precision)?;
    let loaded = start.elapsed().as_secs_f64();

    let dtype = model.vision_tower_high.pos_embed.val().dtype();
    let image = pixels(1, config.sam_config.img_size, &device).cast(dtype);
    let place = config.image_placeholder;
    let ids = [place.start, place.patch, place.end];
    let prompt = prompt(args.prompt_len, ids, place.len, place.start);
    let [mut encode, mut prefill, mut decode] = [(); 3].map(|()| vec![]);
    let mut ids = vec![];
    for _ in 0..args.repeat {
        let tokens = timed(&mut encode, || model.encode(image.clone()));
        let times = [&mut prefill, &mut decode];
        ids = generate(&model, &prompt, tokens, args.tokens, times)?;
    }
    let line = json!({
        "load_s": loaded,
        "encode_vocab_s": median(encode),
        "prefill_s": median(prefill),
        "decode_s_per_token": median(decode),
        "peak_rss_mb": peak_rss_mb(),
        "threads": threads(),
        "dtype": args.precision.to_string(),
        "prompt_len": prompt.len(),
        "ids": ids,
    });
    println!("{line}");
    Ok(())
}

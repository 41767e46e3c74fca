//! Times the stages of a full-size Vary-toy checkpoint and prints a line of JSON, with the fields
//! and on the inputs of `benches/pytorch/vary_toy.py`:
//! `cargo run --release -p vary-benches --example full_size -- DIR`.
//!
//! `RAYON_NUM_THREADS` sets the threads.

use std::path::PathBuf;
use std::time::Instant;

use burn::prelude::*;
use clap::Parser;
use serde_json::json;
use vary_benches::{generate, median, peak_rss_mb, pixels, prompt, threads, timed};
use vary_core::checkpoint::{CheckpointFiles, Precision, read_config_json};
use vary_core::model::{FamilyModel, VaryModel, VaryToy, VaryToyConfig};

// Layers free and want large buffers all the time; the system's allocator gives each back to the
// kernel, and fresh pages cost as much as the arithmetic on them.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Times the stages of a full-size Vary-toy.
#[derive(Parser)]
struct Args {
    /// Checkpoint directory.
    dir: PathBuf,
    /// What the parameters are kept in: f32, bf16, int8 or int4.
    #[arg(long, default_value = "f32")]
    precision: Precision,
    /// Tokens of the prompt.
    #[arg(long, default_value_t = 290)]
    prompt_len: usize,
    /// Tokens that are generated, the one of the prefill included.
    #[arg(long, default_value_t = 16)]
    tokens: usize,
    /// How often the stages run; medians are printed.
    #[arg(long, default_value_t = 1)]
    repeat: usize,
    /// Loads the model in f32 too, and prints how far what the stages give is from it.
    #[arg(long)]
    compare: bool,
}

fn main() -> anyhow::Result<()> {
    let args = Args::parse();
    let device = Device::flex();
    let start = Instant::now();
    let config: VaryToyConfig = read_config_json(&args.dir)?;
    let files = CheckpointFiles::open(&args.dir)?;
    let load = |precision| VaryToy::from_files(&config, &files, &device, precision);
    let model = load(args.precision)?;
    let loaded = start.elapsed().as_secs_f64();

    let dtype = model.vision_tower_high.pos_embed.val().dtype();
    let placeholder = config.image_placeholder();
    let image = [placeholder.start, placeholder.patch, placeholder.end];
    let input = Input {
        high: pixels(1, config.sam_config.img_size, &device).cast(dtype),
        clip: pixels(2, config.clip_config.image_size, &device).cast(dtype),
        select_layer: config.vision_select_layer,
        prompt: prompt(args.prompt_len, image, placeholder.len, placeholder.start),
    };
    if args.compare {
        println!("{}", compare(&input, &model, &load(Precision::F32)?)?);
        return Ok(());
    }
    let mut times = Times::default();
    let mut ids = vec![];
    for _ in 0..args.repeat {
        ids = run(&input, &model, args.tokens, &mut times)?;
    }
    let line = json!({
        "load_s": loaded,
        "encode_vocab_s": median(times.vocab),
        "encode_clip_s": median(times.clip),
        "prefill_s": median(times.prefill),
        "decode_s_per_token": median(times.decode),
        "peak_rss_mb": peak_rss_mb(),
        "threads": threads(),
        "dtype": args.precision.to_string(),
        "prompt_len": input.prompt.len(),
        "ids": ids,
    });
    println!("{line}");
    Ok(())
}

struct Input {
    high: Tensor<4>,
    clip: Tensor<4>,
    select_layer: isize,
    prompt: Vec<u32>,
}

/// Seconds of each stage.
#[derive(Default)]
struct Times {
    vocab: Vec<f64>,
    clip: Vec<f64>,
    prefill: Vec<f64>,
    decode: Vec<f64>,
}

/// Runs all stages and returns the generated ids.
fn run(
    input: &Input,
    model: &VaryToy,
    tokens: usize,
    times: &mut Times,
) -> anyhow::Result<Vec<u32>> {
    let high_tokens = timed(&mut times.vocab, || {
        let tokens = model.vision_tower_high.forward(input.high.clone());
        model.mm_projector_vary.forward(tokens)
    });
    let clip_tokens = timed(&mut times.clip, || {
        let tokens = model
            .vision_tower
            .forward(input.clip.clone(), input.select_layer);
        model.mm_projector.forward(tokens)
    });
    let tokens_of_image = Tensor::cat(vec![clip_tokens, high_tokens], 2);
    let times = [&mut times.prefill, &mut times.decode];
    Ok(generate(
        model,
        &input.prompt,
        tokens_of_image,
        tokens,
        times,
    )?)
}

/// How far the stages of a model are from those of another in f32.
fn compare(input: &Input, model: &VaryToy, exact: &VaryToy) -> anyhow::Result<serde_json::Value> {
    let stages = |model: &VaryToy| -> anyhow::Result<_> {
        let features = model.vision_tower_high.forward(input.high.clone());
        let clip_features = model
            .vision_tower
            .forward(input.clip.clone(), input.select_layer);
        let high = model.mm_projector_vary.forward(features.clone());
        let clip = model.mm_projector.forward(clip_features.clone());
        let tokens = Tensor::cat(vec![clip, high], 2);
        let embeds = model.embed(std::slice::from_ref(&input.prompt), Some(tokens))?;
        let lm = model.language_model();
        let logits = lm.logits(lm.forward(embeds, None, None));
        Ok((features, clip_features, logits))
    };
    let (found, exact) = (stages(model)?, stages(exact)?);
    let same = found.2.clone().argmax(2).equal(exact.2.clone().argmax(2));
    Ok(json!({
        "vocab_error": error(found.0, exact.0),
        "clip_error": error(found.1, exact.1),
        "logits_error": error(found.2, exact.2),
        "same_best": same.float().mean().into_scalar::<f32>(),
    }))
}

/// The norm of the difference, of that of what is exact.
fn error<const D: usize>(found: Tensor<D>, exact: Tensor<D>) -> f32 {
    let norm = |x: Tensor<D>| x.powi_scalar(2).sum().sqrt().into_scalar::<f32>();
    norm(found - exact.clone()) / norm(exact)
}

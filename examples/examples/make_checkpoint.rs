//! Writes a checkpoint of full size with random weights, to measure and test without the published
//! ones: `cargo run --release --example make_checkpoint -- --preset vary-toy OUT`.

use std::fs;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Instant;

use anyhow::{Context, Result};
use burn::prelude::*;
use clap::{Parser, ValueEnum};
use vary_core::checkpoint::{SaveOptions, StoredType, save_drawn, save_tokenizer, write_atomic};
use vary_core::model::{VaryTiny, VaryTinyConfig, VaryToy, VaryToyConfig};
use vary_examples::exit;
use vary_lm::tokenizer::{Tokenizer, synthetic_tiktoken};
use vary_vocab_train::nano_tokenizer;

/// Tokens of Qwen's vocabulary before the special ones.
const QWEN_RANKS: usize = 151_643;

/// Writes a checkpoint with random weights and a tokenizer without meaning.
#[derive(Parser)]
struct Args {
    /// Sizes of the model.
    #[arg(long, value_enum, default_value = "vary-toy")]
    preset: Preset,
    /// Seed of the weights.
    #[arg(long, default_value_t = 0)]
    seed: u64,
    /// Type of the stored weights, f32, f16 or bf16; the published ones are bf16.
    #[arg(long, default_value = "bf16")]
    stored: StoredType,
    /// Directory to write to; made if needed.
    out: PathBuf,
}

#[derive(Clone, Copy, ValueEnum)]
enum Preset {
    /// CLIP-L, SAM-base and Qwen-1.8B: 2.2 billion weights.
    VaryToy,
    /// SAM-base and OPT-125M, without a tokenizer.
    VaryTiny,
    /// Vary-toy with a few ten thousand weights.
    Mini,
    /// Vary-tiny with a few thousand weights.
    MiniOpt,
}

fn main() -> ExitCode {
    exit(run(&Args::parse()))
}

fn run(args: &Args) -> Result<()> {
    let start = Instant::now();
    let device = Device::flex();
    device.seed(args.seed);
    let options = SaveOptions::default().stored(args.stored);
    let out = &args.out;
    let name = out.display();
    fs::create_dir_all(out).with_context(|| format!("cannot make {name}"))?;
    let weights = out.join("model.safetensors");
    let config = match args.preset {
        Preset::VaryToy | Preset::Mini => {
            let full = matches!(args.preset, Preset::VaryToy);
            let tiktoken = synthetic_tiktoken(if full { QWEN_RANKS } else { 300 });
            let tokens = Tokenizer::from_tiktoken_bytes(&tiktoken)?.vocab_size();
            let config = match full {
                true => VaryToyConfig::vary_toy(),
                false => VaryToyConfig::tiny(tokens),
            };
            config.validate()?;
            write_atomic(&out.join("qwen.tiktoken"), tiktoken.as_bytes())?;
            save_drawn(config.init(&device), &VaryToy::key_map(), weights, &options)?;
            serde_json::to_vec_pretty(&config)?
        }
        Preset::VaryTiny => {
            let config = VaryTinyConfig::vary_tiny();
            save_drawn(
                config.init(&device),
                &VaryTiny::key_map(),
                weights,
                &options,
            )?;
            serde_json::to_vec_pretty(&config)?
        }
        Preset::MiniOpt => {
            let tokenizer = nano_tokenizer(&["car", "bus"])?;
            let config = VaryTinyConfig::tiny(tokenizer.vocab_size());
            save_tokenizer(&tokenizer, out)?;
            save_drawn(
                config.init(&device),
                &VaryTiny::key_map(),
                weights,
                &options,
            )?;
            serde_json::to_vec_pretty(&config)?
        }
    };
    // Last: a directory with a config is a whole checkpoint.
    write_atomic(&out.join("config.json"), &config)?;
    println!("{name} written in {:.1} s", start.elapsed().as_secs_f64());
    Ok(())
}

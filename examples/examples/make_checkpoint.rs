//! Writes a checkpoint of full size with random weights, to measure and test without the published
//! ones: `cargo run --release --example make_checkpoint -- --preset vary-toy OUT`.

use std::fs;
use std::path::PathBuf;
use std::time::Instant;

use anyhow::{Context, Result};
use burn::prelude::*;
use clap::{Parser, ValueEnum};
#[cfg(feature = "train")]
use vary_core::checkpoint::save_tokenizer;
use vary_core::checkpoint::{SaveOptions, StoredType, save_drawn, write_atomic};
use vary_core::model::{
    FamilyConfig, FamilyModel, GotLayout, GotOcr2Config, VaryTinyConfig, VaryToyConfig,
};
use vary_lm::tokenizer::{Tokenizer, synthetic_tiktoken};
#[cfg(feature = "train")]
use vary_vocab_train::nano_tokenizer;

/// Tokens of Qwen's vocabulary before the special ones.
const QWEN_RANKS: usize = 151_643;

/// Writes a checkpoint with random parameters and a meaningless tokenizer.
#[derive(Parser)]
struct Args {
    /// Sizes of the model.
    #[arg(long, value_enum, default_value = "vary-toy")]
    preset: Preset,
    /// Seed of the parameters.
    #[arg(long, default_value_t = 0)]
    seed: u64,
    /// Type of the stored weights: f32, f16 or bf16, as the published ones.
    #[arg(long, default_value = "bf16")]
    stored: StoredType,
    /// Directory to write to; created if needed.
    out: PathBuf,
}

#[derive(Clone, Copy, ValueEnum)]
enum Preset {
    /// CLIP-L, SAM-base and Qwen-1.8B: 2.2 billion parameters.
    VaryToy,
    /// SAM-base and OPT-125M, without a tokenizer.
    VaryTiny,
    /// GOT-OCR2.0, 0.56 billion parameters, in the layout of the original.
    GotOcr2,
    /// The same in the layout of transformers.
    GotOcr2Hf,
    /// Vary-toy with a few ten thousand parameters.
    Mini,
    /// Vary-tiny with a few thousand parameters.
    #[cfg(feature = "train")]
    MiniOpt,
}

fn main() -> Result<()> {
    let args = &Args::parse();
    let start = Instant::now();
    Device::flex().seed(args.seed);
    let out = &args.out;
    let name = out.display();
    fs::create_dir_all(out).with_context(|| format!("cannot create {name}"))?;
    match args.preset {
        Preset::VaryToy => {
            write_tokenizer(args)?;
            write(args, &VaryToyConfig::vary_toy())?;
        }
        Preset::GotOcr2 => {
            write_tokenizer(args)?;
            write(args, &GotOcr2Config::got_ocr2())?;
        }
        Preset::GotOcr2Hf => {
            write_tokenizer(args)?;
            let config = GotOcr2Config::got_ocr2().with_layout(GotLayout::Transformers);
            write(args, &config)?;
        }
        Preset::Mini => {
            let tiktoken = synthetic_tiktoken(300);
            let tokens = Tokenizer::from_tiktoken_bytes(&tiktoken)?.vocab_size();
            write_atomic(&out.join("qwen.tiktoken"), tiktoken.as_bytes())?;
            write(args, &VaryToyConfig::tiny(tokens))?;
        }
        Preset::VaryTiny => write(args, &VaryTinyConfig::vary_tiny())?,
        #[cfg(feature = "train")]
        Preset::MiniOpt => {
            let tokenizer = nano_tokenizer(&["car", "bus"])?;
            save_tokenizer(&tokenizer, out)?;
            write(args, &VaryTinyConfig::tiny(tokenizer.vocab_size()))?;
        }
    }
    println!("{name} written in {:.1} s", start.elapsed().as_secs_f64());
    Ok(())
}

/// Writes a tokenizer of the size of Qwen's.
fn write_tokenizer(args: &Args) -> Result<()> {
    let tiktoken = synthetic_tiktoken(QWEN_RANKS);
    Ok(write_atomic(
        &args.out.join("qwen.tiktoken"),
        tiktoken.as_bytes(),
    )?)
}

/// Writes weights and configuration of a model.
fn write<C: FamilyConfig>(args: &Args, config: &C) -> Result<()> {
    config.validate()?;
    let options = SaveOptions::default().stored(args.stored);
    let weights = args.out.join("model.safetensors");
    let model = config.init(&Device::flex());
    let keys = model.key_map();
    save_drawn(model, &keys, weights, &options)?;
    // Last: a directory with a config is a whole checkpoint.
    let json = serde_json::to_vec_pretty(config)?;
    Ok(write_atomic(&args.out.join("config.json"), &json)?)
}

//! Lists the tensors and the problems of a checkpoint, and converts it to safetensors:
//! `cargo run --release --example inspect_checkpoint -- CHECKPOINT [--convert OUT.safetensors]`.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Result, bail, ensure};
use clap::Parser;
use vary_core::burn::prelude::Device;
use vary_core::checkpoint::{CheckpointFiles, StoredType, convert};
use vary_core::model::ModelConfig;
use vary_core::recognition::RecognizerFiles;
use vary_examples::exit;
use vary_lm::tokenizer::Tokenizer;

/// Prints names, types and shapes of a checkpoint's tensors, and every problem.
#[derive(Parser)]
struct Args {
    /// Checkpoint directory or weight file; a sharded one by its index.
    checkpoint: Option<PathBuf>,
    /// Leave the list of tensors out.
    #[arg(long)]
    quiet: bool,
    /// Write one safetensors file.
    #[arg(long, value_name = "FILE")]
    convert: Option<PathBuf>,
    /// Type of the written weights, f32, f16 or bf16; their own by default.
    #[arg(long, requires = "convert")]
    stored: Option<StoredType>,
}

fn main() -> ExitCode {
    exit(run(&Args::parse()))
}

fn run(args: &Args) -> Result<()> {
    let Some(path) = &args.checkpoint else {
        bail!("no checkpoint: pass a directory or a weight file, such as `Vary-toy`")
    };
    let files = CheckpointFiles::open(path)?;
    let (mut count, mut values) = (0, 0);
    for (name, dtype, shape) in files.tensors() {
        count += 1;
        values += shape.iter().product::<usize>();
        if !args.quiet {
            println!("{dtype:5} {shape:?} {name}");
        }
    }
    println!(
        "{count} tensors, {values} values in {}",
        files.path().display()
    );

    let mut problems = 0;
    let mut problem = |text: String| {
        println!("problem: {text}");
        problems += 1;
    };
    for tensor in files.non_finite()? {
        problem(tensor.to_string());
    }
    let beside = path.parent().filter(|dir| !dir.as_os_str().is_empty());
    let dir = match path.is_dir() {
        true => path,
        false => beside.unwrap_or(Path::new(".")),
    };
    match RecognizerFiles::open(dir) {
        Ok(found) => {
            let characters = found.config.alphabet.chars().count();
            println!("text recognizer: {characters} characters");
            if let Err(error) = found.load(&Device::flex()) {
                problem(error.to_string());
            }
        }
        Err(_) => inspect_model(dir, &files, &mut problem),
    }

    if let Some(out) = &args.convert {
        convert(&files, out, args.stored)?;
        println!("written to {}", out.display());
    }
    ensure!(problems == 0, "{problems} problems");
    println!("no problems");
    Ok(())
}

/// The configuration and the tokenizer of a model of any family.
fn inspect_model(dir: &Path, files: &CheckpointFiles, problem: &mut impl FnMut(String)) {
    match ModelConfig::read(dir) {
        Ok(config) => {
            println!("family: {:?}", config.family());
            if let Err(error) = config.check(files) {
                problem(error.to_string());
            }
        }
        Err(error) => problem(error.to_string()),
    }
    match Tokenizer::from_dir(dir) {
        Ok(tokenizer) => println!("tokenizer: {} tokens", tokenizer.vocab_size()),
        Err(error) => problem(error.to_string()),
    }
}

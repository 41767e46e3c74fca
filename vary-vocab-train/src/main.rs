//! Draws training scenes, trains Vary-tiny+ on them, and scores models.

use clap::{Parser, Subcommand};
use vary_vocab_train::scenes::cli::{self, DrawArgs};
use vary_vocab_train::{EvalArgs, TrainArgs, evaluate, train};

#[derive(Parser)]
#[command(version, about)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Draw synthetic scenes.
    Draw(DrawArgs),
    /// Train on drawn scenes.
    Scenes(TrainArgs),
    /// Score a model on held-out scenes.
    Eval(EvalArgs),
}

fn main() -> anyhow::Result<()> {
    match Cli::parse().command {
        Command::Draw(args) => cli::run(&args),
        Command::Scenes(args) => train::run(&args),
        Command::Eval(args) => evaluate::run(&args),
    }
}

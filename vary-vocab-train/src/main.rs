//! Draws scenes and texts, trains Vary-tiny+ and Vary-toy on them, and scores models.

use clap::{Parser, Subcommand};
use vary_vocab_train::{
    CalibrateArgs, CutArgs, EvalArgs, ExportArgs, FinetuneArgs, RecognizerArgs, TrainArgs,
    calibrate, draw, evaluate, finetune, lines, train,
};

// A step allocates and frees gigabytes of buffers; the system's allocator gives large ones back to
// the kernel each time and pays for fresh pages.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

#[derive(Parser)]
#[command(version, about)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Draw synthetic scenes.
    Draw(draw::SceneArgs),
    /// Draw images of text.
    DrawText(draw::TextArgs),
    /// Train on drawn scenes and texts.
    Scenes(TrainArgs),
    /// Train on conversations by a recipe.
    Finetune(Box<FinetuneArgs>),
    /// Cut text lines out of PDF files or pages.
    CutLines(CutArgs),
    /// Train a text recognizer on lines.
    Recognizer(RecognizerArgs),
    /// Write the vision vocabulary of a checkpoint alone.
    ExportVocabulary(ExportArgs),
    /// Score a model on drawn images that it was not trained on, or on your own.
    Eval(EvalArgs),
    /// Make the scores of a checkpoint probabilities.
    Calibrate(CalibrateArgs),
}

fn main() -> anyhow::Result<()> {
    match Cli::parse().command {
        Command::Draw(args) => draw::scenes(&args),
        Command::DrawText(args) => draw::texts(&args),
        Command::Scenes(args) => train::run(&args),
        Command::Finetune(args) => finetune::run(&args),
        Command::CutLines(args) => lines::cut(&args),
        Command::Recognizer(args) => lines::train(&args),
        Command::ExportVocabulary(args) => finetune::export(&args),
        Command::Eval(args) => evaluate::run(&args),
        Command::Calibrate(args) => calibrate::run(&args),
    }
}

use clap::Subcommand;

use crate::{
    CalibrateArgs, CutArgs, EvalArgs, ExportArgs, FinetuneArgs, RecognizerArgs, TrainArgs,
    calibrate, draw, evaluate, finetune, lines, train,
};

/// The programs that draw, train and evaluate.
#[derive(Debug, Subcommand)]
pub enum Command {
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

impl Command {
    /// Runs the program.
    ///
    /// # Errors
    /// Whatever stops it.
    pub fn run(&self) -> anyhow::Result<()> {
        match self {
            Self::Draw(args) => draw::scenes(args),
            Self::DrawText(args) => draw::texts(args),
            Self::Scenes(args) => train::run(args),
            Self::Finetune(args) => finetune::run(args),
            Self::CutLines(args) => lines::cut(args),
            Self::Recognizer(args) => lines::train(args),
            Self::ExportVocabulary(args) => finetune::export(args),
            Self::Eval(args) => evaluate::run(args),
            Self::Calibrate(args) => calibrate::run(args),
        }
    }
}

//! Teaches the embedded model a question that it was never asked, with low-rank adapters (LoRA) on 128
//! small pictures, and asks before and after about pictures that it was not trained on:
//! `cargo run --release --example finetune`.
//!
//! For data of your own see `docs/training.md`.

use std::path::PathBuf;
use std::process::ExitCode;

use burn::module::Module;
use clap::Parser;
use vary_core::checkpoint::{Precision, SaveOptions, save_tokenizer};
use vary_core::detection::{BoundingBox, ParsedBox, parse_answer};
use vary_core::model::{ModelConfig, VaryModel, VaryToy};
use vary_core::pipeline::{AnswerOptions, default_device};
use vary_core::prompt::{IMAGE, Task};
use vary_core::train::data::{Conversation, Conversations, Dataset, Mixture};
use vary_core::train::{ConversationObjective, LoraConfig, TrainConfig, Trained, Trainer};
use vary_core::{Pipeline, Weights};
use vary_examples::exit;

/// Fine-tunes the embedded model.
#[derive(Parser)]
struct Args {
    /// Folder of the data: train.json, held_out.json and pictures/.
    #[arg(long, default_value = concat!(env!("CARGO_MANIFEST_DIR"), "/assets/finetune"))]
    data: PathBuf,
    /// Directory of the run; a run that was interrupted goes on.
    #[arg(long, default_value = "runs/finetune-example")]
    out: PathBuf,
    /// Optimizer steps.
    #[arg(long, default_value_t = 120)]
    steps: u64,
}

fn main() -> ExitCode {
    exit(run(&Args::parse()))
}

fn run(args: &Args) -> anyhow::Result<()> {
    let pictures = args.data.join("pictures");
    let train = Conversations::open(args.data.join("train.json"), &pictures)?;
    let held_out = Conversations::open(args.data.join("held_out.json"), &pictures)?;
    let checkpoint = Weights::nano().open()?;
    let ModelConfig::VaryToy(mut config) = checkpoint.config else {
        anyhow::bail!("the embedded model is of another family");
    };
    // The calibration is of the weights before training.
    config.score_map = None;

    let device = default_device()?.autodiff();
    let base = VaryToy::from_files(&config, &checkpoint.files, &device, Precision::F32)?;
    let pipeline =
        |model: VaryToy| Pipeline::new(model, config.clone(), checkpoint.tokenizer.clone());
    let before = score(&pipeline(base.valid())?, &held_out)?;
    println!(
        "before training: {before} of {} questions right (\"Which object is the largest?\")",
        held_out.len()
    );

    let lora = LoraConfig {
        rank: 16,
        alpha: 32.0,
        ..LoraConfig::default()
    };
    let model = Trained::Lora(lora).prepare(base, 1)?;
    let data = Mixture::new(vec![(Box::new(train), None)], 1)?;
    let max_len = model.language_model().max_positions();
    let objective = ConversationObjective::new(&model, checkpoint.tokenizer.clone(), data, max_len);
    let settings = TrainConfig {
        steps: args.steps,
        batch_size: 16,
        workers: 2,
        learning_rate: 3e-3,
        ..TrainConfig::default()
    };
    let tuned = Trainer::new(settings, &args.out)?.fit(&objective, model, |_, _| Ok(()))?;

    // The adapters become part of the weights: a checkpoint like any other.
    let tuned = tuned.valid().materialize();
    let dir = args.out.join("model");
    tuned.save(&config, &dir, &SaveOptions::default())?;
    save_tokenizer(&checkpoint.tokenizer, &dir)?;
    let after = score(&pipeline(tuned)?, &held_out)?;
    println!(
        "after {} steps: {after} of {} right",
        args.steps,
        held_out.len()
    );
    println!("the model: {}", dir.display());
    println!("its loss: {}", args.out.join("loss.svg").display());
    Ok(())
}

/// Answers that name the right object and no other, with a box that overlaps by half or more.
fn score(vary: &Pipeline, set: &Conversations) -> anyhow::Result<usize> {
    let mut right = 0;
    for index in 0..set.len() {
        let Conversation {
            pictures, messages, ..
        } = set.get(index, 0)?;
        let ([picture], [question, answer]) = (&pictures[..], &messages[..]) else {
            anyhow::bail!("record {index} is not one question about one picture");
        };
        let question = question.value.replace(IMAGE, "");
        let options = AnswerOptions::default();
        let found = vary.answer(picture, Task::Ask(question.trim()), &options)?;
        let (width, height) = picture.dimensions();
        let [found, expected] = [&found.text, &answer.value].map(|text| {
            let boxes = parse_answer(text).boxes.into_iter();
            let in_pixels = |b: ParsedBox| {
                let bbox = BoundingBox::from_thousandths(b.coords, width, height);
                (b.label, bbox)
            };
            boxes.map(in_pixels).collect::<Vec<_>>()
        });
        if let ([(label, bbox)], [(name, truth)]) = (&found[..], &expected[..]) {
            right += usize::from(label == name && bbox.iou(truth) >= 0.5);
        }
    }
    Ok(right)
}

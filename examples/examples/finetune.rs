//! Teaches the embedded model a new question ("Which object is the largest?") with low-rank
//! adapters (LoRA) on 128 small images, and scores it before and after on images that it was not
//! trained on: `cargo run --release --example finetune --features train`. For data of your own see
//! `docs/guides/fine-tuning.md`.

use std::path::PathBuf;

use burn::module::Module;
use clap::Parser;
use vary_core::checkpoint::{Precision, SaveOptions};
use vary_core::detection::{BoundingBox, ParsedBox, parse_answer};
use vary_core::model::{FamilyModel, ModelConfig, VaryToy};
use vary_core::pipeline::{AnswerOptions, default_device};
use vary_core::prompt::{IMAGE, Task};
use vary_core::train::data::{Conversation, Conversations, Dataset, Mixture};
use vary_core::train::{
    ConversationObjective, LoraConfig, StepReport, TrainConfig, TrainLogger, Trained, Trainer,
    save_adapters,
};
use vary_core::{Pipeline, Weights};

/// Fine-tunes the embedded model.
#[derive(Parser)]
struct Args {
    /// Directory of the data: train.json, held_out.json and images/.
    #[arg(long, default_value = concat!(env!("CARGO_MANIFEST_DIR"), "/assets/finetune"))]
    data: PathBuf,
    /// Directory of the run; an interrupted run resumes.
    #[arg(long, default_value = "runs/finetune-example")]
    out: PathBuf,
    /// Optimizer steps.
    #[arg(long, default_value_t = 120)]
    steps: u64,
}

/// Prints the loss every 20 steps.
struct PrintLoss;

impl TrainLogger for PrintLoss {
    fn step(&mut self, report: &StepReport) -> vary_core::Result<()> {
        if report.step.is_multiple_of(20) {
            println!("step {}: loss {:.3}", report.step, report.loss);
        }
        Ok(())
    }
}

fn main() -> anyhow::Result<()> {
    let args = &Args::parse();
    let images = args.data.join("images");
    let train = Conversations::open(args.data.join("train.json"), &images)?;
    let test = Conversations::open(args.data.join("held_out.json"), &images)?;
    let before = score(
        &Pipeline::builder().weights(Weights::nano()).build()?,
        &test,
    )?;
    let of = format!("of {} answers right", test.len());
    println!("before training: {before} {of}");

    let checkpoint = Weights::nano().open()?;
    let ModelConfig::VaryToy(config) = &checkpoint.config else {
        anyhow::bail!("the embedded model is of another family");
    };
    let device = default_device()?.autodiff();
    let base = VaryToy::from_files(config, &checkpoint.files, &device, Precision::F32)?;
    let lora = LoraConfig::default();
    let model = Trained::Lora(lora).prepare(base, 1)?;
    let data = Mixture::new(vec![(Box::new(train), None)], 1)?;
    let objective = ConversationObjective::new(&model, checkpoint.tokenizer.clone(), data, 2048);
    let settings = TrainConfig {
        steps: args.steps,
        batch_size: 16,
        workers: 2,
        learning_rate: 3e-3,
        ..TrainConfig::default()
    };
    let trainer = Trainer::new(settings, &args.out)?.with_logger(PrintLoss);
    let tuned = trainer.fit(&objective, model)?;

    // The adapters alone, and merged into a checkpoint like any other.
    save_adapters(&tuned, &lora, args.out.join("adapters"))?;
    let dir = args.out.join("model");
    let merged = tuned.valid().materialize();
    checkpoint.save_pretrained(&merged, &dir, &SaveOptions::default())?;
    let tuned = Pipeline::builder().weights(Weights::dir(&dir)).build()?;
    println!("after training: {} {of}", score(&tuned, &test)?);
    println!("the model: {}", dir.display());
    Ok(())
}

/// Answers that name the right object and no other, with a box that overlaps by half or more.
fn score(vary: &Pipeline, set: &Conversations) -> anyhow::Result<usize> {
    let mut right = 0;
    for index in 0..set.len() {
        let Conversation {
            images, messages, ..
        } = set.get(index, 0)?;
        let ([image], [question, answer]) = (&images[..], &messages[..]) else {
            anyhow::bail!("record {index} is not one question about one image");
        };
        let question = question.value.replace(IMAGE, "");
        let options = AnswerOptions::default();
        let found = vary.answer(image, Task::Ask(question.trim()), &options)?;
        let (width, height) = image.dimensions();
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

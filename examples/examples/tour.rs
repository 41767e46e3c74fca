//! The API of `vary-core` in one file:
//! `cargo run --release --example tour --features train`.

use std::path::Path;

use burn::module::Module;
use vary_core::model::{FamilyModel, ModelConfig, VaryToy};
use vary_core::pipeline::default_device;
use vary_core::prelude::*;
use vary_core::train::data::{Conversations, Mixture};
use vary_core::train::{ConversationObjective, LoraConfig, TrainConfig, Trained, Trainer};

const SCENE: &[u8] = include_bytes!("../assets/scene.png");
const SIGN: &[u8] = include_bytes!("../assets/sign.png");

fn main() -> anyhow::Result<()> {
    let scene = decode(SCENE, &DecodeOptions::default())?;
    let sign = decode(SIGN, &DecodeOptions::default())?;
    let vary = Pipeline::builder().build()?;
    inference(&vary, &scene, &sign)?;

    let data = Path::new(env!("CARGO_MANIFEST_DIR")).join("assets/finetune");
    let out = tempfile::tempdir()?;
    fine_tune(&data, out.path(), 4)?;
    let tuned = Pipeline::builder()
        .weights(Weights::dir(out.path().join("model")))
        .build()?;
    let question = "Which object is the largest?";
    println!("before tuning: {}", vary.ask(&scene, question)?);
    println!("after tuning:  {}", tuned.ask(&scene, question)?);
    Ok(())
}

/// Detects, reads, asks, streams, batches.
fn inference(vary: &Pipeline, scene: &RgbImage, sign: &RgbImage) -> vary_core::Result<()> {
    for Detection {
        label, score, bbox, ..
    } in vary.detect(scene)?
    {
        println!("{label} {score:.2} {:.0} {:.0}", bbox.x1, bbox.y1);
    }
    println!("sign: {:?}", vary.read(sign)?.text);

    // Encoded once, asked twice.
    let encoded = vary.encode(scene)?;
    println!(
        "{}",
        vary.ask(&encoded, "How many cars are in this image?")?
    );
    println!("{:?}", vary.locate(&encoded, "the car")?);

    let options = AnswerOptions::default().with_max_new_tokens(60);
    for event in vary.stream(&encoded, Task::DetectAll, &options)? {
        match event? {
            Event::Token { text } => print!("{text}"),
            Event::Box(found) => print!("<{}>", found.label),
            Event::Done(answer) => println!("\n{:?}, {:?}", answer.finish, answer.usage),
            _ => {}
        }
    }
    // One that fails does not affect the others.
    let images = [scene, sign, &RgbImage::new(0, 0)];
    for answer in vary.answer_batch(&images, Task::Ocr, &options) {
        match answer {
            Ok(answer) => println!("{:?}", answer.text),
            Err(error) => println!("error: {error}"),
        }
    }
    Ok(())
}

/// Trains adapters on questions about images and writes the model with them merged.
fn fine_tune(data: &Path, out: &Path, steps: u64) -> anyhow::Result<()> {
    let checkpoint = Weights::nano().open()?;
    let ModelConfig::VaryToy(config) = &checkpoint.config else {
        anyhow::bail!("the embedded model is of another family");
    };
    let device = default_device()?.autodiff();
    let base = VaryToy::from_files(config, &checkpoint.files, &device, Precision::F32)?;
    let model = Trained::Lora(LoraConfig::default()).prepare(base, 1)?;

    let set = Conversations::open(data.join("train.json"), data.join("images"))?;
    let mixture = Mixture::new(vec![(Box::new(set), None)], 1)?;
    let tokenizer = checkpoint.tokenizer.clone();
    let objective = ConversationObjective::new(&model, tokenizer, mixture, 384);
    let settings = TrainConfig {
        steps,
        batch_size: 8,
        learning_rate: 3e-3,
        ..TrainConfig::default()
    };
    let tuned = Trainer::new(settings, out)?.fit(&objective, model)?;
    let merged = tuned.valid().materialize();
    checkpoint.save_pretrained(&merged, out.join("model"), &SaveOptions::default())?;
    Ok(())
}

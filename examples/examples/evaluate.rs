//! Scores a model on drawn scenes and writes a report:
//! `cargo run --release --example evaluate --features train -- [--report DIR]`.

use std::path::PathBuf;

use anyhow::Result;
use clap::Parser;
use vary_core::eval::{Evaluation, Truth};
use vary_core::pipeline::AnswerOptions;
use vary_core::prompt::Task;
use vary_core::{Pipeline, Weights};
use vary_data::Split;
use vary_data::scenes::{Atlas, SceneConfig, draw};
use vary_vocab_train::evaluate::truths;
use vary_vocab_train::report::ReportBuilder;

/// Seed of the scenes; training, validation and calibration use others.
const SEED: u64 = 100;

/// Scores a model on drawn scenes: all objects of each, and one object where it is the only one of
/// its class.
#[derive(Parser)]
struct Args {
    /// Number of scenes.
    #[arg(long, default_value_t = 20)]
    scenes: u64,
    /// Where report.html and report.json go.
    #[arg(long, default_value = "report")]
    report: PathBuf,
    /// Checkpoint directory, in place of the embedded model.
    #[arg(long)]
    weights: Option<PathBuf>,
}

fn main() -> Result<()> {
    let args = Args::parse();
    let weights = args.weights.map_or_else(Weights::nano, Weights::dir);
    let vary = Pipeline::builder().weights(weights).build()?;
    let atlas = Atlas::embedded()?;
    let config = SceneConfig {
        size: vary.config().info().sam_config.img_size as u32,
        split: Split::Test,
        ..SceneConfig::default()
    };
    // Average precision ranks boxes of all scores; the other metrics only count confident ones.
    let options = AnswerOptions::default().with_min_score(0.0);
    let evaluation = Evaluation::default()
        .with_classes(atlas.names())
        .with_min_score(vary.inference_config().min_score());
    let mut report = ReportBuilder::new(evaluation);
    for index in 0..args.scenes {
        let scene = draw(&config, &atlas, SEED, index);
        let image = &scene.image;
        let objects = truths(&scene, &atlas);
        let answer = vary.answer(image, Task::DetectAll, &options)?;
        let question = Task::DetectAll.question(vary.config().family());
        let single = objects
            .iter()
            .find(|one| objects.iter().filter(|o| o.label == one.label).count() == 1)
            .cloned();
        let truth = Truth::Objects(objects);
        report.add("detection", image, &question, &truth, &answer);

        if let Some(object) = single {
            let phrase = format!("the {}", object.label);
            let task = Task::Locate(&phrase);
            let answer = vary.answer(image, task, &options)?;
            let truth = Truth::Object(object.bbox);
            report.add("locate", image, &task.to_string(), &truth, &answer);
        }
    }
    let report = report.report(format!("{} drawn scenes", args.scenes));
    print!("{report}");
    report.save(&args.report)?;
    println!("\nsee {}", args.report.join("report.html").display());
    Ok(())
}

mod suite;
mod table;

use std::path::PathBuf;

use anyhow::Context;
use clap::Args;
use vary_core::checkpoint::Precision;
use vary_core::detection::BoundingBox;
use vary_core::eval::{Evaluation, GroundTruth, Truth};
use vary_core::pipeline::{Answer, AnswerOptions};
use vary_core::prompt::{IMAGE, Speaker, Task};
use vary_core::{Error, Pipeline, Weights};

use crate::finetune::{DataArgs, Source, open_set};
use crate::part::Part;
use crate::recipe::seeds;
use crate::scenes::{Atlas, Scene, SceneConfig, draw_batch};

pub use suite::Suite;
pub use table::{quality, table};

/// Scores a model on drawn scenes and texts that it was not trained on, or on your own pictures.
#[derive(Debug, Args)]
pub struct EvalArgs {
    /// Checkpoint directory; the embedded model without it.
    #[arg(long)]
    weights: Option<PathBuf>,
    /// What weights are kept in: f32, bf16, int8 or int4.
    #[arg(long, default_value = "f32")]
    precision: Precision,
    /// Pictures of each task.
    #[arg(long, default_value_t = 300)]
    pictures: u64,
    /// Only the tasks whose names begin so; all without it.
    #[arg(long, value_name = "NAME", num_args = 1.., conflicts_with = "data")]
    task: Vec<String>,
    /// Seed of the pictures; the default is never trained or tuned on.
    #[arg(long, default_value_t = seeds::HELD_OUT)]
    seed: u64,
    /// Whose fonts, papers and backgrounds the pictures show.
    #[arg(long, value_enum, default_value_t = Part::HeldOut)]
    part: Part,
    /// Your own data instead of drawn pictures: the first question of each of its conversations is asked.
    /// An answer of boxes is scored as detection, any other as text.
    #[command(flatten)]
    data: DataArgs,
    /// Writes report.json and report.html, with the best and worst answers, into this directory.
    #[arg(long, value_name = "DIR")]
    report: Option<PathBuf>,
    /// Prints the whole report as JSON.
    #[arg(long)]
    json: bool,
}

/// Runs the subcommand `eval`.
pub fn run(args: &EvalArgs) -> anyhow::Result<()> {
    let weights = args
        .weights
        .as_ref()
        .map_or_else(Weights::nano, Weights::dir);
    let pipeline = Pipeline::builder()
        .weights(weights)
        .precision(args.precision)
        .build()?;
    match args.data.source() {
        Some(source) => run_data(args, &pipeline, &source),
        None => run_drawn(args, &pipeline),
    }
}

fn run_drawn(args: &EvalArgs, pipeline: &Pipeline) -> anyhow::Result<()> {
    let size = pipeline.config().image_size() as u32;
    let start = std::time::Instant::now();
    let mut suite = Suite::new(args.part, args.seed, args.pictures, pipeline.config())?;
    if !args.task.is_empty() {
        suite = suite.only(&args.task)?;
    }
    let title = format!("drawn pictures of seed {}, {size} px", args.seed);
    let report = suite.run(pipeline)?.report(titled(&title, args));
    if let Some(dir) = &args.report {
        report.save(dir)?;
    }
    if args.json {
        println!("{}", serde_json::to_string_pretty(&report)?);
    } else {
        print!("{}", table(&report));
        println!("{:.0} s", start.elapsed().as_secs_f64());
    }
    Ok(())
}

fn run_data(args: &EvalArgs, pipeline: &Pipeline, source: &Source) -> anyhow::Result<()> {
    let set = open_set(source, pipeline.config().family(), args.seed)?;
    let mut evaluation = Evaluation::default().with_min_score(pipeline.config().min_score());
    let mut left_out = set.left_out().to_vec();
    for index in 0..set.len() {
        let conversation = match set.get(index, 0) {
            Err(error @ Error::Picture { .. }) => {
                left_out.push(error.to_string());
                continue;
            }
            other => other?,
        };
        let origin = conversation.origin;
        let asked = match &conversation.messages[..] {
            [question, reference, ..] if question.from == Speaker::Human => {
                Some((question, reference))
            }
            _ => None,
        };
        let (Some((question, reference)), Some(picture)) = (asked, conversation.images.first())
        else {
            left_out.push(format!(
                "{origin}: it is no question about a picture with an answer"
            ));
            continue;
        };
        let question = question.value.replace(IMAGE, "");
        let (width, height) = picture.dimensions();
        let truth = match conversation.accepted.is_empty() {
            true => Truth::parse(&question, reference.value.trim(), width, height),
            false => Truth::Text(conversation.accepted),
        };
        let answer = pipeline
            .answer(
                &conversation.images[..],
                Task::Ask(question.trim()),
                &options_for(&truth),
            )
            .context(origin)?;
        let task = task_name(&question, &truth);
        evaluation.add(task, picture, question.trim(), &truth, &answer);
    }
    for what in &left_out {
        eprintln!("left out: {what}");
    }
    let data = source.files.first().map(|file| file.display().to_string());
    let report = evaluation.report(titled(&data.unwrap_or_default(), args));
    if let Some(dir) = &args.report {
        report.save(dir)?;
    }
    if args.json {
        println!("{}", serde_json::to_string_pretty(&report)?);
    } else {
        print!("{report}");
    }
    Ok(())
}

/// How a question is answered that is scored so. Average precision is about all boxes, however unsure.
fn options_for(truth: &Truth) -> AnswerOptions {
    AnswerOptions {
        min_score: matches!(truth, Truth::Objects(_)).then_some(0.0),
        ..AnswerOptions::default()
    }
}

/// What was scored, with the model.
fn titled(data: &str, args: &EvalArgs) -> String {
    match &args.weights {
        Some(weights) => format!("{} on {data}", weights.display()),
        None => format!("Vary-nano on {data}"),
    }
}

/// Under which name an answer is reported.
fn task_name(question: &str, truth: &Truth) -> &'static str {
    let question = question.trim();
    match truth {
        Truth::Objects(_) => "detection",
        Truth::Object(_) => "locate",
        Truth::Text(_) if question == Task::Ocr.to_string() => "ocr",
        Truth::Text(_) if question == Task::Markdown.to_string() => "markdown",
        Truth::Text(_) if question == Task::Describe.to_string() => "describe",
        Truth::Text(_) => "question answering",
    }
}

/// Asks for all objects of the first `count` scenes of the stream `seed`, in order.
///
/// # Errors
/// Those of the pipeline.
pub fn answer_scenes(
    pipeline: &Pipeline,
    config: &SceneConfig,
    atlas: &Atlas,
    seed: u64,
    count: u64,
    mut each: impl FnMut(&Scene, &Answer),
) -> anyhow::Result<()> {
    // A part at a time: a thousand large scenes would not fit the memory.
    for start in (0..count).step_by(64) {
        for scene in draw_batch(config, atlas, seed, start..(start + 64).min(count)) {
            let answer = pipeline
                .answer(&scene.image, Task::DetectAll, &AnswerOptions::default())
                .context("a drawn scene")?;
            each(&scene, &answer);
        }
    }
    Ok(())
}

/// The objects of a scene by the names of their classes.
pub fn truths(scene: &Scene, atlas: &Atlas) -> Vec<GroundTruth> {
    let truth = |object: &crate::scenes::SceneObject| {
        let [x1, y1, x2, y2] = object.bbox;
        GroundTruth::new(
            &atlas.names()[object.class],
            BoundingBox::new(x1, y1, x2, y2),
        )
    };
    scene.objects.iter().map(truth).collect()
}

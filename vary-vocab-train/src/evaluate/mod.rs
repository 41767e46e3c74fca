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
use vary_data::Split;
use vary_data::scenes::{Atlas, Scene, SceneConfig, draw_batch};

use crate::finetune::{DataArgs, Source, open_set};
use crate::recipe::seeds;
use crate::report::{Report, ReportBuilder};

pub use suite::Suite;
pub use table::{quality, table};

/// Scores a model on drawn scenes and texts that it was not trained on, or on your own data.
#[derive(Debug, Args)]
pub struct EvalArgs {
    /// Checkpoint directory; the embedded model without it.
    #[arg(long)]
    weights: Option<PathBuf>,
    /// Precision of the weights in memory: f32, bf16, int8 or int4.
    #[arg(long, default_value = "f32")]
    precision: Precision,
    /// Images per task.
    #[arg(long, default_value_t = 300, conflicts_with = "data")]
    count: u64,
    /// Only the tasks whose names start with one of these; all by default.
    #[arg(long, value_name = "NAME", num_args = 1.., conflicts_with = "data")]
    task: Vec<String>,
    /// Seed of the images; the default is never trained or tuned on.
    #[arg(long, default_value_t = seeds::TEST)]
    seed: u64,
    /// Split whose fonts, papers and backgrounds the images show.
    #[arg(long, default_value_t = Split::Test)]
    split: Split,
    /// Your own data instead of drawn images: the first question of each conversation is asked. A
    /// reference of boxes is scored as detection, any other as text.
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
    let size = pipeline.config().info().sam_config.img_size as u32;
    let start = std::time::Instant::now();
    let mut suite = Suite::new(args.split, args.seed, args.count, pipeline.config())?;
    if !args.task.is_empty() {
        suite = suite.only(&args.task)?;
    }
    let title = format!("drawn images of seed {}, {size} px", args.seed);
    let report = suite.run(pipeline)?.report(titled(&title, args));
    print_report(args, &report, |report| {
        let seconds = start.elapsed().as_secs_f64();
        format!("{}{seconds:.0} s\n", table(report))
    })
}

fn run_data(args: &EvalArgs, pipeline: &Pipeline, source: &Source) -> anyhow::Result<()> {
    let set = open_set(source, pipeline.config().family(), args.seed)?;
    let evaluation = Evaluation::default().with_min_score(pipeline.inference_config().min_score());
    let mut builder = ReportBuilder::new(evaluation);
    set.left_out()
        .iter()
        .for_each(|record| builder.skip(record));
    for index in 0..set.len() {
        let conversation = match set.get(index, 0) {
            Err(error @ Error::Image { .. }) => {
                builder.skip(error.to_string());
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
        let (Some((question, reference)), Some(image)) = (asked, conversation.images.first())
        else {
            builder.skip(format!(
                "{origin}: not a question about an image with an answer"
            ));
            continue;
        };
        let question = question.value.replace(IMAGE, "");
        let (width, height) = image.dimensions();
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
        builder.add(task, image, question.trim(), &truth, &answer);
    }
    let data = source.files.first().map(|file| file.display().to_string());
    let report = builder.report(titled(&data.unwrap_or_default(), args));
    print_report(args, &report, Report::to_string)
}

/// Saves the report if asked to, and prints it as JSON or as `text`.
fn print_report(
    args: &EvalArgs,
    report: &Report,
    text: impl Fn(&Report) -> String,
) -> anyhow::Result<()> {
    if let Some(dir) = &args.report {
        report.save(dir)?;
    }
    match args.json {
        true => println!("{}", serde_json::to_string_pretty(report)?),
        false => print!("{}", text(report)),
    }
    Ok(())
}

/// Options for an answer with this truth. Average precision ranks boxes of all scores.
fn options_for(truth: &Truth) -> AnswerOptions {
    AnswerOptions::default().with_min_score(matches!(truth, Truth::Objects(_)).then_some(0.0))
}

/// Title of a report: model and data set.
fn titled(data: &str, args: &EvalArgs) -> String {
    match &args.weights {
        Some(weights) => format!("{} on {data}", weights.display()),
        None => format!("Vary-nano on {data}"),
    }
}

/// Name of the task that an answer is reported under.
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
    // In chunks: a thousand large scenes would not fit into memory.
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
    let truth = |object: &vary_data::scenes::SceneObject| {
        let [x1, y1, x2, y2] = object.bbox;
        GroundTruth::new(
            &atlas.names()[object.class],
            BoundingBox::new(x1, y1, x2, y2),
        )
    };
    scene.objects.iter().map(truth).collect()
}

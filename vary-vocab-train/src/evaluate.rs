use std::path::{Path, PathBuf};

use anyhow::{Context, ensure};
use clap::Args;
use vary_core::detection::BoundingBox;
use vary_core::eval::{DetectionEval, DetectionSummary, Evaluation, GroundTruth, Truth};
use vary_core::pipeline::{Answer, AnswerOptions};
use vary_core::prompt::Task;
use vary_core::{Pipeline, Weights};

use crate::cases::{Case, read_cases};
use crate::recipe::seeds;
use crate::scenes::{Atlas, Scene, SceneConfig, draw_batch};

/// Scores a model on drawn scenes that it was not trained on, or on your own pictures.
#[derive(Debug, Args)]
pub struct EvalArgs {
    /// Checkpoint directory; the embedded model without it.
    #[arg(long)]
    weights: Option<PathBuf>,
    /// Number of scenes.
    #[arg(long, default_value_t = 500)]
    scenes: u64,
    /// Seed of the scenes; the default is never trained or tuned on.
    #[arg(long, default_value_t = seeds::HELD_OUT)]
    seed: u64,
    /// Scores the answers to your own questions instead of scenes: a JSON list of records
    /// `{"image": "a.png", "conversations": [{"from": "human", "value": ..}, {"from": "gpt", ..}]}`.
    /// An answer of boxes is scored as detection, any other as text.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["scenes", "seed"])]
    data: Option<PathBuf>,
    /// Directory of the pictures that `--data` names; that of the file by default.
    #[arg(long, value_name = "DIR", requires = "data")]
    images: Option<PathBuf>,
    /// Writes report.json and report.html, with the best and worst answers, into this directory.
    #[arg(long, value_name = "DIR")]
    report: Option<PathBuf>,
    /// Prints JSON: the summary of the scenes, or with `--data` the report.
    #[arg(long)]
    json: bool,
}

/// Runs the subcommand `eval`.
pub fn run(args: &EvalArgs) -> anyhow::Result<()> {
    let weights = args
        .weights
        .as_ref()
        .map_or_else(Weights::nano, Weights::dir);
    let pipeline = Pipeline::builder().weights(weights).build()?;
    match &args.data {
        Some(data) => run_data(args, &pipeline, data),
        None => run_scenes(args, &pipeline),
    }
}

fn run_scenes(args: &EvalArgs, pipeline: &Pipeline) -> anyhow::Result<()> {
    let atlas = Atlas::embedded()?;
    let config = SceneConfig {
        size: pipeline.config().image_size() as u32,
        ..Default::default()
    };
    let start = std::time::Instant::now();
    let mut eval = DetectionEval::new(atlas.names());
    let mut evaluation = Evaluation::default().with_classes(atlas.names());
    let question = Task::DetectAll.to_string();
    answer_scenes(
        pipeline,
        &config,
        &atlas,
        args.seed,
        args.scenes,
        |scene, answer| {
            let truths = truths(scene, &atlas);
            eval.add(&truths, &answer.detections);
            if args.report.is_some() {
                let truth = Truth::Objects(truths);
                evaluation.add("detection", &scene.image, &question, &truth, answer);
            }
        },
    )?;
    if let Some(dir) = &args.report {
        let title = format!("{} drawn scenes of seed {}", args.scenes, args.seed);
        evaluation.report(titled(&title, args)).save(dir)?;
    }
    let summary = eval.summary();
    if args.json {
        println!("{}", serde_json::to_string_pretty(&summary)?);
    } else {
        println!("seed {}, {:.0} s", args.seed, start.elapsed().as_secs_f64());
        println!("{summary}");
    }
    Ok(())
}

fn run_data(args: &EvalArgs, pipeline: &Pipeline, data: &Path) -> anyhow::Result<()> {
    let parent = data.parent().unwrap_or(Path::new("."));
    let cases = read_cases(data, args.images.as_deref().unwrap_or(parent))?;
    ensure!(!cases.is_empty(), "{} has no records", data.display());
    let mut evaluation = Evaluation::default();
    for case in cases {
        let Case {
            origin,
            question,
            reference,
            ..
        } = &case;
        let picture = case.picture()?;
        let (width, height) = picture.dimensions();
        let options = AnswerOptions::default();
        let answer = pipeline
            .answer(&picture, Task::Ask(question), &options)
            .with_context(|| origin.clone())?;
        let truth = Truth::parse(question, reference, width, height);
        evaluation.add(
            task_name(question, &truth),
            &picture,
            question,
            &truth,
            &answer,
        );
    }
    let report = evaluation.report(titled(&data.display().to_string(), args));
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

/// Finds all objects of `count` scenes and scores what was found.
///
/// # Errors
/// Those of the pipeline.
pub fn evaluate(
    pipeline: &Pipeline,
    config: &SceneConfig,
    atlas: &Atlas,
    seed: u64,
    count: u64,
) -> anyhow::Result<DetectionSummary> {
    let mut eval = DetectionEval::new(atlas.names());
    answer_scenes(pipeline, config, atlas, seed, count, |scene, answer| {
        eval.add(&truths(scene, atlas), &answer.detections);
    })?;
    Ok(eval.summary())
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

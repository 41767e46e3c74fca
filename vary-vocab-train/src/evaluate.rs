use std::path::PathBuf;

use anyhow::Context;
use clap::Args;
use vary_core::detection::BoundingBox;
use vary_core::eval::{DetectionEval, DetectionSummary, GroundTruth};
use vary_core::{Pipeline, Weights};

use crate::recipe::seeds;
use crate::scenes::{Atlas, Scene, SceneConfig, draw_batch};

/// Scores a model on drawn scenes that it was not trained on.
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
    /// Prints the summary as JSON.
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
    let atlas = Atlas::embedded()?;
    let config = SceneConfig {
        size: pipeline.config().image_size() as u32,
        ..Default::default()
    };
    let start = std::time::Instant::now();
    let summary = evaluate(&pipeline, &config, &atlas, args.seed, args.scenes)?;
    if args.json {
        println!("{}", serde_json::to_string_pretty(&summary)?);
    } else {
        println!("seed {}, {:.0} s", args.seed, start.elapsed().as_secs_f64());
        println!("{summary}");
    }
    Ok(())
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
    let mut eval = DetectionEval::new(atlas.names().iter().cloned());
    // A part at a time: a thousand large scenes would not fit the memory.
    for start in (0..count).step_by(64) {
        for scene in draw_batch(config, atlas, seed, start..(start + 64).min(count)) {
            let found = pipeline.detect(&scene.image).context("a drawn scene")?;
            eval.add(&truths(&scene, atlas), &found);
        }
    }
    Ok(eval.summary())
}

fn truths(scene: &Scene, atlas: &Atlas) -> Vec<GroundTruth> {
    let truth = |object: &crate::scenes::SceneObject| {
        let [x1, y1, x2, y2] = object.bbox;
        GroundTruth::new(
            &atlas.names()[object.class],
            BoundingBox::new(x1, y1, x2, y2),
        )
    };
    scene.objects.iter().map(truth).collect()
}

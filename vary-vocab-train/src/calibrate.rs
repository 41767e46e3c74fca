use std::path::PathBuf;

use anyhow::ensure;
use clap::Args;
use vary_core::Weights;
use vary_core::checkpoint::Precision;
use vary_core::detection::CalibrationMap;
use vary_core::eval::{Calibration, CalibrationSummary, DetectionEval};
use vary_core::pipeline::{Answer, InferenceConfig, default_device};
use vary_data::scenes::{Atlas, Scene, SceneConfig};

use crate::evaluate::{answer_scenes, truths};
use crate::recipe::seeds;

/// Minimum number of boxes for a fit.
const MIN_BOXES: usize = 100;

/// Makes the scores of a checkpoint probabilities: fits a map from score to share of right boxes on
/// drawn scenes and writes it into `inference_config.json`. The scenes are those that choose
/// checkpoints, never those of the test split.
#[derive(Debug, Args)]
pub struct CalibrateArgs {
    /// Checkpoint directory; an earlier calibration is replaced.
    #[arg(long, value_name = "DIR")]
    weights: PathBuf,
    /// Number of scenes.
    #[arg(long, default_value_t = 400)]
    scenes: u64,
}

/// Runs the subcommand `calibrate`.
///
/// # Errors
/// Those of the pipeline and of the files, and fewer than 100 boxes; the file is as it
/// was then.
pub fn run(args: &CalibrateArgs) -> anyhow::Result<()> {
    let mut checkpoint = Weights::dir(&args.weights).open()?;
    let inference = InferenceConfig::read(&args.weights)?;
    // Fitted to raw scores.
    checkpoint.inference = inference.clone().with_calibration_map(None);
    let pipeline = checkpoint.load(&default_device()?, Precision::default())?;

    let atlas = Atlas::embedded()?;
    let config = SceneConfig {
        size: pipeline.config().info().sam_config.img_size as u32,
        ..Default::default()
    };
    // By scenes, as the boxes of one scene resemble each other.
    let mut halves = [(); 2].map(|()| DetectionEval::new(atlas.names()));
    let mut scene_count = 0;
    let (seed, count) = (seeds::VALIDATION, args.scenes);
    let each = |scene: &Scene, answer: &Answer| {
        halves[scene_count % 2].add(&truths(scene, &atlas), &answer.detections);
        scene_count += 1;
    };
    answer_scenes(&pipeline, &config, &atlas, seed, count, each)?;
    let [even, odd] = [halves[0].scored(), halves[1].scored()];
    let all = [even, odd].concat();
    ensure!(
        all.len() >= MIN_BOXES,
        "{} boxes in {scene_count} scenes, {MIN_BOXES} are needed to calibrate: draw more scenes \
         (`--scenes`), or train the model further",
        all.len()
    );

    println!("{} boxes in {scene_count} scenes of seed {seed}", all.len());
    let mut before = Calibration::default();
    all.iter()
        .for_each(|&(score, right)| before.add(score, right));
    print_line("before", &before.summary());
    print_line("after, on the half not fitted to", &cross_fitted(even, odd));

    let map = CalibrationMap::fit(all);
    inference.with_calibration_map(map).write(&args.weights)?;
    println!(
        "written to {}",
        args.weights.join("inference_config.json").display()
    );
    Ok(())
}

/// How well each half is calibrated by a map fitted to the other, over both.
fn cross_fitted(even: &[(f32, bool)], odd: &[(f32, bool)]) -> CalibrationSummary {
    let mut calibration = Calibration::default();
    for (fitted, scored) in [(even, odd), (odd, even)] {
        let map = CalibrationMap::fit(fitted.iter().copied());
        for &(score, right) in scored {
            calibration.add(map.apply(score), right);
        }
    }
    calibration.summary()
}

fn print_line(name: &str, summary: &CalibrationSummary) {
    if let (Some(ece), Some(brier)) = (summary.ece, summary.brier) {
        println!("{name}: ECE {ece:.4}, Brier score {brier:.4}");
    }
}

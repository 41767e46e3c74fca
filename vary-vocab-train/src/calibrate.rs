use std::num::NonZeroUsize;
use std::path::PathBuf;

use anyhow::ensure;
use clap::Args;
use serde_json::{Map, Value};
use vary_core::Weights;
use vary_core::checkpoint::{Precision, read_config_json, write_atomic};
use vary_core::detection::ScoreMap;
use vary_core::eval::{Calibration, CalibrationSummary, DetectionEval};
use vary_core::pipeline::{Answer, default_device};
use vary_data::scenes::{Atlas, Scene, SceneConfig};

use crate::evaluate::{answer_scenes, truths};
use crate::recipe::seeds;

/// Boxes below which a fit says little.
const MIN_BOXES: usize = 100;

/// Makes the scores of a checkpoint probabilities: fits a map from score to share of right boxes on
/// drawn scenes and writes it into `config.json`. The scenes are those that choose checkpoints,
/// never the held-out ones.
#[derive(Debug, Args)]
pub struct CalibrateArgs {
    /// Checkpoint directory; an earlier calibration is replaced.
    #[arg(long, value_name = "DIR")]
    weights: PathBuf,
    /// Number of scenes.
    #[arg(long, default_value_t = 400)]
    scenes: u64,
    /// How often each picture is read from now on, 1 to 10 times; as often as before without it.
    #[arg(long, value_name = "N")]
    readings: Option<NonZeroUsize>,
}

/// Runs the subcommand `calibrate`.
///
/// # Errors
/// Those of the pipeline and of the files, and fewer than 100 boxes; `config.json` is as it was
/// then.
pub fn run(args: &CalibrateArgs) -> anyhow::Result<()> {
    // Not as a model's configuration: fields of other programs stay.
    let mut file: Map<String, Value> = read_config_json(&args.weights)?;
    let mut checkpoint = Weights::dir(&args.weights).open()?;
    let readings = args.readings.unwrap_or(checkpoint.config.readings());
    checkpoint.config.set_readings(readings);
    // Fitted to raw scores.
    checkpoint.config.set_score_map(None);
    let pipeline = checkpoint.load(&default_device()?, Precision::default())?;

    let atlas = Atlas::embedded()?;
    let config = SceneConfig {
        size: pipeline.config().image_size() as u32,
        ..Default::default()
    };
    // By scenes, as the boxes of one are alike.
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

    let times = match readings.get() {
        1 => "once".into(),
        n => format!("{n} times"),
    };
    println!(
        "{} boxes in {scene_count} scenes of seed {seed}, read {times}",
        all.len()
    );
    let mut before = Calibration::default();
    all.iter()
        .for_each(|&(score, right)| before.add(score, right));
    print_line("before", &before.summary());
    print_line("after, on the half not fitted to", &cross_fitted(even, odd));

    let map = ScoreMap::fit(all);
    file.insert("score_map".into(), serde_json::to_value(map)?);
    file.insert("readings".into(), readings.get().into());
    let path = args.weights.join("config.json");
    let mut text = serde_json::to_vec_pretty(&file)?;
    text.push(b'\n');
    write_atomic(&path, &text)?;
    println!("written to {}", path.display());
    Ok(())
}

/// How well each half is calibrated by a map fitted to the other, over both.
fn cross_fitted(even: &[(f32, bool)], odd: &[(f32, bool)]) -> CalibrationSummary {
    let mut calibration = Calibration::default();
    for (fitted, scored) in [(even, odd), (odd, even)] {
        let map = ScoreMap::fit(fitted.iter().copied());
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

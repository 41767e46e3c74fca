use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Instant;

use anyhow::{Context, bail};
use burn::module::Module;
use clap::Args;
use serde_json::json;
use vary_core::Pipeline;
use vary_core::checkpoint::{self, CheckpointFiles, KeyMap, Precision, SaveOptions, StoredType};
use vary_core::model::{VaryTiny, VaryTinyConfig};
use vary_core::pipeline::default_device;
use vary_core::train::{Trainer, compute_in_bf16};
use vary_lm::tokenizer::{CoordinateTokens, Tokenizer, nano_tokenizer};

use crate::evaluate::{Suite, quality, table};
use crate::init::initialise;
use crate::objective::{SceneModel, SceneObjective};
use crate::part::Part;
use crate::recipe::{Preset, SceneRecipe, keep_recipe, seeds};
use crate::scenes::Atlas;
use crate::texts::Texts;
use crate::validation::ValidationLog;

/// Trains Vary-tiny+ on drawn scenes; writes the best model by validation to `best/` (16 bits), the
/// final one to `last/`, and all weights with the helper heads to `trained.safetensors` (16 bits, at each
/// checkpoint), from which another run can start. A run that was interrupted goes on.
#[derive(Debug, Args)]
pub struct TrainArgs {
    /// Sizes of model and run.
    #[arg(long, default_value = "nano")]
    preset: Preset,
    /// Directory of the run.
    #[arg(long, default_value = "runs/scenes")]
    out: PathBuf,
    /// Recipe as JSON, in the form that the run prints; the preset's without it.
    #[arg(long)]
    recipe: Option<PathBuf>,
    /// Weights to start from: the `trained.safetensors` of another run of a model of the same sizes. Phases,
    /// schedule and data begin anew; give the recipe a seed that no run before had.
    #[arg(long)]
    from: Option<PathBuf>,
    /// Optimizer steps of the whole run.
    #[arg(long)]
    steps: Option<u64>,
    /// Samples of a step.
    #[arg(long)]
    batch_size: Option<usize>,
    /// Seed of data and starting weights.
    #[arg(long)]
    seed: Option<u64>,
    /// Steps between checkpoints.
    #[arg(long)]
    save_every: Option<u64>,
}

impl TrainArgs {
    fn recipe(&self) -> anyhow::Result<SceneRecipe> {
        let mut recipe = match (&self.recipe, self.preset) {
            (Some(path), _) => {
                let text = fs::read_to_string(path).with_context(|| path.display().to_string())?;
                serde_json::from_str(&text).with_context(|| path.display().to_string())?
            }
            (None, Preset::Nano) => SceneRecipe::nano(),
            (None, Preset::Tiny) => SceneRecipe::tiny(),
        };
        recipe.train.steps = self.steps.unwrap_or(recipe.train.steps);
        recipe.train.batch_size = self.batch_size.unwrap_or(recipe.train.batch_size);
        recipe.train.save_every = self.save_every.unwrap_or(recipe.train.save_every);
        recipe.seed = self.seed.unwrap_or(recipe.seed);
        Ok(recipe)
    }
}

/// Runs the subcommand `scenes`.
///
/// # Errors
/// Whatever stops the run; its last checkpoint stays.
pub fn run(args: &TrainArgs) -> anyhow::Result<()> {
    let recipe = args.recipe()?;
    let resolved = serde_json::to_string_pretty(&recipe)?;
    println!("{resolved}");
    recipe.validate()?;
    let atlas = Atlas::embedded()?;
    let names: Vec<&str> = atlas.names().iter().map(String::as_str).collect();
    let tokenizer = nano_tokenizer(&names)?;
    let config = SceneRecipe::model(args.preset, tokenizer.vocab_size());
    let coordinates = CoordinateTokens::find(&tokenizer);
    let (dense_steps, frozen_steps) = recipe.phases();

    let device = default_device()?.autodiff();
    device.seed(recipe.seed);
    let vary = initialise(config.init(&device), coordinates.as_ref(), recipe.seed);
    let model = SceneModel::new(vary, &config, names.len(), &device);
    let model = match &args.from {
        Some(path) => checkpoint::load(model, &CheckpointFiles::open(path)?, &KeyMap::new())?,
        None => model,
    };
    let model = match recipe.precision {
        Precision::F32 => model,
        Precision::Bf16 => compute_in_bf16(model)?,
        other => bail!("`precision` is {other}: training is in f32 or bf16"),
    };
    println!(
        "{} weights, of them {} in the helper heads",
        model.num_params(),
        model.num_params() - model.vary.num_params()
    );

    let objective = SceneObjective {
        model: config.clone(),
        scenes: recipe.scenes.clone(),
        atlas,
        text_config: recipe.texts.clone(),
        texts: Texts::embedded()?,
        text_every: recipe.text_every,
        micro_batch_size: recipe.train.micro_batch_size as u64,
        questions: recipe.questions,
        follow_ups: recipe.follow_ups,
        tokenizer: tokenizer.clone(),
        coordinates,
        seed: recipe.seed,
        dense_steps,
        frozen_steps,
        sigma: recipe.sigma,
    };
    let mut validation = Validation {
        dir: args.out.clone(),
        config: config.clone(),
        tokenizer: tokenizer.clone(),
        suite: Suite::new(
            Part::Train,
            seeds::VALIDATION,
            recipe.validation_pictures,
            config.sam_config.img_size as u32,
        )?,
        recipe: recipe.clone(),
        start: Instant::now(),
    };
    let trainer = Trainer::new(recipe.train.clone(), &args.out)?;
    keep_recipe(&args.out.join("recipe.json"), &resolved)?;
    let mut failed = None;
    let result = trainer.fit(&objective, model, |model, step| {
        let plain = model.valid().materialize();
        checkpoint::save(
            &plain,
            &KeyMap::new(),
            args.out.join("trained.safetensors"),
            &SaveOptions::default().stored(StoredType::F16),
        )?;
        if step > dense_steps
            && let Err(e) = validation.run(&plain.vary, step)
        {
            eprintln!("validation after step {step} failed: {e:#}");
            failed = Some(e);
        }
        Ok(())
    });
    let trained = result?.vary.valid().materialize();
    save(
        &trained,
        &config,
        &tokenizer,
        &args.out.join("last"),
        StoredType::F32,
    )?;
    failed.map_or(Ok(()), Err)
}

/// Scores each checkpoint on the validation seed and keeps the best one, by the mean of what its tasks
/// are judged by.
struct Validation {
    dir: PathBuf,
    config: VaryTinyConfig,
    tokenizer: Tokenizer,
    suite: Suite,
    recipe: SceneRecipe,
    start: Instant,
}

impl Validation {
    fn run(&mut self, model: &VaryTiny, step: u64) -> anyhow::Result<()> {
        let log = ValidationLog::read(&self.dir)?;
        if log.has(step) {
            return Ok(());
        }
        let pipeline = Pipeline::new(model.clone(), self.config.clone(), self.tokenizer.clone())?;
        let report = self.suite.run(&pipeline)?.report("validation");
        let tasks = report.tasks.len().max(1) as f64;
        let mean = report.tasks.iter().map(quality).sum::<f64>() / tasks;
        let best = log.values("quality").fold(-1.0, f64::max);
        let of_tasks = report.tasks.iter();
        let of_tasks: BTreeMap<_, _> = of_tasks.map(|t| (t.name.as_str(), quality(t))).collect();
        let line = json!({
            "step": step,
            "samples": step * self.recipe.train.batch_size as u64,
            "seconds": self.start.elapsed().as_secs(),
            "quality": mean,
            "tasks": of_tasks,
        });
        println!("validation {line}\n{}", table(&report));
        if mean > best {
            save(
                model,
                &self.config,
                &self.tokenizer,
                &self.dir.join("best"),
                StoredType::F16,
            )?;
        }
        log.add(&line)?;
        Ok(())
    }
}

/// Writes a checkpoint directory as the pipeline reads it.
fn save(
    model: &VaryTiny,
    config: &VaryTinyConfig,
    tokenizer: &Tokenizer,
    dir: &Path,
    stored: StoredType,
) -> anyhow::Result<()> {
    model.save(config, dir, &SaveOptions::default().stored(stored))?;
    Ok(checkpoint::save_tokenizer(tokenizer, dir)?)
}

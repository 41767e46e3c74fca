use std::collections::BTreeMap;
use std::fs;
use std::marker::PhantomData;
use std::path::{Path, PathBuf};
use std::time::Instant;

use anyhow::{Context, bail, ensure};
use burn::module::Module;
use burn::prelude::*;
use clap::Args;
use serde_json::json;
use vary_core::checkpoint::{self, CheckpointFiles, KeyMap, Precision, SaveOptions, StoredType};
use vary_core::model::{
    FamilyConfig, ModelConfig, VaryToy, VaryToyConfig, read_vocabulary, vocabulary_of,
};
use vary_core::pipeline::{InferenceConfig, default_device, save_pretrained};
use vary_core::train::{Score, TrainConfig, Trainer, Validation, compute_in_bf16};
use vary_core::{Pipeline, Weights};
use vary_data::Split;
use vary_data::scenes::Atlas;
use vary_data::texts::Texts;
use vary_lm::tokenizer::{CoordinateTokens, Tokenizer};
use vary_vision::vocab::VisionVocabulary;

use crate::captions::{Captioner, Captions};
use crate::charts::Charts;
use crate::evaluate::{Suite, quality, table};
use crate::init::initialise;
use crate::objective::{SceneModel, SceneObjective, TrainableModel};
use crate::progress::Progress;
use crate::recipe::{Preset, SceneRecipe, keep_recipe, seeds};

/// Trains on drawn scenes and texts: Vary-tiny+, or a Vary-toy with the vision vocabulary of one.
/// Writes the best model by validation to `best/` (16 bits), the final one to `last/`, and all
/// parameters with the helper heads to `trained.safetensors` (16 bits, at each checkpoint), from
/// which another run can start. An interrupted run resumes.
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
    /// Parameters to start from: the `trained.safetensors` of another run of a model of the same
    /// sizes. Phases, schedule and data begin anew; give the recipe a seed that no run before had.
    #[arg(long)]
    from: Option<PathBuf>,
    /// Checkpoint whose vision vocabulary a Vary-toy uses; without it the one of `--from`, or of
    /// the embedded model.
    #[arg(long)]
    vocabulary: Option<PathBuf>,
    /// Optimizer steps of the whole run; captions of a Vary-toy have steps of their own before it.
    #[arg(long)]
    steps: Option<u64>,
    /// Samples of a step.
    #[arg(long)]
    batch_size: Option<usize>,
    /// Seed of data and initial parameters.
    #[arg(long)]
    seed: Option<u64>,
    /// Steps between checkpoints.
    #[arg(long)]
    save_every: Option<u64>,
}

impl TrainArgs {
    fn recipe(&self) -> anyhow::Result<SceneRecipe> {
        let mut recipe = match &self.recipe {
            Some(path) => {
                let text = fs::read_to_string(path).with_context(|| path.display().to_string())?;
                serde_json::from_str(&text).with_context(|| path.display().to_string())?
            }
            None => self.preset.recipe(),
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
    println!("{}", serde_json::to_string_pretty(&recipe)?);
    recipe.validate()?;
    let atlas = Atlas::embedded()?;
    let names: Vec<&str> = atlas.names().iter().map(String::as_str).collect();
    let tokenizer = args.preset.tokenizer(&names)?;
    let run = Run {
        args,
        config: args.preset.model(tokenizer.vocab_size()),
        coordinates: CoordinateTokens::find(&tokenizer),
        tokenizer,
        device: default_device()?.autodiff(),
        atlas,
        recipe,
    };
    run.device.seed(run.recipe.seed);
    match &run.config {
        ModelConfig::VaryTiny(config) => {
            ensure!(
                args.vocabulary.is_none(),
                "`--vocabulary` is for a Vary-toy: this preset makes one"
            );
            ensure!(
                run.recipe.captions.is_none() && run.recipe.charts == 0.0,
                "`captions` and `charts` are for a Vary-toy: leave them out"
            );
            run.train(run.model(run.start(config.init(&run.device)))?)
        }
        ModelConfig::VaryToy(config) => run.train(run.toy(config)?),
        other => bail!("no preset makes {:?} models", other.family()),
    }
}

struct Run<'a> {
    args: &'a TrainArgs,
    recipe: SceneRecipe,
    atlas: Atlas,
    tokenizer: Tokenizer,
    coordinates: Option<CoordinateTokens>,
    config: ModelConfig,
    device: Device,
}

impl Run<'_> {
    fn start<M: Module>(&self, model: M) -> M {
        initialise(model, self.coordinates.as_ref(), self.recipe.seed)
    }

    /// With fresh helper heads, or all parameters from `--from`.
    fn model<M: TrainableModel>(&self, vary: M) -> anyhow::Result<SceneModel<M>> {
        let model = SceneModel::new(vary, &self.config, self.atlas.names().len(), &self.device);
        Ok(match &self.args.from {
            Some(path) => checkpoint::load(model, &CheckpointFiles::open(path)?, &KeyMap::new())?,
            None => model,
        })
    }

    /// A Vary-toy with the towers that it will see with.
    fn toy(&self, config: &VaryToyConfig) -> anyhow::Result<SceneModel<VaryToy>> {
        ensure!(
            [self.recipe.dense_share, self.recipe.frozen_share] == [0.0; 2],
            "`dense_share` is {} and `frozen_share` {}: the towers of a Vary-toy are always \
             frozen, both must be 0",
            self.recipe.dense_share,
            self.recipe.frozen_share
        );
        let mut model = self.model(config.init(&self.device))?;
        if self.args.from.is_some() {
            if self.args.vocabulary.is_some() {
                model.vary.vision_tower_high = self.vocabulary(config)?;
            }
            return Ok(model);
        }
        let train = self.recipe.captions.as_ref();
        let train = train.context(
            "the recipe has no `captions`: the CLIP tower learns from them, unless `--from` names \
             a file",
        )?;
        model.vary.vision_tower_high = self.vocabulary(config)?;
        let captioner = self.captions(config, train)?;
        model.vary.qwen = captioner.qwen;
        model.vary.vision_tower = captioner.vision_tower.valid().materialize();
        // The random numbers to come must not depend on whether this process learned captions.
        self.device.seed(self.recipe.seed);
        Ok(model)
    }

    /// The vision vocabulary of `--vocabulary`, or of the embedded model.
    fn vocabulary(&self, config: &VaryToyConfig) -> anyhow::Result<VisionVocabulary> {
        let plain = self.device.clone().inner();
        let (name, (tower, found)) = match &self.args.vocabulary {
            Some(path) => (path.display().to_string(), read_vocabulary(path, &plain)?),
            None => {
                let nano = Weights::nano().open()?;
                let found = vocabulary_of(&nano.config, &nano.files, &plain)?;
                ("the embedded model".into(), found)
            }
        };
        ensure!(
            found == config.sam_config,
            "the vision vocabulary of {name} has other sizes than this preset's: pass \
             `--vocabulary` one of {} px, {} layers of width {}",
            config.sam_config.img_size,
            config.sam_config.depth,
            config.sam_config.embed_dim
        );
        Ok(tower)
    }

    /// The run that comes before a Vary-toy's, in a directory of its own. It computes in f32.
    fn captions(&self, config: &VaryToyConfig, train: &TrainConfig) -> anyhow::Result<Captioner> {
        let out = self.args.out.join("captions");
        let mut model = Captioner::new(config, &self.device);
        model.qwen = self.start(model.qwen);
        let objective = Captions {
            scenes: self.recipe.scenes.clone(),
            atlas: self.atlas.clone(),
            tokenizer: self.tokenizer.clone(),
            model: config.clone(),
            seed: self.recipe.seed,
        };
        let trainer = Trainer::new(train.clone(), &out)?.with_logger(Progress::new());
        let decides = json!({
            "train": train,
            "scenes": self.recipe.scenes,
            "seed": self.recipe.seed,
        });
        keep_recipe(
            &out.join("recipe.json"),
            &serde_json::to_string_pretty(&decides)?,
        )?;
        println!("captions: {} parameters", model.num_params());
        Ok(trainer.fit(&objective, model)?)
    }

    fn train<M: TrainableModel>(&self, model: SceneModel<M>) -> anyhow::Result<()> {
        let (recipe, out) = (&self.recipe, &self.args.out);
        let (dense_steps, frozen_steps) = recipe.phases();
        let model = match recipe.precision {
            Precision::F32 => model,
            Precision::Bf16 => compute_in_bf16(model)?,
            other => bail!("`precision` is {other}: training is in f32 or bf16"),
        };
        let (all, kept) = (model.num_params(), Module::num_params(&model.vary));
        println!(
            "{all} parameters, {} of them in the helper heads",
            all - kept
        );

        let objective = SceneObjective {
            trained: PhantomData,
            model: self.config.clone(),
            scenes: recipe.scenes.clone(),
            atlas: self.atlas.clone(),
            text_config: recipe.texts.clone(),
            texts: Texts::embedded()?,
            charts: match recipe.charts > 0.0 {
                true => Some((Charts::new(Split::Train)?, recipe.charts)),
                false => None,
            },
            text_share: recipe.text_share,
            micro_batch_size: recipe.train.micro_batch_size as u64,
            questions: recipe.questions,
            follow_ups: recipe.follow_ups,
            tokenizer: self.tokenizer.clone(),
            coordinates: self.coordinates.clone(),
            seed: recipe.seed,
            dense_steps,
            frozen_steps,
            sigma: recipe.sigma,
        };
        let suite = Suite::new(
            Split::Train,
            seeds::VALIDATION,
            recipe.validation_images,
            &self.config,
        )?;
        let mut validation = SceneValidation {
            run: self,
            suite: match recipe.charts > 0.0 {
                true => suite,
                false => suite.without_charts(),
            },
            dense_steps,
            start: Instant::now(),
            failed: None,
        };
        let trainer = Trainer::new(recipe.train.clone(), out)?
            .with_logger(Progress::new())
            .with_validation(recipe.train.save_every, &mut validation);
        let resolved = serde_json::to_string_pretty(recipe)?;
        keep_recipe(&out.join("recipe.json"), &resolved)?;
        let trained = trainer.fit(&objective, model)?.vary.valid().materialize();
        write_model(&trained, self, &out.join("last"), &SaveOptions::default())?;
        validation.failed.map_or(Ok(()), Err)
    }
}

/// Writes a checkpoint directory as the pipeline reads it.
fn write_model<M: TrainableModel>(
    model: &M,
    run: &Run<'_>,
    dir: &Path,
    options: &SaveOptions,
) -> vary_core::Result<()> {
    let inference = InferenceConfig::default();
    save_pretrained(model, &run.config, &run.tokenizer, &inference, dir, options)
}

/// Scores each checkpoint on the validation seed, by the mean of what its tasks are judged by. The
/// loss is what is missing from 1.
struct SceneValidation<'a> {
    run: &'a Run<'a>,
    suite: Suite,
    /// Before, the language model has learned nothing.
    dense_steps: u64,
    start: Instant,
    /// The last error of a validation: it does not stop the run.
    failed: Option<anyhow::Error>,
}

impl SceneValidation<'_> {
    fn measure<M: TrainableModel>(&self, model: &M, step: u64) -> anyhow::Result<Score> {
        let run = self.run;
        let pipeline = Pipeline::new(model.clone(), run.config.clone(), run.tokenizer.clone())?;
        let report = self.suite.run(&pipeline)?.report("validation");
        let tasks = report.tasks.len().max(1) as f64;
        let mean = report.tasks.iter().map(quality).sum::<f64>() / tasks;
        println!("{}", table(&report));
        let of_tasks = report.tasks.iter();
        let of_tasks: BTreeMap<_, _> = of_tasks
            .map(|t| (t.summary.name.as_str(), quality(t)))
            .collect();
        let mut score = Score::from((1.0 - mean) as f32);
        for (name, value) in [
            ("samples", json!(step * run.recipe.train.batch_size as u64)),
            ("seconds", json!(self.start.elapsed().as_secs())),
            ("quality", json!(mean)),
            ("tasks", json!(of_tasks)),
        ] {
            score.fields.insert(name.into(), value);
        }
        Ok(score)
    }
}

impl<M: TrainableModel> Validation<SceneModel<M>> for SceneValidation<'_> {
    /// Also writes `trained.safetensors`.
    fn score(&mut self, model: &SceneModel<M>, step: u64) -> vary_core::Result<Option<Score>> {
        let plain = model.valid().materialize();
        checkpoint::save(
            &plain,
            &KeyMap::new(),
            self.run.args.out.join("trained.safetensors"),
            &SaveOptions::default().stored(StoredType::F16),
        )?;
        if step <= self.dense_steps {
            return Ok(None);
        }
        match self.measure(&plain.vary, step) {
            Ok(score) => Ok(Some(score)),
            Err(e) => {
                eprintln!("validation after step {step} failed: {e:#}");
                self.failed = Some(e);
                Ok(None)
            }
        }
    }

    fn save(&mut self, model: &SceneModel<M>, dir: &Path) -> vary_core::Result<()> {
        let options = SaveOptions::default().stored(StoredType::F16);
        write_model(&model.vary.valid().materialize(), self.run, dir, &options)
    }
}

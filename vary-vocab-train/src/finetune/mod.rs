//! Training on conversations: the stages of the paper after the first vocabulary, and fine-tuning.

mod data;
mod device;
mod recipe;

pub use data::DataArgs;
pub(crate) use data::open_set;
pub use recipe::{PRESETS, Recipe, Source, SourceKind};

use std::path::{Path, PathBuf};

use anyhow::{Context, ensure};
use burn::module::Module;
use clap::Args;
use serde_json::json;
use vary_core::Weights;
use vary_core::checkpoint::{Precision, SaveOptions, StoredType, save_tokenizer};
use vary_core::model::{ModelConfig, VaryTiny, VaryToy, read_vocabulary, write_vocabulary};
use vary_core::pipeline::default_device;
use vary_core::train::data::Mixture;
use vary_core::train::{ConversationObjective, Trainable, Trainer, compute_in_bf16};
use vary_lm::tokenizer::Tokenizer;

use crate::recipe::keep_recipe;
use crate::validation::ValidationLog;

/// Trains a model on conversations by a recipe; writes it to `last/`, and the best by validation to
/// `best/`. A run that was interrupted goes on.
#[derive(Debug, Args)]
pub struct FinetuneArgs {
    /// A recipe: vary-tiny-plus, vary-toy-pretrain, vary-toy-sft, lora, qlora, or a TOML file.
    recipe: String,
    /// Checkpoint directory to start from; the embedded model without one.
    #[arg(long)]
    weights: Option<PathBuf>,
    /// Checkpoint whose vision vocabulary takes the place of the model's.
    #[arg(long)]
    vocabulary: Option<PathBuf>,
    #[command(flatten)]
    data: DataArgs,
    /// Annotations of the same kind that are not trained on; see `best/`.
    #[arg(long, requires = "data", value_name = "FILE")]
    validation: Option<PathBuf>,
    /// Directory of the run.
    #[arg(long, default_value = "runs/finetune")]
    out: PathBuf,
    /// Optimizer steps of the whole run, in place of the recipe's epochs.
    #[arg(long)]
    steps: Option<u64>,
    /// Samples of a step.
    #[arg(long)]
    batch_size: Option<usize>,
    /// Steps between checkpoints.
    #[arg(long)]
    save_every: Option<u64>,
    /// Seed of the data order and of the adapters.
    #[arg(long)]
    seed: Option<u64>,
}

impl FinetuneArgs {
    fn recipe(&self) -> anyhow::Result<Recipe> {
        let mut recipe = Recipe::read(&self.recipe)?;
        recipe.weights = self.weights.clone().or(recipe.weights);
        recipe.vocabulary = self.vocabulary.clone().or(recipe.vocabulary);
        let source = self.data.source();
        if let (Some(file), Some(source)) = (&self.validation, &source) {
            let mut validation = source.clone();
            // OpenImages' names of classes, its second file, are those of both.
            match (validation.kind, &mut validation.files[..]) {
                (SourceKind::OpenImages, [boxes, _]) => boxes.clone_from(file),
                _ => validation.files = vec![file.clone()],
            }
            recipe.validation = Some(validation);
        }
        recipe.data.extend(source);
        if let Some(steps) = self.steps {
            recipe.train.steps = steps;
            recipe.epochs = None;
        }
        recipe.train.batch_size = self.batch_size.unwrap_or(recipe.train.batch_size);
        recipe.train.save_every = self.save_every.unwrap_or(recipe.train.save_every);
        recipe.seed = self.seed.unwrap_or(recipe.seed);
        Ok(recipe)
    }
}

/// Runs the subcommand `finetune`.
///
/// # Errors
/// Whatever stops the run; its last checkpoint stays.
pub fn run(args: &FinetuneArgs) -> anyhow::Result<()> {
    let mut recipe = args.recipe()?;
    recipe.check_precision()?;
    ensure!(
        !recipe.data.is_empty(),
        "no data: pass `--data FILE --images DIR`, or name sets in the recipe under `[[data]]`"
    );
    let weights = recipe.weights.as_ref();
    let checkpoint = weights.map_or_else(Weights::nano, Weights::dir).open()?;
    let (mut config, files) = (checkpoint.config, checkpoint.files);
    // The calibration is of the weights before training.
    config.set_score_map(None);
    let mixture = data::open(&recipe.data, config.family(), recipe.seed)?;
    let validation = match &recipe.validation {
        Some(source) => {
            let sources = std::slice::from_ref(source);
            Some(data::open(sources, config.family(), recipe.seed)?)
        }
        None => None,
    };
    recipe.resolve(mixture.len())?;
    recipe.train.validate()?;
    println!("{}\n# {} conversations", recipe.to_toml()?, mixture.len());

    let devices = recipe
        .devices
        .iter()
        .map(|name| device::parse(name))
        .collect::<anyhow::Result<Vec<_>>>()?;
    let device = match devices.first() {
        Some(device) => device.clone(),
        None => default_device()?,
    };
    let device = device.autodiff();
    let run = Run {
        config: &config,
        tokenizer: checkpoint.tokenizer,
        mixture,
        validation,
        recipe: &recipe,
        out: &args.out,
    };
    match &config {
        ModelConfig::VaryTiny(sizes) => {
            let mut model = VaryTiny::from_files(sizes, &files, &device, Precision::F32)?;
            if let Some(path) = &recipe.vocabulary {
                let (tower, found) = read_vocabulary(path, &device)?;
                ensure!(found == sizes.sam_config, other_sizes(path));
                model.vision_tower = tower;
            }
            run.train(model, devices)
        }
        ModelConfig::VaryToy(sizes) => {
            let mut model = VaryToy::from_files(sizes, &files, &device, Precision::F32)?;
            if let Some(path) = &recipe.vocabulary {
                let (tower, found) = read_vocabulary(path, &device.clone().inner())?;
                ensure!(found == sizes.sam_config, other_sizes(path));
                model.vision_tower_high = tower;
            }
            run.train(model, devices)
        }
    }
}

fn other_sizes(path: &Path) -> String {
    let path = path.display();
    format!("the vision vocabulary of {path} has other sizes than the model's")
}

struct Run<'a> {
    config: &'a ModelConfig,
    tokenizer: Tokenizer,
    mixture: Mixture,
    validation: Option<Mixture>,
    recipe: &'a Recipe,
    out: &'a Path,
}

impl Run<'_> {
    fn train<M>(self, model: M, devices: Vec<burn::prelude::Device>) -> anyhow::Result<()>
    where
        M: Trainable + Send + Sync,
    {
        let recipe = self.recipe;
        let model = recipe.trained.prepare(model, recipe.seed)?;
        let model = match recipe.precision {
            Precision::Bf16 => compute_in_bf16(model)?,
            _ => model,
        };
        let objective = |model: &M, data| {
            let (tokenizer, len) = (self.tokenizer.clone(), recipe.model_max_length);
            ConversationObjective::new(model, tokenizer, data, len).recompute(recipe.recompute)
        };
        let validation = self.validation.map(|data| objective(&model, data));
        let objective = objective(&model, self.mixture);
        let write = |model: &M, name: &str| -> vary_core::Result<PathBuf> {
            let dir = self.out.join(name);
            let merged = model.valid().materialize();
            merged.write(self.config, &dir, &SaveOptions::default())?;
            save_tokenizer(&self.tokenizer, &dir)?;
            Ok(dir)
        };
        let validate = |model: &M, step: u64| {
            let Some(validation) = &validation else {
                return Ok(());
            };
            let log = ValidationLog::read(self.out)?;
            if log.has(step) {
                return Ok(());
            }
            let count = validation.data().len().min(recipe.validation_size);
            let loss = validation.mean_loss(model, count, recipe.train.micro_batch_size)?;
            let line = json!({"step": step, "loss": loss});
            println!("validation {line}");
            if log.values("loss").all(|before| f64::from(loss) < before) {
                write(model, "best")?;
            }
            log.add(&line)
        };
        let trainer = Trainer::new(recipe.train.clone(), self.out)?.devices(devices);
        // Last, so that a mistake found above leaves nothing behind.
        keep_recipe(&self.out.join("recipe.toml"), &recipe.to_toml()?)?;
        let trained = trainer.fit(&objective, model, validate)?;
        print!("{}", objective.data().skipped());
        println!("{}", write(&trained, "last")?.display());
        Ok(())
    }
}

/// Writes the vision vocabulary of a checkpoint alone.
#[derive(Debug, Args)]
pub struct ExportArgs {
    /// Checkpoint directory of either family.
    weights: PathBuf,
    /// Directory to write.
    out: PathBuf,
    /// Type of the written values: f32, f16 or bf16.
    #[arg(long, default_value = "f32")]
    stored: StoredType,
}

/// Runs the subcommand `export-vocabulary`.
///
/// # Errors
/// Whatever is wrong with the checkpoint, or with writing.
pub fn export(args: &ExportArgs) -> anyhow::Result<()> {
    let device = default_device()?;
    let (tower, config) = read_vocabulary(&args.weights, &device)
        .with_context(|| args.weights.display().to_string())?;
    let options = SaveOptions::default().stored(args.stored);
    write_vocabulary(&tower, &config, &args.out, &options)?;
    println!("{}: {} weights", args.out.display(), tower.num_params());
    Ok(())
}

//! Training on conversations: the stages of the paper after the first vocabulary, and fine-tuning.

mod data;
mod recipe;

pub use data::DataArgs;
pub(crate) use data::open_set;
pub use recipe::{PRESETS, Recipe, Source, SourceKind};

use std::path::{Path, PathBuf};

use anyhow::{Context, ensure};
use burn::module::Module;
use burn::prelude::Device;
use clap::Args;
use vary_core::Weights;
use vary_core::checkpoint::{Precision, SaveOptions, StoredType};
use vary_core::model::{
    FamilyConfig, FamilyModel, FamilyVisitor, read_vocabulary, write_vocabulary,
};
use vary_core::pipeline::{Checkpoint, default_device, named_device};
use vary_core::train::data::Mixture;
use vary_core::train::{ConversationObjective, Trained, Trainer, compute_in_bf16, save_adapters};
use vary_vision::vocab::VisionVocabularyConfig;

use crate::progress::Progress;
use crate::recipe::keep_recipe;

/// Trains a model on conversations by a recipe. Writes it to `last/`, the best by validation to
/// `best/`, and adapters alone to `adapters/`. An interrupted run resumes.
#[derive(Debug, Args)]
pub struct FinetuneArgs {
    /// A recipe: vary-tiny-plus, vary-toy-pretrain, vary-toy-sft, got-sft, lora, qlora, or a TOML
    /// file.
    recipe: String,
    /// Checkpoint directory to start from; the embedded model without one.
    #[arg(long)]
    weights: Option<PathBuf>,
    /// Checkpoint whose vision vocabulary takes the place of the model's.
    #[arg(long)]
    vocabulary: Option<PathBuf>,
    #[command(flatten)]
    data: DataArgs,
    /// Annotations of the validation split, of the same kind; see `best/`.
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
            // OpenImages' class names, its second file, are those of both splits.
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
        "no data: pass `--data FILE --images DIR`, or name data sets in the recipe under `[[data]]`"
    );
    let weights = recipe.weights.as_ref();
    let checkpoint = weights.map_or_else(Weights::nano, Weights::dir).open()?;
    let family = checkpoint.config.family();
    let mixture = data::open(&recipe.data, family, recipe.seed)?;
    let validation = recipe.validation.as_ref().map(|source| {
        let sources = std::slice::from_ref(source);
        data::open(sources, family, recipe.seed)
    });
    let validation = validation.transpose()?;
    recipe.resolve(mixture.len())?;
    recipe.train.validate()?;
    println!("{}\n# {} conversations", recipe.to_toml()?, mixture.len());
    let devices = recipe.devices.iter().map(|name| named_device(name));
    let run = Run {
        devices: devices.collect::<Result<_, _>>()?,
        checkpoint,
        mixture,
        validation,
        recipe: &recipe,
        out: &args.out,
    };
    let config = run.checkpoint.config.clone();
    config.visit(run)
}

struct Run<'a> {
    devices: Vec<Device>,
    checkpoint: Checkpoint,
    mixture: Mixture,
    validation: Option<Mixture>,
    recipe: &'a Recipe,
    out: &'a Path,
}

impl Run<'_> {
    /// The vision vocabulary at `path`, in the place of the model's, whose sizes are `sizes`.
    fn set_vocabulary<M: FamilyModel>(
        model: &mut M,
        sizes: &VisionVocabularyConfig,
        path: &Path,
    ) -> anyhow::Result<()> {
        let device = model.vision_vocabulary().0.pos_embed.lazy_device();
        let (tower, found) = read_vocabulary(path, &device)?;
        ensure!(
            found == *sizes,
            "the vision vocabulary of {} has other sizes than the model's",
            path.display()
        );
        model.set_vision_vocabulary(tower);
        Ok(())
    }

    fn train<M: FamilyModel>(self, model: M) -> anyhow::Result<()> {
        let recipe = self.recipe;
        let model = recipe.trained.prepare(model, recipe.seed)?;
        let model = match recipe.precision {
            Precision::Bf16 => compute_in_bf16(model)?,
            _ => model,
        };
        let objective = |data| {
            let (tokenizer, len) = (self.checkpoint.tokenizer.clone(), recipe.model_max_length);
            ConversationObjective::new(&model, tokenizer, data, len)
                .activation_checkpointing(recipe.activation_checkpointing)
        };
        let validation = self.validation.map(objective);
        let objective = objective(self.mixture);
        let write = |model: &M, dir: &Path| {
            let merged = model.valid().materialize();
            self.checkpoint
                .save_pretrained(&merged, dir, &SaveOptions::default())
        };
        let mut trainer = Trainer::new(recipe.train.clone(), self.out)?
            .devices(self.devices)
            .with_logger(Progress::new());
        if let Some(validation) = &validation {
            let micro = recipe.train.micro_batch_size;
            let validation = validation.validation(recipe.validation_size, micro, write);
            trainer = trainer.with_validation(recipe.validate_every(), validation);
        }
        // Last, so that a mistake found above leaves nothing behind.
        keep_recipe(&self.out.join("recipe.toml"), &recipe.to_toml()?)?;
        let trained = trainer.fit(&objective, model)?;
        print!("{}", objective.data().skipped());
        let last = self.out.join("last");
        write(&trained, &last)?;
        if let Trained::Lora(lora) = &recipe.trained {
            save_adapters(&trained, lora, self.out.join("adapters"))?;
        }
        println!("{}", last.display());
        Ok(())
    }
}

/// Opens the model and trains it.
impl FamilyVisitor for Run<'_> {
    type Output = anyhow::Result<()>;

    fn visit<C: FamilyConfig>(self, config: &C) -> Self::Output {
        let device = match self.devices.first() {
            Some(device) => device.clone(),
            None => default_device()?,
        };
        let (files, device) = (&self.checkpoint.files, device.autodiff());
        let mut model = C::Model::from_files(config, files, &device, Precision::F32)?;
        if let Some(path) = &self.recipe.vocabulary {
            Self::set_vocabulary(&mut model, config.info().sam_config, path)?;
        }
        self.train(model)
    }
}

/// Writes the vision vocabulary of a checkpoint alone.
#[derive(Debug, Args)]
pub struct ExportArgs {
    /// Checkpoint directory.
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
    println!("{}: {} parameters", args.out.display(), tower.num_params());
    Ok(())
}

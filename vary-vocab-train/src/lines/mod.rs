//! Trains text recognizers on lines cut from real pages.

mod recipe;
mod validation;

use std::fs;
use std::path::PathBuf;

use anyhow::Context;
use burn::module::Module;
use clap::Args;
use image::GrayImage;
use vary_core::checkpoint::{KeyMap, SaveOptions, load_shared};
use vary_core::pipeline::default_device;
use vary_core::recognition::{Recognizer, RecognizerConfig, RecognizerFiles};
use vary_core::train::{LineObjective, LineSource, Trainer};
use vary_data::lines::{LineSampler, Lines, write_page_lines, write_pdf_lines};

use crate::progress::Progress;
use crate::recipe::keep_recipe;
pub use recipe::LinesRecipe;
use validation::LineValidation;

/// Cuts the text lines out of PDF files, or out of images with word boxes, into tar shards.
#[derive(Debug, Args)]
pub struct CutArgs {
    /// Folder of PDF files; subfolders are searched.
    #[arg(long, required_unless_present = "pages", conflicts_with = "pages")]
    pdf: Option<PathBuf>,
    /// Folder of pages: `NAME.png` and `NAME.json` with `text` and `words`.
    #[arg(long)]
    pages: Option<PathBuf>,
    /// Folder of the shards, which is created.
    #[arg(long)]
    out: PathBuf,
    /// Pages of a PDF file at most, chosen at random.
    #[arg(long, default_value_t = 24)]
    max_pages: usize,
    /// Seed of pages and resolutions.
    #[arg(long, default_value_t = 0)]
    seed: u64,
}

/// Runs the subcommand `cut-lines`.
///
/// # Errors
/// If a folder can't be read or a shard can't be written.
pub fn cut(args: &CutArgs) -> anyhow::Result<()> {
    let count = match (&args.pdf, &args.pages) {
        (Some(pdf), _) => write_pdf_lines(pdf, &args.out, args.max_pages, args.seed)?,
        (None, Some(pages)) => write_page_lines(pages, &args.out)?,
        (None, None) => anyhow::bail!("pass `--pdf` or `--pages`"),
    };
    println!("{count} lines in {}", args.out.display());
    Ok(())
}

/// Trains a text recognizer on lines. Writes the best model by validation to `best/` and the final
/// one to `last/`. An interrupted run resumes.
#[derive(Debug, Args)]
pub struct RecognizerArgs {
    /// Directory of the run.
    #[arg(long, default_value = "runs/recognizer")]
    out: PathBuf,
    /// Recipe as JSON, in the form that the run prints; the embedded model's without it, in the
    /// sizes of `--from`.
    #[arg(long)]
    recipe: Option<PathBuf>,
    /// Folder of shards to train on, with its weight among several: `DIR` or `DIR=WEIGHT`. May be
    /// given more than once.
    #[arg(long, required = true)]
    data: Vec<String>,
    /// Folder of shards to validate on.
    #[arg(long)]
    validation: PathBuf,
    /// Recognizer whose parameters are taken where they fit the recipe's network.
    #[arg(long)]
    from: Option<PathBuf>,
}

/// Runs the subcommand `recognizer`.
///
/// # Errors
/// Whatever stops the run; its last checkpoint stays.
pub fn train(args: &RecognizerArgs) -> anyhow::Result<()> {
    let from = args.from.as_ref().map(RecognizerFiles::open).transpose()?;
    let recipe: LinesRecipe = match (&args.recipe, &from) {
        (Some(path), _) => {
            let text = fs::read_to_string(path).with_context(|| path.display().to_string())?;
            serde_json::from_str(&text).with_context(|| path.display().to_string())?
        }
        (None, Some(found)) => LinesRecipe {
            model: found.config.clone(),
            ..LinesRecipe::nano()
        },
        (None, None) => LinesRecipe::nano(),
    };
    let resolved = serde_json::to_string_pretty(&recipe)?;
    println!("{resolved}");
    recipe.validate()?;
    let device = default_device()?.autodiff();
    device.seed(recipe.seed);
    let config = recipe.model.clone();
    let mut model = config.init(&device);
    if let Some(found) = from {
        // The classes of another alphabet are others, even if they are as many.
        let same_head = (&found.config.alphabet, found.config.steps_per_column)
            == (&config.alphabet, config.steps_per_column);
        let wanted = |name: &str| same_head || !name.starts_with("head.");
        let left;
        (model, left) = load_shared(model, &found.files, &KeyMap::new(), wanted)?;
        if !left.is_empty() {
            println!("New parameters: {}", left.join(", "));
        }
    }
    let source = Sampled::open(args, &config, recipe.seed)?;
    let lines: usize = source.mix.iter().map(|(lines, _)| lines).sum();
    println!("{} parameters, {lines} lines", model.num_params());
    let objective = LineObjective::new(config.clone(), recipe.batches.clone(), source)?;
    let mut validation = LineValidation::open(&args.validation, config.clone(), &recipe)?;
    keep_recipe(&args.out.join("recipe.json"), &resolved)?;
    let trained = Trainer::new(recipe.train.clone(), &args.out)?
        .with_logger(Progress::new())
        .with_validation(recipe.train.save_every, &mut validation)
        .fit(&objective, model)?;
    let last = Recognizer::new(trained.valid(), config)?;
    Ok(last.save(args.out.join("last"), &SaveOptions::default())?)
}

/// Runs of words of the folders of `--data`.
struct Sampled {
    sampler: LineSampler,
    /// Lines of each source, and its weight.
    mix: Vec<(usize, f32)>,
    seed: u64,
}

impl Sampled {
    fn open(args: &RecognizerArgs, config: &RecognizerConfig, seed: u64) -> anyhow::Result<Self> {
        let mut sources = vec![];
        for entry in &args.data {
            let (dir, weight) = match entry.rsplit_once('=') {
                Some((dir, weight)) => (
                    dir,
                    weight.parse().with_context(|| format!("--data {entry}"))?,
                ),
                None => (entry.as_str(), 1.0),
            };
            anyhow::ensure!(
                weight > 0.0 && f32::is_finite(weight),
                "--data {entry}: a weight is a number above 0"
            );
            sources.push((Lines::open(dir.as_ref())?, weight));
        }
        Ok(Self {
            mix: sources
                .iter()
                .map(|(lines, weight)| (lines.len(), *weight))
                .collect(),
            sampler: LineSampler::new(sources, &config.alphabet, seed)?,
            seed,
        })
    }
}

impl LineSource for Sampled {
    fn line(&self, index: u64, aspect: f32) -> vary_core::Result<(GrayImage, String)> {
        let run = self.sampler.run(index, aspect);
        let run = run.map_err(|e| vary_core::Error::Config(e.to_string()))?;
        Ok((run.image, run.text))
    }

    fn identity(&self) -> String {
        format!("lines and weights {:?}, seed {}", self.mix, self.seed)
    }
}

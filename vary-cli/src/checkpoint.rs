//! Subcommands on checkpoints.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use clap::Args;
use vary_core::checkpoint::{CheckpointFiles, StoredType, convert};
use vary_core::model::ModelConfig;
use vary_core::pipeline::default_device;
use vary_core::recognition::RecognizerFiles;
use vary_lm::tokenizer::Tokenizer;

use crate::output::print_line;

#[derive(Args)]
pub struct InspectArgs {
    /// Checkpoint directory or weight file; a sharded one by its index.
    checkpoint: PathBuf,
    /// Leave out the list of tensors.
    #[arg(long)]
    summary: bool,
}

#[derive(Args)]
pub struct ConvertArgs {
    /// Checkpoint directory or weight file; a sharded one by its index.
    checkpoint: PathBuf,
    /// The safetensors file to write.
    output: PathBuf,
    /// Type of the written weights, f32, f16, bf16 or int8; their own by default.
    #[arg(long)]
    stored: Option<StoredType>,
}

impl ConvertArgs {
    pub fn run(self) -> Result<()> {
        if let Some(dir) = self.output.parent() {
            fs::create_dir_all(dir).with_context(|| dir.display().to_string())?;
        }
        convert(
            &CheckpointFiles::open(&self.checkpoint)?,
            &self.output,
            self.stored,
        )?;
        print_line(self.output.display())
    }
}

impl InspectArgs {
    pub fn run(self) -> Result<()> {
        let path = &self.checkpoint;
        let files = CheckpointFiles::open(path)?;
        let (mut count, mut values) = (0, 0);
        for (name, dtype, shape) in files.tensors() {
            count += 1;
            values += shape.iter().product::<usize>();
            if !self.summary {
                print_line(format!("{dtype:5} {shape:?} {name}"))?;
            }
        }
        let file = files.path().display();
        print_line(format!("{count} tensors, {values} values in {file}"))?;

        let mut problems: Vec<String> = vec![];
        problems.extend(files.non_finite()?.iter().map(ToString::to_string));
        let beside = path.parent().filter(|dir| !dir.as_os_str().is_empty());
        let dir = match path.is_dir() {
            true => path,
            false => beside.unwrap_or(Path::new(".")),
        };
        let facts = match RecognizerFiles::open(dir) {
            Ok(found) => {
                let characters = found.config.alphabet.chars().count();
                problems.extend(found.load(&default_device()?).err().map(|e| e.to_string()));
                vec![format!("text recognizer: {characters} characters")]
            }
            Err(_) => model(dir, &files, &mut problems),
        };
        for fact in facts {
            print_line(fact)?;
        }
        for problem in &problems {
            print_line(format!("problem: {problem}"))?;
        }
        ensure!(
            problems.is_empty(),
            "{} problem{}",
            problems.len(),
            if problems.len() == 1 { "" } else { "s" }
        );
        print_line("no problems")
    }
}

/// What is known of the configuration and the tokenizer of a model of any family.
fn model(dir: &Path, files: &CheckpointFiles, problems: &mut Vec<String>) -> Vec<String> {
    let mut facts = vec![];
    match ModelConfig::read(dir) {
        Ok(config) => {
            facts.push(format!("family: {:?}", config.family()));
            problems.extend(config.check(files).err().map(|e| e.to_string()));
        }
        Err(error) => problems.push(error.to_string()),
    }
    match Tokenizer::from_dir(dir) {
        Ok(tokenizer) => facts.push(format!("tokenizer: {} tokens", tokenizer.vocab_size())),
        Err(error) => problems.push(error.to_string()),
    }
    facts
}

#[cfg(feature = "hub")]
#[derive(Args)]
pub struct DownloadArgs {
    /// Name of a published checkpoint, `owner/name`.
    name: String,
    /// Another branch, tag or commit than `main`.
    #[arg(long)]
    revision: Option<String>,
}

#[cfg(feature = "hub")]
impl DownloadArgs {
    pub fn run(self, quiet: bool) -> Result<()> {
        let mut model = vary_core::hub::HubModel::new(&self.name);
        if let Some(revision) = self.revision {
            model = model.with_revision(revision);
        }
        let bar = crate::model::spinner(quiet, format!("downloading {}", self.name));
        let fetched = model.fetch();
        bar.finish_and_clear();
        print_line(fetched?.display())
    }
}

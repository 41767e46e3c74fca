use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail, ensure};
use serde::{Deserialize, Serialize};
use vary_core::checkpoint::Precision;
use vary_core::train::{TrainConfig, Trained};

/// A run on conversations: everything that decides its result. As a TOML file, with the fields of
/// [`TrainConfig`] under `[train]` and a `[[data]]` for each set.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Recipe {
    /// Checkpoint directory to start from; the embedded model without one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub weights: Option<PathBuf>,
    /// Checkpoint whose vision vocabulary takes the place of the model's, or a directory that
    /// `export-vocabulary` wrote.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vocabulary: Option<PathBuf>,
    /// Seed of the data order and of the adapters.
    #[serde(default = "one")]
    pub seed: u64,
    /// Passes through the data, which decide `train.steps`; without it `train.steps` stands.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub epochs: Option<f64>,
    /// Tokens of a sample, longer ones are cut off.
    #[serde(default = "model_max_length")]
    pub model_max_length: usize,
    /// Computes the blocks of a trained tower again in the backward pass: less memory, more time.
    #[serde(default)]
    pub activation_checkpointing: bool,
    /// Precision of the computation: f32, or bf16 on parameters that are kept in f32, for GPUs.
    #[serde(default)]
    pub precision: Precision,
    /// Maximum conversations of `validation` that are measured.
    #[serde(default = "validation_size")]
    pub validation_size: usize,
    /// Steps between validations; `train.save_every` without it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub validate_every: Option<u64>,
    /// Devices that share the work, such as `cuda:0`; the best one without any.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub devices: Vec<String>,
    /// What is trained.
    pub trained: Trained,
    /// Optimizer and loop.
    #[serde(default)]
    pub train: TrainConfig,
    /// The data sets of the training split, mixed by their weights.
    #[serde(default)]
    pub data: Vec<Source>,
    /// The data set of the validation split: its loss decides which model is kept in `best/`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub validation: Option<Source>,
}

/// A data set of conversations on disk.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Source {
    /// What the files are.
    pub kind: SourceKind,
    /// The annotation files; of WebDataset, the shards.
    pub files: Vec<PathBuf>,
    /// Folder that the paths of images are relative to; that of the first file without it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub images: Option<PathBuf>,
    /// Share of the samples, over the sum of all weights; by its size without it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub weight: Option<f64>,
}

/// Formats of data sets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub enum SourceKind {
    /// LLaVA's JSON of conversations, with images or without.
    Llava,
    /// DocVQA's questions about pages.
    Docvqa,
    /// ChartQA's questions about charts.
    Chartqa,
    /// Tar shards of images with conversations or captions.
    Webdataset,
    /// COCO's boxes.
    Coco,
    /// Objects365's boxes.
    Objects365,
    /// OpenImages' boxes and class names, two CSV files.
    OpenImages,
    /// Referring expressions with a box each.
    Refcoco,
    /// A folder of pages, as `pdf_folder`, `typeset` and `charts` write them.
    Pages,
}

fn one() -> u64 {
    1
}

fn validation_size() -> usize {
    256
}

fn model_max_length() -> usize {
    4096
}

/// The recipes that come with the program.
pub const PRESETS: [(&str, &str); 6] = [
    (
        "vary-tiny-plus",
        include_str!("../../recipes/vary-tiny-plus.toml"),
    ),
    (
        "vary-toy-pretrain",
        include_str!("../../recipes/vary-toy-pretrain.toml"),
    ),
    (
        "vary-toy-sft",
        include_str!("../../recipes/vary-toy-sft.toml"),
    ),
    ("got-sft", include_str!("../../recipes/got-sft.toml")),
    ("lora", include_str!("../../recipes/lora.toml")),
    ("qlora", include_str!("../../recipes/qlora.toml")),
];

impl Recipe {
    /// Reads a recipe: one of the [`PRESETS`] by name, or a TOML file.
    ///
    /// # Errors
    /// A file that can't be read, a field that no recipe has or of another type, with its line.
    pub fn read(name: &str) -> anyhow::Result<Self> {
        if let Some((_, text)) = PRESETS.iter().find(|(preset, _)| *preset == name) {
            return toml::from_str(text).with_context(|| format!("recipe `{name}`"));
        }
        let path = Path::new(name);
        if !path.exists() {
            let names: Vec<&str> = PRESETS.iter().map(|(name, _)| *name).collect();
            bail!(
                "no recipe `{name}`: pass a TOML file, or one of {}",
                names.join(", ")
            );
        }
        let text = fs::read_to_string(path).with_context(|| name.to_owned())?;
        toml::from_str(&text).with_context(|| name.to_owned())
    }

    /// The recipe as TOML.
    ///
    /// # Errors
    /// A path that is not UTF-8.
    pub fn to_toml(&self) -> anyhow::Result<String> {
        Ok(toml::to_string(self)?)
    }

    /// Checks `precision`.
    ///
    /// # Errors
    /// A precision that is not for training, or not for adapters.
    pub fn check_precision(&self) -> anyhow::Result<()> {
        match (self.precision, self.trained) {
            (Precision::F32, _) => Ok(()),
            (Precision::Bf16, Trained::Everything | Trained::LanguageModel) => Ok(()),
            (Precision::Bf16, _) => bail!("`precision` is bf16: adapters are trained in f32"),
            (other, _) => bail!(
                "`precision` is {other}: training is in f32 or bf16; for frozen matrices in 8 or 4 \
                 bits see `trained.lora.quantized`"
            ),
        }
    }

    /// Steps between validations.
    pub fn validate_every(&self) -> u64 {
        self.validate_every.unwrap_or(self.train.save_every)
    }

    /// Sets `train.steps` from `epochs` over `conversations`.
    ///
    /// # Errors
    /// A number of epochs that is not above 0.
    pub fn resolve(&mut self, conversations: usize) -> anyhow::Result<()> {
        if let Some(epochs) = self.epochs {
            ensure!(
                epochs > 0.0 && epochs.is_finite(),
                "`epochs` is {epochs}; it has to be above 0"
            );
            let steps = epochs * conversations as f64 / self.train.batch_size.max(1) as f64;
            self.train.steps = (steps.ceil() as u64).max(1);
        }
        Ok(())
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn presets_round_trip() {
        for (name, _) in PRESETS {
            let recipe = Recipe::read(name).unwrap();
            recipe.train.validate().unwrap();
            let text = recipe.to_toml().unwrap();
            assert_eq!(toml::from_str::<Recipe>(&text).unwrap(), recipe, "{text}");
        }
        let plus = Recipe::read("vary-tiny-plus").unwrap();
        assert_eq!(plus.trained, Trained::Everything);
        assert_eq!(
            (plus.train.batch_size, plus.train.learning_rate),
            (512, 5e-5)
        );
    }

    #[test]
    fn unknown_fields_are_refused() {
        let error =
            toml::from_str::<Recipe>("trained = \"everything\"\n[train]\nlearningrate = 1\n");
        let text = error.unwrap_err().to_string();
        assert!(
            text.contains("learningrate") && text.contains("line 3"),
            "{text}"
        );
        assert!(toml::from_str::<Recipe>("trained = \"nothing\"").is_err());
        let error = Recipe::read("vary-tiny").unwrap_err().to_string();
        assert!(error.contains("vary-tiny-plus"), "{error}");
    }

    #[test]
    fn adapters_need_f32() {
        let mut recipe = Recipe::read("vary-toy-sft").unwrap();
        recipe.precision = Precision::Bf16;
        recipe.check_precision().unwrap();
        recipe.precision = Precision::Int8;
        assert!(recipe.check_precision().is_err());
        let mut recipe = Recipe::read("lora").unwrap();
        recipe.check_precision().unwrap();
        recipe.precision = Precision::Bf16;
        assert!(recipe.check_precision().is_err());
    }

    #[test]
    fn lr_groups_round_trip() {
        let text = "trained = \"everything\"\n[[train.lr_groups]]\n\
                    parameters = '^vision_tower\\.'\nlearning_rate = 1e-5\n";
        let recipe: Recipe = toml::from_str(text).unwrap();
        assert_eq!(
            recipe.train,
            TrainConfig::default().with_lr_group(r"^vision_tower\.", 1e-5)
        );
        let written = recipe.to_toml().unwrap();
        assert_eq!(toml::from_str::<Recipe>(&written).unwrap(), recipe);
        assert!(toml::from_str::<Recipe>(&text.replace("1e-5", "1e-5\nrate = 1")).is_err());
    }

    #[test]
    fn epochs_decide_the_steps() {
        let mut recipe = Recipe::read("lora").unwrap();
        recipe.resolve(100).unwrap();
        assert_eq!(recipe.train.steps, 19); // 3 x 100 / 16, rounded up
        recipe.epochs = Some(f64::NAN);
        assert!(recipe.resolve(100).is_err());
        recipe.epochs = None;
        recipe.train.steps = 7;
        recipe.resolve(100).unwrap();
        assert_eq!(recipe.train.steps, 7);
    }
}

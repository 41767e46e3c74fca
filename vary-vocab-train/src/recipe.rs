use std::fs;
use std::io::ErrorKind;
use std::path::Path;

use anyhow::{Context, ensure};
use serde::{Deserialize, Serialize};
use vary_core::checkpoint::{Precision, write_atomic};
use vary_core::model::{ModelConfig, VaryTinyConfig, VaryToyConfig};
use vary_core::train::TrainConfig;
use vary_lm::tokenizer::Tokenizer;

use vary_data::Split;
use vary_data::scenes::SceneConfig;
use vary_data::texts::TextConfig;

use crate::tokenizer::{nano_chat_tokenizer, nano_tokenizer};

/// Seeds of the splits. Images of different seeds have nothing in common; those of the test seed
/// are drawn for the final report only.
pub mod seeds {
    /// Training images and initial parameters.
    pub const TRAIN: u64 = 1;
    /// Images for choosing the best checkpoint and calibrating its scores.
    pub const VALIDATION: u64 = 2;
    /// Images of the final report, of the test split.
    pub const TEST: u64 = 20_261_123;
}

/// A run on drawn scenes: everything that decides its result.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SceneRecipe {
    /// The optimizer's settings.
    pub train: TrainConfig,
    /// What scenes look like.
    pub scenes: SceneConfig,
    /// What images of text look like.
    pub texts: TextConfig,
    /// Share of the passes that are of texts.
    pub text_share: f64,
    /// Questions asked about an image.
    pub questions: usize,
    /// Share of the images whose questions are the turns of one conversation.
    #[serde(default)]
    pub follow_ups: f64,
    /// Share of the images of text that are charts and forms, with questions about them.
    #[serde(default)]
    pub charts: f64,
    /// The optimizer's settings for the CLIP tower of a Vary-toy, which learns from captions first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub captions: Option<TrainConfig>,
    /// Seed of data and initial parameters.
    pub seed: u64,
    /// Precision of the computation: f32, or bf16 on parameters that are kept in f32, for GPUs.
    #[serde(default)]
    pub precision: Precision,
    /// Share of the steps at the start that train the vision vocabulary by its helper heads alone.
    pub dense_share: f64,
    /// Share of the steps after that, in which the vision vocabulary is frozen.
    pub frozen_share: f64,
    /// Width of the soft targets of coordinates, in thousandths.
    pub sigma: f32,
    /// Images of each task in the validation after each checkpoint; with none, the first checkpoint
    /// after the dense phase counts as the best.
    pub validation_images: u64,
}

impl SceneRecipe {
    /// The first stage of Vary-nano from scratch in one run, for a CPU.
    pub fn nano() -> Self {
        Self {
            train: TrainConfig {
                steps: 6900,
                batch_size: 24,
                micro_batch_size: 2,
                workers: 2,
                learning_rate: 1e-3,
                warmup_ratio: 0.015,
                weight_decay: 0.01,
                betas: (0.9, 0.98),
                muon_learning_rate: Some(0.02),
                save_every: 345,
                log_every: 23,
                ..TrainConfig::default()
            },
            scenes: SceneConfig::default(),
            texts: TextConfig::default(),
            text_share: 0.5,
            questions: 3,
            follow_ups: 0.2,
            charts: 0.0,
            captions: None,
            seed: seeds::TRAIN,
            precision: Precision::F32,
            dense_share: 0.4,
            frozen_share: 0.2,
            sigma: 10.0,
            validation_images: 30,
        }
    }

    /// Seconds long, for tests and for trying the program.
    pub fn tiny() -> Self {
        let nano = Self::nano();
        Self {
            train: TrainConfig {
                steps: 20,
                batch_size: 4,
                micro_batch_size: 2,
                save_every: 10,
                log_every: 5,
                ..nano.train
            },
            scenes: SceneConfig {
                size: 32,
                ..nano.scenes
            },
            texts: TextConfig {
                size: 64,
                ..nano.texts
            },
            validation_images: 0,
            ..nano
        }
    }

    /// The second stage of the paper at the size of Vary-nano. Its towers are frozen, so it has no
    /// phases.
    pub fn toy_nano() -> Self {
        let nano = Self::nano();
        let train = TrainConfig {
            batch_size: 16,
            learning_rate: 5e-4,
            muon_learning_rate: Some(0.0065),
            ..nano.train
        };
        Self {
            captions: Some(TrainConfig {
                steps: 1500,
                save_every: 500,
                ..train.clone()
            }),
            train,
            charts: 0.15,
            dense_share: 0.0,
            frozen_share: 0.0,
            ..nano
        }
    }

    /// [`tiny`](Self::tiny) for [`toy_nano`](Self::toy_nano).
    pub fn toy_tiny() -> Self {
        let (toy, tiny) = (Self::toy_nano(), Self::tiny());
        Self {
            captions: Some(TrainConfig {
                steps: 4,
                ..tiny.train.clone()
            }),
            charts: toy.charts,
            dense_share: toy.dense_share,
            frozen_share: toy.frozen_share,
            ..tiny
        }
    }

    /// Checks every setting, and that no data of validation or test are trained on.
    ///
    /// # Errors
    /// A setting out of range, a seed of [`seeds`] that is not for training, or another split.
    pub fn validate(&self) -> anyhow::Result<()> {
        self.scenes.validate()?;
        self.texts.validate()?;
        self.train.validate()?;
        self.captions
            .as_ref()
            .map_or(Ok(()), TrainConfig::validate)?;
        for (name, share) in [
            ("text_share", self.text_share),
            ("follow_ups", self.follow_ups),
            ("charts", self.charts),
            ("dense_share", self.dense_share),
            ("frozen_share", self.frozen_share),
            (
                "dense_share + frozen_share",
                self.dense_share + self.frozen_share,
            ),
        ] {
            ensure!(
                (0.0..=1.0).contains(&share),
                "`{name}` is {share}: it is a share, 0 to 1"
            );
        }
        ensure!(
            self.sigma.is_finite() && self.sigma > 0.0,
            "`sigma` is {}: coordinates are learned with a bell of that many thousandths, above 0",
            self.sigma
        );
        ensure!(
            self.questions > 0,
            "`questions` is 0: nothing is learned from an image that nothing is asked about"
        );
        let (seed, kept) = (self.seed, [seeds::VALIDATION, seeds::TEST]);
        ensure!(
            !kept.contains(&seed),
            "`seed` is {seed}: its images are those of validation or of the final report; take any \
             but {} and {}",
            kept[0],
            kept[1]
        );
        ensure!(
            [self.scenes.split, self.texts.split] == [Split::Train; 2],
            "`split` must be `train`: the test split's fonts, papers and backgrounds are for the \
             final report"
        );
        Ok(())
    }

    /// Steps of the first two phases.
    pub fn phases(&self) -> (u64, u64) {
        let steps = self.train.steps as f64;
        (
            (steps * self.dense_share) as u64,
            (steps * self.frozen_share) as u64,
        )
    }
}

/// Named sizes of model and run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Preset {
    /// The first stage of the paper, Vary-tiny+, whose vision vocabulary the embedded model has.
    Nano,
    /// A few thousand parameters.
    Tiny,
    /// The embedded model: the second stage, Vary-toy.
    ToyNano,
    /// Vary-toy of a few thousand parameters.
    ToyTiny,
}

impl Preset {
    /// The recipe of this name.
    pub fn recipe(self) -> SceneRecipe {
        match self {
            Self::Nano => SceneRecipe::nano(),
            Self::Tiny => SceneRecipe::tiny(),
            Self::ToyNano => SceneRecipe::toy_nano(),
            Self::ToyTiny => SceneRecipe::toy_tiny(),
        }
    }

    /// The tokenizer of the model that is trained, for objects of these classes.
    ///
    /// # Errors
    /// Those of [`nano_tokenizer`].
    pub fn tokenizer(self, classes: &[&str]) -> vary_lm::Result<Tokenizer> {
        match self {
            Self::Nano | Self::Tiny => nano_tokenizer(classes),
            Self::ToyNano | Self::ToyTiny => nano_chat_tokenizer(classes),
        }
    }

    /// Sizes of the model that is trained, for a tokenizer of `vocab_size` tokens.
    pub fn model(self, vocab_size: usize) -> ModelConfig {
        match self {
            Self::Nano => VaryTinyConfig::nano(vocab_size).into(),
            Self::Tiny => VaryTinyConfig::tiny(vocab_size).into(),
            Self::ToyNano => VaryToyConfig::nano(vocab_size).into(),
            Self::ToyTiny => VaryToyConfig {
                im_patch_token: vocab_size.saturating_sub(3) as u32,
                im_start_token: vocab_size.saturating_sub(2) as u32,
                im_end_token: vocab_size.saturating_sub(1) as u32,
                ..VaryToyConfig::tiny(vocab_size)
            }
            .into(),
        }
    }
}

/// Writes the recipe beside a new run, and refuses to resume one that was started with another:
/// data order and phases would change in the middle of it.
pub(crate) fn keep_recipe(path: &Path, resolved: &str) -> anyhow::Result<()> {
    match fs::read_to_string(path) {
        Ok(before) if before == resolved => Ok(()),
        Ok(_) => anyhow::bail!(
            "{} is of a run with other settings; use its settings, or another directory",
            path.display()
        ),
        Err(e) if e.kind() == ErrorKind::NotFound => {
            let dir = path.parent().unwrap_or(Path::new("."));
            fs::create_dir_all(dir).with_context(|| dir.display().to_string())?;
            Ok(write_atomic(path, resolved.as_bytes())?)
        }
        Err(e) => Err(e).with_context(|| path.display().to_string()),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use clap::ValueEnum;

    #[test]
    fn presets_are_valid() {
        for preset in Preset::value_variants() {
            preset.recipe().validate().unwrap();
            let tokenizer = preset.tokenizer(&["car", "bus"]).unwrap();
            let config = preset.model(tokenizer.vocab_size());
            config.validate().unwrap();
            let (image, place) = (
                tokenizer.image_tokens().unwrap(),
                config.info().image_placeholder,
            );
            assert_eq!(
                [image.patch, image.start, image.end],
                [place.patch, place.start, place.end]
            );
        }
    }

    #[test]
    fn other_splits_are_refused() {
        let with = |change: fn(&mut SceneRecipe)| {
            let mut recipe = SceneRecipe::nano();
            change(&mut recipe);
            recipe.validate().is_ok()
        };
        assert!(with(|_| {}) && with(|recipe| recipe.seed = 3));
        assert!(!with(|recipe| recipe.seed = seeds::VALIDATION));
        assert!(!with(|recipe| recipe.seed = seeds::TEST));
        assert!(!with(|recipe| recipe.scenes.split = Split::Test));
        assert!(!with(|recipe| recipe.texts.split = Split::Test));
        assert!(!with(|recipe| recipe.text_share = 2.0));
        assert!(!with(|recipe| recipe.follow_ups = f64::NAN));
        assert!(!with(|recipe| recipe.charts = 1.5));
        assert!(!with(|recipe| recipe.frozen_share = -0.1));
        assert!(!with(|recipe| recipe.dense_share = 0.9));
        assert!(!with(|recipe| recipe.sigma = 0.0));
        assert!(!with(|recipe| recipe.questions = 0));
    }
}

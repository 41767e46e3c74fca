//! Recipes, objectives and programs that train, fine-tune and evaluate Vary.
//!
//! The command `vary-vocab-train` runs them; as a library the crate reads and changes its recipes,
//! and trains and scores with them.
//!
//! ```
//! use vary_vocab_train::finetune::Recipe;
//!
//! # fn main() -> anyhow::Result<()> {
//! let mut recipe = Recipe::read("lora")?; // a preset, or the path of a TOML file
//! recipe.train.batch_size = 4;
//! recipe.train.validate()?;
//! println!("{}", recipe.to_toml()?);
//! # Ok(())
//! # }
//! ```
//!
//! | command | arguments | |
//! | --- | --- | --- |
//! | `finetune` | [`FinetuneArgs`] | trains a checkpoint by a [`Recipe`](finetune::Recipe) |
//! | `scenes` | [`TrainArgs`] | trains Vary-nano on drawn images by a [`SceneRecipe`] |
//! | `recognizer` | [`RecognizerArgs`] | trains a text recognizer by a [`LinesRecipe`] |
//! | `eval` | [`EvalArgs`] | scores a model and writes a [`Report`](report::Report) |
//! | `calibrate` | [`CalibrateArgs`] | fits the calibration map of a checkpoint |
//!
//! # Features
//!
//! | feature | |
//! | --- | --- |
//! | `flex` (default), `ndarray`, `cuda`, `wgpu`, `vulkan`, `metal` | backends of burn |
//! | `x86-v4` | AVX-512 matrix products on CPUs that have them |

#![cfg_attr(docsrs, feature(doc_cfg))]

/// Calibration of scores on drawn scenes.
pub mod calibrate;
mod captions;
mod charts;
mod command;
pub mod dense;
/// Commands that draw scenes and texts.
pub mod draw;
/// Scoring of models on drawn scenes.
pub mod evaluate;
pub mod finetune;
mod init;
pub mod lines;
mod objective;
mod pages;
mod progress;
mod questions;
mod recipe;
pub mod report;
mod sets;
mod tokenizer;
/// The training program.
pub mod train;

pub use calibrate::CalibrateArgs;
pub use charts::Charts;
pub use command::Command;
pub use evaluate::EvalArgs;
pub use finetune::{DataArgs, ExportArgs, FinetuneArgs};
pub use init::initialise;
pub use lines::{CutArgs, LinesRecipe, RecognizerArgs};
pub use objective::{SceneModel, SceneObjective, SceneSample, TrainableModel};
pub use questions::{MAX_BOXES, Objects, Question};
pub use recipe::{Preset, SceneRecipe, seeds};
pub use tokenizer::{nano_chat_tokenizer, nano_tokenizer};
pub use train::TrainArgs;

//! Recipes, objectives and programs that train, fine-tune and evaluate Vary.
//!
//! `finetune` trains a checkpoint on conversations, boxes or pages by a recipe; `scenes` trains
//! Vary-nano on the scenes and texts that `vary-data` draws (Vary-toy, arXiv 2401.12503, section
//! 3.1). `eval` scores a model, `calibrate` fits its calibration map.

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

//! Generates a vision vocabulary: draws training scenes and trains Vary-tiny+ on them by
//! autoregression (Vary-toy, arXiv 2401.12503, section 3.1).

/// Calibration of scores on drawn scenes.
pub mod calibrate;
mod captions;
mod charts;
pub mod dense;
mod error;
/// Scoring of models on drawn scenes.
pub mod evaluate;
pub mod finetune;
mod init;
mod objective;
mod pages;
mod part;
mod progress;
mod questions;
mod recipe;
mod refer;
pub mod scenes;
mod sets;
mod sheet;
pub mod texts;
/// The training program.
pub mod train;
mod words;

pub use calibrate::CalibrateArgs;
pub use charts::Charts;
pub use error::{Error, Result};
pub use evaluate::EvalArgs;
pub use finetune::{DataArgs, ExportArgs, FinetuneArgs};
pub use init::initialise;
pub use objective::{SceneModel, SceneObjective, SceneSample, Student};
pub use part::Part;
pub use questions::{MAX_BOXES, Objects, Question};
pub(crate) use recipe::keep_recipe;
pub use recipe::{Preset, SceneRecipe, seeds};
pub use train::TrainArgs;

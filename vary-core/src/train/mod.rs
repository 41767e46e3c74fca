//! Training: one loop for every stage, bit-exact over interruptions on CPUs.
//!
//! An [`Objective`] defines what is learned, a [`TrainConfig`] how, and the [`Trainer`] runs it:
//! gradient accumulation, clipping of the global gradient norm, AdamW with PyTorch's arithmetic
//! (or Muon), warm-up and cosine, checkpoints, [`Validation`], [`TrainLogger`]s and resuming.
//!
//! | to | see |
//! | --- | --- |
//! | train on conversations | [`ConversationObjective`] with data sets of [`data`] |
//! | choose what is trained, LoRA | [`Trained`], [`LoraConfig`] |
//! | store adapters alone | [`save_adapters`], [`load_adapters`] |
//! | keep the best model | [`Trainer::with_validation`] |
//! | train a text recognizer | [`LineObjective`] |
//! | train something else | implement [`Objective`]; example at [`Trainer`] |

mod activation_checkpointing;
mod adapters;
mod config;
mod conversation;
pub mod data;
mod grads;
mod lines;
mod log;
mod logger;
mod loss;
mod mixed;
mod objective;
mod optimizer;
mod shard;
mod state;
mod trainer;
mod tuning;
mod validation;
mod workers;

pub use adapters::{load_adapters, save_adapters};
pub use config::{LrGroup, LrSchedule, TrainConfig, cosine_with_warmup};
pub use conversation::{ConversationObjective, ConversationSample};
pub use grads::{clip_global_norm, global_norm};
pub use lines::{LineBatches, LineObjective, LineSample, LineSource};
pub use logger::{RunReport, StepReport, TrainLogger, ValidationReport};
pub use loss::{answer_loss, cross_entropy_sum, learned_labels, learned_positions};
pub use mixed::compute_in_bf16;
pub use objective::{Loss, LossValue, Objective, Step};
pub use optimizer::TrainOptimizer;
pub use shard::Shard;
pub use trainer::{Trainer, draw_parameters};
pub use tuning::{LoraConfig, Trained};
pub use validation::{LossValidation, Score, Validation};

/// Compiles and runs the program of the guide.
#[cfg(all(doctest, feature = "nano"))]
#[doc = include_str!("../../../docs/guides/fine-tuning.md")]
struct Guide;

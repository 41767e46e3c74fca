//! Training: one exact loop for every stage.
//!
//! An [`Objective`] says what is learned from, a [`TrainConfig`] how, and the [`Trainer`] runs it:
//! gradient accumulation, a clip of the global gradient norm, AdamW with PyTorch's arithmetic
//! (or Muon), warm-up and cosine, step checkpoints and bit-exact resume.

mod config;
mod conversation;
pub mod data;
mod grads;
mod log;
mod loss;
mod mixed;
mod objective;
mod optimizer;
mod recompute;
mod shard;
mod state;
mod trainer;
mod tuning;
mod workers;

pub use config::{LrSchedule, TrainConfig, cosine_with_warmup};
pub use conversation::{ConversationObjective, ConversationSample};
pub use grads::{clip_global_norm, global_norm};
pub use loss::{answer_loss, cross_entropy_sum, learned_labels, learned_positions};
pub use mixed::compute_in_bf16;
pub use objective::{Loss, LossValue, Objective, Step};
pub use optimizer::TrainOptimizer;
pub use shard::Shard;
pub use trainer::{Trainer, draw_parameters};
pub use tuning::{LoraConfig, Trainable, Trained};

//! Fine-tuning of both families, on models too small to learn much: what is trained, what is
//! frozen, what a checkpoint holds, and that a run resumes as if it had never stopped.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod activation_checkpointing;
mod adapter_files;
mod adapters;
mod images;
mod mixed;
mod rates;
mod resume;
mod spoilt;
mod support;
mod validation;

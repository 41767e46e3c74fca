//! Fine-tuning of both families, on models too small to learn anything: what moves, what rests,
//! what a checkpoint holds, and that a run goes on as if it had never stopped.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod adapters;
mod mixed;
mod recompute;
mod resume;
mod spoilt;
mod support;

//! Parity with the original code on the golden data of `fixtures/parity` (or `VARY_PARITY_DIR`).
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod case;
mod got_ocr2;
mod metrics;
mod models;
mod prompts;
mod support;
mod tokenizers;
#[cfg(feature = "train")]
mod training;
mod vary_tiny;
mod vary_toy;

//! Parity with the original PyTorch code; see `fixtures/parity/*/README.md`.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

mod clip;
mod preprocess;
#[path = "../../../fixtures/support.rs"]
mod support;
mod vocab;

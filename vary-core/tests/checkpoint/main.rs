//! Loading and saving in the official layout, and their errors.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod bad_files;
mod config;
mod convert;
mod mismatch;
#[cfg(feature = "pytorch")]
mod pytorch;
mod round_trip;
mod shards;
mod support;

//! The models: vision vocabulary, projector and language model put together.

mod config;
mod splice;
mod vary_tiny;

pub use config::VaryTinyConfig;
pub use vary_tiny::VaryTiny;

//! The embedded model, Vary-nano; its card is in the crate `vary-nano`.

use std::path::Path;

use vary_lm::tokenizer::Tokenizer;

use super::{Checkpoint, InferenceConfig};
use crate::Result;
use crate::checkpoint::CheckpointFiles;
use crate::model::ModelConfig;

pub(super) fn open() -> Result<Checkpoint> {
    let config = Path::new("embedded config.json");
    let inference = Path::new("embedded inference_config.json");
    Ok(Checkpoint {
        config: ModelConfig::parse(config, vary_nano::CONFIG)?,
        inference: InferenceConfig::parse(inference, vary_nano::INFERENCE_CONFIG)?,
        tokenizer: Tokenizer::from_bytes(vary_nano::TOKENIZER)?,
        files: CheckpointFiles::from_bytes("embedded model.safetensors", vary_nano::WEIGHTS)?,
        recognizer: None,
    })
}

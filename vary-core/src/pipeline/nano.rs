//! The embedded model; its card is `vary-nano/README.md`.

use std::path::Path;

use vary_lm::tokenizer::Tokenizer;

use super::Checkpoint;
use crate::Result;
use crate::checkpoint::CheckpointFiles;
use crate::model::ModelConfig;

pub(super) fn open() -> Result<Checkpoint> {
    Ok(Checkpoint {
        config: ModelConfig::parse(Path::new("embedded config.json"), vary_nano::CONFIG)?,
        tokenizer: Tokenizer::from_bytes(vary_nano::TOKENIZER)?,
        files: CheckpointFiles::from_bytes("embedded model.safetensors", vary_nano::WEIGHTS)?,
    })
}

//! The embedded model. See `assets/README.md` for what it was trained on.

use std::path::Path;

use vary_lm::tokenizer::Tokenizer;

use super::Checkpoint;
use crate::Result;
use crate::checkpoint::CheckpointFiles;
use crate::model::ModelConfig;

const CONFIG: &[u8] = include_bytes!("../../assets/nano/config.json");
const TOKENIZER: &[u8] = include_bytes!("../../assets/nano/tokenizer.json");
const WEIGHTS: &[u8] = include_bytes!("../../assets/nano/model.safetensors");

pub(super) fn open() -> Result<Checkpoint> {
    Ok(Checkpoint {
        config: ModelConfig::parse(Path::new("embedded config.json"), CONFIG)?,
        tokenizer: Tokenizer::from_bytes(TOKENIZER)?,
        files: CheckpointFiles::from_bytes("embedded model.safetensors", WEIGHTS)?,
    })
}

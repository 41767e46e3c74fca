//! The embedded model, Vary-nano; its card is in the crate `vary-nano`.

use std::path::Path;

use vary_lm::tokenizer::Tokenizer;

use super::{Checkpoint, InferenceConfig};
use crate::Result;
use crate::checkpoint::{CheckpointFiles, parse_config_json};
use crate::model::ModelConfig;
use crate::recognition::RecognizerFiles;

const CONFIG: &str = "embedded recognizer/config.json";
const RECOGNIZER: &str = "embedded recognizer/model.safetensors";

pub(super) fn open() -> Result<Checkpoint> {
    let config = Path::new("embedded config.json");
    let inference = Path::new("embedded inference_config.json");
    Ok(Checkpoint {
        config: ModelConfig::parse(config, vary_nano::CONFIG)?,
        inference: InferenceConfig::parse(inference, vary_nano::INFERENCE_CONFIG)?,
        tokenizer: Tokenizer::from_bytes(vary_nano::TOKENIZER)?,
        files: CheckpointFiles::from_bytes("embedded model.safetensors", vary_nano::WEIGHTS)?,
        recognizer: Some(RecognizerFiles {
            config: parse_config_json(Path::new(CONFIG), vary_nano::RECOGNIZER_CONFIG)?,
            files: CheckpointFiles::from_bytes(RECOGNIZER, vary_nano::RECOGNIZER_WEIGHTS)?,
        }),
    })
}

//! The embedded model. See `assets/README.md` for what it was trained on.

use std::path::Path;

use burn::prelude::*;
use vary_lm::tokenizer::Tokenizer;

use super::Pipeline;
use crate::Result;
use crate::checkpoint::{CheckpointFiles, Precision};
use crate::model::ModelConfig;

const CONFIG: &[u8] = include_bytes!("../../assets/nano/config.json");
const TOKENIZER: &[u8] = include_bytes!("../../assets/nano/tokenizer.json");
const WEIGHTS: &[u8] = include_bytes!("../../assets/nano/model.safetensors");

pub(super) fn load(device: &Device, precision: Precision) -> Result<Pipeline> {
    let config = ModelConfig::parse(Path::new("embedded config.json"), CONFIG)?;
    let files = CheckpointFiles::from_bytes("embedded model.safetensors", WEIGHTS)?;
    let model = config.load(&files, device, precision)?;
    Pipeline::from_parts(model, config, Tokenizer::from_bytes(TOKENIZER)?)
}

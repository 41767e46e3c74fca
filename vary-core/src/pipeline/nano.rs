//! The embedded model. See `assets/README.md` for what it was trained on.

use std::path::Path;

use burn::prelude::*;
use vary_lm::tokenizer::Tokenizer;

use super::Pipeline;
use crate::Result;
use crate::checkpoint::{CheckpointFiles, parse_config_json};
use crate::model::{VaryTiny, VaryTinyConfig};

const CONFIG: &[u8] = include_bytes!("../../assets/nano/config.json");
const TOKENIZER: &[u8] = include_bytes!("../../assets/nano/tokenizer.json");
const WEIGHTS: &[u8] = include_bytes!("../../assets/nano/model.safetensors");

pub(super) fn load(device: &Device) -> Result<Pipeline> {
    let config: VaryTinyConfig = parse_config_json(Path::new("embedded config.json"), CONFIG)?;
    let files = CheckpointFiles::from_bytes("embedded model.safetensors", WEIGHTS)?;
    let model = VaryTiny::from_files(&config, &files, device)?;
    Pipeline::new(model, config, Tokenizer::from_bytes(TOKENIZER)?)
}

//! The files of Vary-nano, a model of the Vary-toy family small enough to embed, as bytes. The
//! card of the model is this crate's `README.md`.
//!
//! `vary-core` opens them behind its feature `nano`. Written to a directory under their names they
//! are an ordinary checkpoint.

/// `config.json`: the architecture, in the official fields only.
pub const CONFIG: &[u8] = include_bytes!("../assets/config.json");

/// `inference_config.json`: the calibration map from raw scores to probabilities.
pub const INFERENCE_CONFIG: &[u8] = include_bytes!("../assets/inference_config.json");

/// `tokenizer.json`, in the format of the `tokenizers` library.
pub const TOKENIZER: &[u8] = include_bytes!("../assets/tokenizer.json");

/// `model.safetensors`: the parameters under their official names, matrices in 8 bits.
pub const WEIGHTS: &[u8] = include_bytes!("../assets/model.safetensors");

/// `recognizer/config.json`: sizes and alphabet of the text recognizer.
pub const RECOGNIZER_CONFIG: &[u8] = include_bytes!("../assets/recognizer/config.json");

/// `recognizer/model.safetensors`: its parameters, matrices in 8 bits.
pub const RECOGNIZER_WEIGHTS: &[u8] = include_bytes!("../assets/recognizer/model.safetensors");

//! Strict checkpoints in the official (Hugging Face, PyTorch) key layout.
//!
//! [`CheckpointFiles`] lists the tensors of a file, a sharded checkpoint or embedded bytes without
//! reading them. A [`KeyMap`] maps the parameters of a module to their official names. [`load()`]
//! and [`save()`] move the values. Loading is all or nothing: every key that is missing,
//! unexpected, of a wrong shape or of a wrong type is reported in one error, and nothing is renamed
//! or dropped silently.
//!
//! Tensors are read one at a time by positioned reads (no memory map: a file that shrinks is an
//! error and not a crash). Peak memory is the model plus one tensor.
//!
//! ```
//! use burn::nn::{Linear, LinearConfig};
//! use burn::prelude::*;
//! use vary_core::checkpoint::{CheckpointFiles, KeyMap, SaveOptions, load, save};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let dir = tempfile::tempdir()?;
//! # let path = dir.path().join("model.safetensors");
//! let model: Linear = LinearConfig::new(2, 3).init(&Device::flex());
//! save(&model, &KeyMap::new(), &path, &SaveOptions::default())?;
//!
//! let files = CheckpointFiles::open(&path)?;
//! let (name, shape) = files.shapes().last().ok_or("no tensors")?;
//! assert_eq!((name, shape), ("weight", &[3, 2][..])); // as PyTorch stores it
//! let fresh = LinearConfig::new(2, 3).init(&Device::flex());
//! let loaded = load(fresh, &files, &KeyMap::new())?;
//! assert_eq!(loaded.weight.val().into_data(), model.weight.val().into_data());
//! # Ok(())
//! # }
//! ```

mod atomic;
mod config;
mod convert;
mod decode;
mod entry;
mod file;
mod header;
mod index;
mod int8;
mod key_map;
mod load;
mod precision;
#[cfg(feature = "pytorch")]
mod pytorch;
mod report;
mod save;
mod source;
mod walk;

pub use atomic::{save_tokenizer, write_atomic, write_json};
pub(crate) use config::parse_config_json;
pub use config::read_config_json;
pub use convert::convert;
pub use key_map::{KeyMap, KeyRows};
pub use load::{check, load, load_part, load_shared, load_with, names_and_shapes};
#[cfg(feature = "train")]
pub(crate) use precision::BLOCK;
pub use precision::{Precision, PrecisionPlan};
pub use report::{IndexReport, LoadReport, NonFinite, UnknownKey, WrongShape, WrongType};
pub use save::{SaveOptions, StoredType, save, save_dir, save_drawn};
pub use source::CheckpointFiles;

#[cfg(feature = "hub")]
pub(crate) use index::read_index;
pub(crate) use report::listed;
#[cfg(feature = "hub")]
pub(crate) use source::NAMES as WEIGHT_NAMES;

use std::collections::BTreeMap;
use std::io::Cursor;
use std::path::{Path, PathBuf};

use super::entry::{Entry, Location};
use super::file::open_file;
use super::header::read_header;
use super::index::open_shards;
use super::int8::join_scales;
use super::key_map::strip;
use super::report::NonFinite;
use crate::error::{Error, Result};

/// Weight files of a directory, in order of preference.
pub(crate) const NAMES: &[&str] = &[
    "model.safetensors",
    "model.safetensors.index.json",
    "pytorch_model.bin",
    "pytorch_model.bin.index.json",
];

/// The tensors of a checkpoint: headers are read and checked, values are not.
#[derive(Debug, Clone)]
pub struct CheckpointFiles {
    path: PathBuf,
    tensors: BTreeMap<String, Entry>,
}

impl CheckpointFiles {
    /// Opens a checkpoint: a directory with `model.safetensors` or `pytorch_model.bin`, whole or
    /// in shards; an index of shards (`.index.json`); or a weight file (`.safetensors`; `.bin`,
    /// `.pth` and `.pt` with the feature `pytorch`).
    ///
    /// # Errors
    /// If there are no weights, a file is empty, truncated or of another format, a header is
    /// inconsistent, a shard is missing, or shards differ from their index.
    pub fn open(path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref();
        let path = match path.is_dir() {
            true => NAMES
                .iter()
                .map(|name| path.join(name))
                .find(|path| path.exists())
                .ok_or_else(|| Error::NoWeights {
                    path: path.into(),
                    expected: NAMES,
                })?,
            false => path.to_path_buf(),
        };
        let is_index = path.to_string_lossy().ends_with(".index.json");
        let tensors = if is_index {
            open_shards(&path)?
        } else {
            open_file(&path)?.into_iter().collect()
        };
        Ok(Self {
            path,
            tensors: join_scales(tensors),
        })
    }

    /// Opens a safetensors file that is embedded in the program; `name` is for messages.
    ///
    /// # Errors
    /// As [`open`](Self::open).
    pub fn from_bytes(name: &str, bytes: &'static [u8]) -> Result<Self> {
        let path = PathBuf::from(name);
        let tensors = read_header(&path, &mut Cursor::new(bytes), bytes.len() as u64)?
            .into_iter()
            .map(|(name, info)| {
                let (start, end) = info.data_offsets;
                let entry = Entry {
                    dtype: info.dtype,
                    shape: info.shape,
                    location: Location::Memory(&bytes[start..end]),
                    scale: None,
                };
                (name, entry)
            });
        Ok(Self {
            path,
            tensors: join_scales(tensors),
        })
    }

    /// The tensors under the first of `prefixes` that is in use, without the prefix: a tower of a
    /// model, or the weights that a training program stored under `state_dict`.
    ///
    /// # Errors
    /// [`Error::NoSuchPrefix`] if no tensor has one of them.
    pub fn under(&self, prefixes: &[&str]) -> Result<Self> {
        let below = |prefix: &&str| -> Option<BTreeMap<_, _>> {
            let prefix = prefix.trim_end_matches('.');
            let named = |(name, entry): (&String, &Entry)| {
                let rest = strip(name, prefix).filter(|rest| !rest.is_empty())?;
                Some((rest.to_string(), entry.clone()))
            };
            let tensors: BTreeMap<_, _> = self.tensors.iter().filter_map(named).collect();
            (!tensors.is_empty()).then_some(tensors)
        };
        match prefixes.iter().find_map(below) {
            Some(tensors) => Ok(Self {
                path: self.path.clone(),
                tensors,
            }),
            None => Err(Error::NoSuchPrefix {
                path: self.path.clone(),
                prefixes: prefixes.iter().map(|prefix| prefix.to_string()).collect(),
            }),
        }
    }

    /// The tensors whose names are `wanted`.
    pub(super) fn only(&self, wanted: impl Fn(&str) -> bool) -> Self {
        let tensors = self.tensors.iter().filter(|(name, _)| wanted(name));
        Self {
            path: self.path.clone(),
            tensors: tensors.map(|(n, e)| (n.clone(), e.clone())).collect(),
        }
    }

    /// The opened file; the index of a sharded checkpoint.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Name, element type in the spelling of safetensors, and shape of every tensor, sorted by
    /// name.
    pub fn tensors(&self) -> impl Iterator<Item = (&str, String, &[usize])> {
        self.entries()
            .map(|(name, entry)| (name, entry.dtype.to_string(), entry.shape.as_slice()))
    }

    /// Reads all values and counts NaN and infinite ones, for the tensors that have any.
    ///
    /// # Errors
    /// [`Error::Io`].
    pub fn non_finite(&self) -> Result<Vec<NonFinite>> {
        let mut found = vec![];
        for (name, entry) in self.entries() {
            if entry.is_weight() {
                let values = entry.read(false).map_err(|e| Error::io(&self.path, e))?;
                found.extend(NonFinite::count(name, values.into_iter()));
            }
        }
        Ok(found)
    }

    /// Names and shapes in the official layout, sorted by name.
    pub fn shapes(&self) -> impl Iterator<Item = (&str, &[usize])> + Clone {
        self.tensors
            .iter()
            .map(|(name, entry)| (name.as_str(), entry.shape.as_slice()))
    }

    pub(super) fn entries(&self) -> impl Iterator<Item = (&str, &Entry)> {
        self.tensors.iter().map(|(name, e)| (name.as_str(), e))
    }

    pub(super) fn names(&self) -> impl Iterator<Item = &str> + Clone {
        self.tensors.keys().map(String::as_str)
    }

    pub(super) fn get(&self, name: &str) -> Option<&Entry> {
        self.tensors.get(name)
    }
}

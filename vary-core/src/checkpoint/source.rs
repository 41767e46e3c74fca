use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Cursor, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use safetensors::Dtype;

use super::decode;
use super::header::read_header;
use super::index::open_shards;
use super::key_map::strip;
use super::report::NonFinite;
use crate::error::{Error, Result};

/// What a directory may hold, in the order of preference.
pub(crate) const NAMES: &[&str] = &[
    "model.safetensors",
    "model.safetensors.index.json",
    "pytorch_model.bin",
    "pytorch_model.bin.index.json",
];

/// The tensors of a checkpoint, listed and checked but not read.
#[derive(Debug, Clone)]
pub struct CheckpointFiles {
    path: PathBuf,
    tensors: BTreeMap<String, Entry>,
}

/// A tensor in a file.
#[derive(Debug, Clone)]
pub(super) struct Entry {
    pub dtype: Dtype,
    pub shape: Vec<usize>,
    pub place: Place,
}

/// Where a tensor's bytes are.
#[derive(Debug, Clone)]
pub(super) enum Place {
    /// From an offset on. The open file outlives a replacement at its path.
    File(Arc<Mutex<File>>, u64),
    Memory(&'static [u8]),
    #[cfg(feature = "pytorch")]
    PyTorch(pytorch_reader::Tensor),
}

impl CheckpointFiles {
    /// Opens a checkpoint: a directory with `model.safetensors` or `pytorch_model.bin`, whole or
    /// in shards; an index of shards (`.index.json`); or a weight file (`.safetensors`; `.bin`,
    /// `.pth` and `.pt` with the feature `pytorch`).
    ///
    /// # Errors
    /// If there are no weights, a file is empty, cut or of another format, a header contradicts
    /// itself or the file, a shard is missing, or shards differ from their index.
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
        Ok(Self { path, tensors })
    }

    /// A safetensors file that is part of the program; `name` is for messages.
    ///
    /// # Errors
    /// As [`open`](Self::open).
    pub fn from_bytes(name: &str, bytes: &'static [u8]) -> Result<Self> {
        let path = PathBuf::from(name);
        let tensors = read_header(&path, &mut Cursor::new(bytes), bytes.len() as u64)?
            .into_iter()
            .map(|(name, info)| {
                let place = Place::Memory(&bytes[info.data_offsets.0..info.data_offsets.1]);
                (
                    name,
                    Entry {
                        dtype: info.dtype,
                        shape: info.shape,
                        place,
                    },
                )
            })
            .collect();
        Ok(Self { path, tensors })
    }

    /// The tensors below the first of `prefixes` that any has, without the prefix: a tower out of
    /// a whole model, or what a training program stored under `state_dict`.
    ///
    /// # Errors
    /// [`Error::NoSuchPrefix`] if there is none.
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

    /// The file that was opened, the index of a sharded checkpoint.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Name, element type as safetensors spells it, and shape of every tensor, by name.
    pub fn tensors(&self) -> impl Iterator<Item = (&str, String, &[usize])> {
        self.entries()
            .map(|(name, entry)| (name, entry.dtype.to_string(), entry.shape.as_slice()))
    }

    /// Counts of NaN and infinite values, for the tensors that have any; all values are read.
    ///
    /// # Errors
    /// [`Error::Io`].
    pub fn non_finite(&self) -> Result<Vec<NonFinite>> {
        let mut found = vec![];
        for (name, entry) in self.entries() {
            if decode::is_weight(entry.dtype) {
                let values = entry.read(false).map_err(|e| Error::io(&self.path, e))?;
                found.extend(NonFinite::count(name, values.into_iter()));
            }
        }
        Ok(found)
    }

    /// Names and shapes in the official layout, by name.
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

impl Entry {
    /// Reads the values, `[rows, cols]` as `[cols, rows]` if `transpose` asks for it.
    pub(super) fn read(&self, transpose: bool) -> io::Result<Vec<f32>> {
        match &self.place {
            Place::File(file, start) => {
                let mut file = file.lock().unwrap_or_else(PoisonError::into_inner);
                file.seek(SeekFrom::Start(*start))?;
                self.decode(&*file, transpose)
            }
            Place::Memory(bytes) => self.decode(*bytes, transpose),
            #[cfg(feature = "pytorch")]
            Place::PyTorch(tensor) => self.decode(&tensor.read()?[..], transpose),
        }
    }

    /// Reads the bytes as they are stored.
    pub(super) fn read_bytes(&self) -> io::Result<Vec<u8>> {
        let len = self.shape.iter().product::<usize>() * self.dtype.bitsize() / 8;
        match &self.place {
            Place::File(file, start) => {
                let mut file = file.lock().unwrap_or_else(PoisonError::into_inner);
                file.seek(SeekFrom::Start(*start))?;
                let mut bytes = vec![0; len];
                file.read_exact(&mut bytes)?;
                Ok(bytes)
            }
            Place::Memory(bytes) => Ok(bytes.to_vec()),
            #[cfg(feature = "pytorch")]
            Place::PyTorch(tensor) => Ok(tensor.read()?[..].to_vec()),
        }
    }

    fn decode(&self, from: impl Read, transpose: bool) -> io::Result<Vec<f32>> {
        match *self.shape {
            [rows, cols] if transpose => decode::read_transposed(from, self.dtype, [rows, cols]),
            _ => decode::read(from, self.dtype, self.shape.iter().product()),
        }
    }
}

/// Opens one weight file.
pub(super) fn open_file(path: &Path) -> Result<Vec<(String, Entry)>> {
    let io = |source| Error::io(path, source);
    let mut file = File::open(path).map_err(io)?;
    let size = file.metadata().map_err(io)?.len();
    match path.extension().and_then(|extension| extension.to_str()) {
        Some("safetensors") => {
            let tensors = read_header(path, &mut file, size)?;
            let file = Arc::new(Mutex::new(file));
            let entry = |(name, info): (String, safetensors::tensor::TensorInfo)| {
                let place = Place::File(file.clone(), info.data_offsets.0 as u64);
                (
                    name,
                    Entry {
                        dtype: info.dtype,
                        shape: info.shape,
                        place,
                    },
                )
            };
            Ok(tensors.into_iter().map(entry).collect())
        }
        Some("bin" | "pth" | "pt") if size == 0 => Err(Error::EmptyFile { path: path.into() }),
        #[cfg(feature = "pytorch")]
        Some("bin" | "pth" | "pt") => super::pytorch::open(path),
        #[cfg(not(feature = "pytorch"))]
        Some("bin" | "pth" | "pt") => Err(Error::UnknownFormat {
            path: path.into(),
            reason: "PyTorch files need the feature `pytorch` of vary-core",
        }),
        _ => Err(Error::UnknownFormat {
            path: path.into(),
            reason: "its name has to end in .safetensors, .bin, .pth, .pt or .index.json",
        }),
    }
}

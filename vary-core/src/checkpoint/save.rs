use std::collections::BTreeMap;
use std::fs::File;
use std::io::{Seek, SeekFrom, Write};
use std::path::Path;
use std::str::FromStr;

use burn::module::{ModuleMapper, ModuleVisitor, Param};
use burn::prelude::*;
use burn::tensor::DType;
use safetensors::Dtype;
use serde_json::json;

use super::key_map::KeyMap;
use super::load::name_parameters;
use super::report::NonFinite;
use super::walk::Position;
use super::{atomic, decode};
use crate::error::{Error, Result};

/// Options of saving.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct SaveOptions {
    /// Type of every tensor; f32 by default.
    pub stored: StoredType,
    /// Metadata of the header; `{"format": "pt"}` by default, which transformers requires.
    pub metadata: BTreeMap<String, String>,
}

/// Type of stored values.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum StoredType {
    /// 32 bits, lossless.
    F32,
    /// 16 bits, 11 of them significant; up to 65,504.
    F16,
    /// 16 bits, 8 of them significant, f32's range.
    Bf16,
    /// 8 bits and a scale for each row (`NAME_scale`); vectors in f32. Written by
    /// [`convert`](super::convert()), and read like the others.
    Int8,
}

impl StoredType {
    pub(super) fn dtype(self) -> Dtype {
        match self {
            Self::F32 => Dtype::F32,
            Self::F16 => Dtype::F16,
            Self::Bf16 => Dtype::BF16,
            Self::Int8 => Dtype::I8,
        }
    }
}

impl FromStr for StoredType {
    type Err = Error;

    /// `f32`, `f16`, `bf16` or `int8`.
    fn from_str(name: &str) -> Result<Self> {
        match name {
            "f32" => Ok(Self::F32),
            "f16" => Ok(Self::F16),
            "bf16" => Ok(Self::Bf16),
            "int8" => Ok(Self::Int8),
            _ => Err(Error::Config(format!(
                "stored type `{name}`; it is f32, f16, bf16 or int8"
            ))),
        }
    }
}

impl Default for SaveOptions {
    fn default() -> Self {
        let metadata = BTreeMap::from([("format".into(), "pt".into())]);
        Self {
            stored: StoredType::F32,
            metadata,
        }
    }
}

impl SaveOptions {
    /// Sets the type of stored values.
    pub fn stored(mut self, stored: StoredType) -> Self {
        self.stored = stored;
        self
    }

    /// Sets the metadata; an empty map leaves it out of the header.
    pub fn metadata(mut self, metadata: BTreeMap<String, String>) -> Self {
        self.metadata = metadata;
        self
    }
}

/// Writes the parameters of `module` to the safetensors file `path` under their official names,
/// sorted by name. Equal values produce equal bytes.
///
/// The file is written atomically. Peak memory is one tensor.
///
/// # Errors
/// [`Error::Io`]; [`Error::NonFinite`] if values are, or become, NaN or infinite;
/// [`Error::AmbiguousKeys`], [`Error::UnsupportedParameter`].
pub fn save<M: Module>(
    module: &M,
    map: &KeyMap,
    path: impl AsRef<Path>,
    options: &SaveOptions,
) -> Result<()> {
    let layout = Layout::new(module, map, options)?;
    layout.write(path.as_ref(), options, |writer| module.visit(writer))
}

/// Like [`save()`], but consumes `module`: parameters that are not initialized yet are initialized
/// one at a time and dropped, so that a random model larger than memory can be written.
///
/// # Errors
/// As [`save()`].
pub fn save_drawn<M: Module>(
    module: M,
    map: &KeyMap,
    path: impl AsRef<Path>,
    options: &SaveOptions,
) -> Result<()> {
    let layout = Layout::new(&module, map, options)?;
    layout.write(path.as_ref(), options, |writer| {
        module.map(writer);
    })
}

/// Writes `config` as `config.json` and `module` as `model.safetensors` into `dir`, which is
/// created if needed. Each file is written atomically.
///
/// # Errors
/// As [`save()`].
pub fn save_dir<M: Module>(
    module: &M,
    map: &KeyMap,
    config: &impl serde::Serialize,
    dir: &Path,
    options: &SaveOptions,
) -> Result<()> {
    std::fs::create_dir_all(dir).map_err(|e| Error::io(dir, e))?;
    atomic::write_json(dir.join("config.json"), config)?;
    save(module, map, dir.join("model.safetensors"), options)
}

/// Layout of a file.
struct Layout {
    header: Vec<u8>,
    /// By the path of the parameter.
    placements: BTreeMap<String, Placement>,
    size: u64,
}

struct Placement {
    name: String,
    /// Offsets in the file of the tensor and of its aliases.
    offsets: Vec<u64>,
    transposed: bool,
}

impl Layout {
    fn new<M: Module>(module: &M, map: &KeyMap, options: &SaveOptions) -> Result<Self> {
        if options.stored == StoredType::Int8 {
            let reason = "weights in int8 are made by converting a saved checkpoint";
            return Err(Error::Config(reason.into()));
        }
        let named = name_parameters(module, |path| map.name(path), map)?;
        let dtype = options.stored.dtype();
        let ties = map
            .ties()
            .iter()
            .filter_map(|(alias, name)| Some((alias, named.get(name)?)));
        let tensors: BTreeMap<_, _> = named.iter().chain(ties).collect();

        let listed = tensors
            .iter()
            .map(|(name, p)| (name.as_str(), dtype, p.shape.as_slice()));
        let (header, offsets, size) = lay_out(listed, &options.metadata);
        let mut offsets_of: BTreeMap<String, Vec<u64>> = BTreeMap::new();
        for (parameter, offset) in tensors.values().zip(offsets) {
            let path = parameter.path.clone();
            offsets_of.entry(path).or_default().push(offset);
        }
        let placements = named.iter().map(|(name, parameter)| {
            let placement = Placement {
                name: name.clone(),
                offsets: offsets_of.remove(&parameter.path).unwrap_or_default(),
                transposed: parameter.transposed,
            };
            (parameter.path.clone(), placement)
        });
        Ok(Self {
            placements: placements.collect(),
            size,
            header,
        })
    }

    /// Writes the file; `walk` passes the parameters to the writer.
    fn write(
        self,
        path: &Path,
        options: &SaveOptions,
        walk: impl FnOnce(&mut Writer<'_>),
    ) -> Result<()> {
        atomic::replace(path, |file| {
            let io = |source| Error::io(path, source);
            file.set_len(self.size).map_err(io)?;
            (&*file).write_all(&self.header).map_err(io)?;
            let mut writer = Writer {
                file,
                path,
                dtype: options.stored.dtype(),
                placements: self.placements,
                position: Position::default(),
                non_finite: Vec::new(),
                error: None,
            };
            walk(&mut writer);
            match (writer.error, writer.non_finite) {
                (Some(error), _) => Err(error),
                (None, tensors) if tensors.is_empty() => Ok(()),
                (None, tensors) => Err(Error::NonFinite {
                    path: path.into(),
                    tensors,
                }),
            }
        })
    }
}

/// The header of a file with these tensors in this order, their offsets in the file, and its size.
pub(super) fn lay_out<'a>(
    tensors: impl Iterator<Item = (&'a str, Dtype, &'a [usize])>,
    metadata: &BTreeMap<String, String>,
) -> (Vec<u8>, Vec<u64>, u64) {
    let mut entries = Vec::new();
    if !metadata.is_empty() {
        entries.push(format!("\"__metadata__\":{}", json!(metadata)));
    }
    let mut offsets = Vec::new();
    let mut end = 0;
    for (name, dtype, shape) in tensors {
        let from = end;
        end += (shape.iter().product::<usize>() * dtype.bitsize() / 8) as u64;
        offsets.push(from);
        let (name, shape) = (json!(name), json!(shape));
        entries.push(format!(
            "{name}:{{\"dtype\":\"{dtype}\",\"shape\":{shape},\"data_offsets\":[{from},{end}]}}"
        ));
    }
    // Aligned as by the reference implementation of the format.
    let mut json = format!("{{{}}}", entries.join(","));
    while json.len() % 8 != 0 {
        json.push(' ');
    }
    let mut header = (json.len() as u64).to_le_bytes().to_vec();
    header.extend(json.into_bytes());
    let data = header.len() as u64;
    offsets.iter_mut().for_each(|offset| *offset += data);
    (header, offsets, data + end)
}

struct Writer<'a> {
    file: &'a File,
    path: &'a Path,
    dtype: Dtype,
    placements: BTreeMap<String, Placement>,
    position: Position,
    non_finite: Vec<NonFinite>,
    error: Option<Error>,
}

impl Writer<'_> {
    fn write<const D: usize>(&mut self, tensor: Tensor<D>) -> Result<()> {
        let Some(placement) = self.placements.remove(&self.position.path()) else {
            return Ok(());
        };
        let dims = tensor.dims();
        let unreadable = |reason: String| Error::UnsupportedParameter {
            name: placement.name.clone(),
            reason,
        };
        let data = tensor
            .try_into_data_dtype(DType::F32)
            .map_err(|e| unreadable(e.to_string()))?;
        let values = data
            .as_slice::<f32>()
            .map_err(|e| unreadable(e.to_string()))?;
        self.non_finite
            .extend(NonFinite::as_stored(&placement.name, values, self.dtype));

        let io = |source| Error::io(self.path, source);
        let mut file = self.file;
        for offset in placement.offsets {
            file.seek(SeekFrom::Start(offset)).map_err(io)?;
            match *dims.as_slice() {
                [rows, cols] if placement.transposed => {
                    decode::write_transposed(file, self.dtype, values, [rows, cols])
                }
                _ => decode::write(file, self.dtype, values),
            }
            .map_err(io)?;
        }
        Ok(())
    }
}

impl ModuleVisitor for Writer<'_> {
    fn enter_module(&mut self, name: &str, container: &str) {
        self.position.enter(name, container);
    }

    fn exit_module(&mut self, _name: &str, _container: &str) {
        self.position.exit();
    }

    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        if self.error.is_none() {
            self.error = self.write(param.val()).err();
        }
    }
}

impl ModuleMapper for Writer<'_> {
    fn enter_module(&mut self, name: &str, container: &str) {
        self.position.enter(name, container);
    }

    fn exit_module(&mut self, _name: &str, _container: &str) {
        self.position.exit();
    }

    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        self.visit_float(&param);
        let nothing = Tensor::zeros([1; D], &param.lazy_device());
        Param::initialized(param.id, nothing)
    }
}

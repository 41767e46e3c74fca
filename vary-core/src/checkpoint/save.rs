use std::collections::BTreeMap;
use std::fs::File;
use std::io::{Seek, SeekFrom, Write};
use std::path::Path;

use burn::module::{ModuleVisitor, Param};
use burn::prelude::*;
use burn::tensor::DType;
use half::{bf16, f16};
use safetensors::Dtype;
use serde_json::json;

use super::key_map::KeyMap;
use super::load::{Named, name_parameters};
use super::report::NonFinite;
use super::walk::{Parameter, Position};
use super::{atomic, decode};
use crate::error::{Error, Result};

/// How weights are stored.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct SaveOptions {
    /// Type of every tensor; f32 by default.
    pub stored: StoredType,
    /// Metadata of the header; `{"format": "pt"}` by default, which transformers wants to see.
    pub metadata: BTreeMap<String, String>,
}

/// Type of stored values.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum StoredType {
    /// 32 bits: nothing is lost.
    F32,
    /// 16 bits, 11 of them significant; up to 65,504.
    F16,
    /// 16 bits, 8 of them significant, f32's range.
    Bf16,
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
    /// Stores values in another type.
    pub fn stored(mut self, stored: StoredType) -> Self {
        self.stored = stored;
        self
    }

    /// Replaces the metadata; without any the header has none.
    pub fn metadata(mut self, metadata: BTreeMap<String, String>) -> Self {
        self.metadata = metadata;
        self
    }
}

/// Writes the parameters of `module` to the safetensors file `path` under their official names,
/// sorted by name. The same values always give the same bytes.
///
/// The file appears under its name when it is complete and on disk, or not at all. Peak memory is
/// one tensor.
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
    let path = path.as_ref();
    let dtype = match options.stored {
        StoredType::F32 => Dtype::F32,
        StoredType::F16 => Dtype::F16,
        StoredType::Bf16 => Dtype::BF16,
    };
    let named = name_parameters(module, |path| map.name(path), map)?;
    let layout = Layout::new(&named, map, dtype, &options.metadata);

    atomic::replace(path, |file| {
        let io = |source| Error::io(path, source);
        file.set_len(layout.size).map_err(io)?;
        (&*file).write_all(&layout.header).map_err(io)?;
        let mut writer = Writer {
            file,
            path,
            dtype,
            places: layout.places,
            position: Position::default(),
            non_finite: Vec::new(),
            error: None,
        };
        module.visit(&mut writer);
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

/// What goes where in the file.
struct Layout {
    header: Vec<u8>,
    /// By the parameter's path.
    places: BTreeMap<String, Placed>,
    size: u64,
}

struct Placed {
    name: String,
    /// Of the tensor and of those tied to it, from the start of the file.
    offsets: Vec<u64>,
    transposed: bool,
}

impl Layout {
    fn new(named: &Named, map: &KeyMap, dtype: Dtype, metadata: &BTreeMap<String, String>) -> Self {
        let ties = map
            .ties()
            .iter()
            .filter_map(|(alias, name)| Some((alias, named.get(name)?)));
        let tensors: BTreeMap<_, _> = named.iter().chain(ties).collect();

        let mut entries = Vec::with_capacity(tensors.len() + 1);
        if !metadata.is_empty() {
            entries.push(format!("\"__metadata__\":{}", json!(metadata)));
        }
        let mut places: BTreeMap<String, Vec<u64>> = BTreeMap::new();
        let mut end = 0;
        for (name, Parameter { path, shape, .. }) in tensors {
            let from = end;
            end += (shape.iter().product::<usize>() * dtype.bitsize() / 8) as u64;
            let (name, shape) = (json!(name), json!(shape));
            entries.push(format!(
                "{name}:{{\"dtype\":\"{dtype}\",\"shape\":{shape},\"data_offsets\":[{from},{end}]}}"
            ));
            places.entry(path.clone()).or_default().push(from);
        }

        // Aligned as the format's own writers do it.
        let mut json = format!("{{{}}}", entries.join(","));
        while json.len() % 8 != 0 {
            json.push(' ');
        }
        let mut header = (json.len() as u64).to_le_bytes().to_vec();
        header.extend(json.into_bytes());

        let data = header.len() as u64;
        let places = named.iter().map(
            |(
                name,
                Parameter {
                    path, transposed, ..
                },
            )| {
                let offsets = places
                    .get(path)
                    .into_iter()
                    .flatten()
                    .map(|from| data + from)
                    .collect();
                (
                    path.clone(),
                    Placed {
                        name: name.clone(),
                        offsets,
                        transposed: *transposed,
                    },
                )
            },
        );
        Self {
            places: places.collect(),
            size: data + end,
            header,
        }
    }
}

struct Writer<'a> {
    file: &'a File,
    path: &'a Path,
    dtype: Dtype,
    places: BTreeMap<String, Placed>,
    position: Position,
    non_finite: Vec<NonFinite>,
    error: Option<Error>,
}

impl Writer<'_> {
    fn write<const D: usize>(&mut self, tensor: Tensor<D>) -> Result<()> {
        let Some(placed) = self.places.remove(&self.position.path()) else {
            return Ok(());
        };
        let dims = tensor.dims();
        let unreadable = |reason: String| Error::UnsupportedParameter {
            name: placed.name.clone(),
            reason,
        };
        let data = tensor
            .try_into_data_dtype(DType::F32)
            .map_err(|e| unreadable(e.to_string()))?;
        let values = data
            .as_slice::<f32>()
            .map_err(|e| unreadable(e.to_string()))?;
        self.non_finite
            .extend(non_finite(&placed.name, values, self.dtype));

        let io = |source| Error::io(self.path, source);
        let mut file = self.file;
        for offset in placed.offsets {
            file.seek(SeekFrom::Start(offset)).map_err(io)?;
            match *dims.as_slice() {
                [rows, cols] if placed.transposed => {
                    decode::write_transposed(file, self.dtype, values, [rows, cols])
                }
                _ => decode::write(file, self.dtype, values),
            }
            .map_err(io)?;
        }
        Ok(())
    }
}

/// Counts the values that are not finite once they are stored as `dtype`.
fn non_finite(name: &str, values: &[f32], dtype: Dtype) -> Option<NonFinite> {
    match dtype {
        Dtype::F32 => NonFinite::count(name, values.iter().copied()),
        Dtype::F16 => NonFinite::count(name, values.iter().map(|x| f16::from_f32(*x).to_f32())),
        _ => NonFinite::count(name, values.iter().map(|x| bf16::from_f32(*x).to_f32())),
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

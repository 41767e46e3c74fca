use std::io::Write;
use std::path::Path;

use safetensors::Dtype;

use super::entry::Entry;
use super::int8::{quantize, scale_name};
use super::report::NonFinite;
use super::save::{SaveOptions, lay_out};
use super::source::CheckpointFiles;
use super::{StoredType, atomic, decode};
use crate::error::{Error, Result};

/// Copies a checkpoint of any format into one safetensors file with the same names and shapes.
/// `stored` converts the weights to another type; `None` keeps their types and values. In int8 each
/// matrix gets its scales beside it.
///
/// Other tensors, such as the integers of CLIP's `position_ids`, are copied unchanged. Peak memory
/// is one tensor; the file is written atomically.
///
/// # Errors
/// [`Error::Io`], for example if the disk is full; [`Error::NonFinite`] with every tensor that has
/// NaN or infinite values before or after conversion.
pub fn convert(
    files: &CheckpointFiles,
    path: impl AsRef<Path>,
    stored: Option<StoredType>,
) -> Result<()> {
    let path = path.as_ref();
    let dtype = |entry: &Entry| match stored {
        Some(StoredType::Int8) if entry.is_weight() && entry.shape.len() < 2 => Dtype::F32,
        Some(stored) if entry.is_weight() => stored.dtype(),
        _ => entry.dtype,
    };
    let entries: Vec<_> = files
        .entries()
        .map(|(name, e)| (name, e, dtype(e)))
        .collect();
    let mut listed = vec![];
    for (name, entry, to) in &entries {
        listed.push((name.to_string(), *to, entry.shape.clone()));
        if *to == Dtype::I8 && entry.is_weight() {
            listed.push((scale_name(name), Dtype::F32, vec![entry.shape[0]]));
        }
    }
    let listed = listed
        .iter()
        .map(|(name, to, shape)| (name.as_str(), *to, &shape[..]));
    let (header, _, size) = lay_out(listed, &SaveOptions::default().metadata);

    atomic::replace(path, |mut file| {
        let io = |source| Error::io(path, source);
        // Reserves the space if the file system can: a full disk is an error before any work.
        file.set_len(size).map_err(io)?;
        file.write_all(&header).map_err(io)?;
        let mut non_finite = Vec::new();
        for (name, entry, to) in &entries {
            let unreadable = |source| Error::io(files.path(), source);
            if !entry.is_weight() {
                let bytes = entry.read_bytes().map_err(unreadable)?;
                file.write_all(&bytes).map_err(io)?;
                continue;
            }
            let values = entry.read(false).map_err(unreadable)?;
            non_finite.extend(NonFinite::as_stored(name, &values, *to));
            if *to == Dtype::I8 {
                let (numbers, scales) = quantize(&values, entry.shape[0]);
                file.write_all(&numbers).map_err(io)?;
                decode::write(file, Dtype::F32, &scales).map_err(io)?;
            } else {
                decode::write(file, *to, &values).map_err(io)?;
            }
        }
        match non_finite.is_empty() {
            true => Ok(()),
            false => Err(Error::NonFinite {
                path: files.path().into(),
                tensors: non_finite,
            }),
        }
    })
}

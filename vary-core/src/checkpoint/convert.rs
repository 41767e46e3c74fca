use std::io::Write;
use std::path::Path;

use super::report::NonFinite;
use super::save::{SaveOptions, lay_out};
use super::source::CheckpointFiles;
use super::{StoredType, atomic, decode};
use crate::error::{Error, Result};

/// Copies a checkpoint of any format into one safetensors file with the same names and shapes.
/// `stored` converts the weights to another type; `None` keeps their types and values.
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
    let dtype = |found| match stored {
        Some(stored) if decode::is_weight(found) => stored.dtype(),
        _ => found,
    };
    let entries: Vec<_> = files.entries().collect();
    let listed = entries
        .iter()
        .map(|(name, entry)| (*name, dtype(entry.dtype), entry.shape.as_slice()));
    let (header, _, size) = lay_out(listed, &SaveOptions::default().metadata);

    atomic::replace(path, |mut file| {
        let io = |source| Error::io(path, source);
        // Reserves the space if the file system can: a full disk is an error before any work.
        file.set_len(size).map_err(io)?;
        file.write_all(&header).map_err(io)?;
        let mut non_finite = Vec::new();
        for (name, entry) in &entries {
            let unreadable = |source| Error::io(files.path(), source);
            if !decode::is_weight(entry.dtype) {
                let bytes = entry.read_bytes().map_err(unreadable)?;
                file.write_all(&bytes).map_err(io)?;
                continue;
            }
            let values = entry.read(false).map_err(unreadable)?;
            let to = dtype(entry.dtype);
            non_finite.extend(NonFinite::as_stored(name, &values, to));
            decode::write(file, to, &values).map_err(io)?;
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

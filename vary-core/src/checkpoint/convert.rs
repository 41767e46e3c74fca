use std::io::Write;
use std::path::Path;

use super::report::NonFinite;
use super::save::{SaveOptions, lay_out};
use super::source::CheckpointFiles;
use super::{StoredType, atomic, decode};
use crate::error::{Error, Result};

/// Copies a checkpoint into one safetensors file, whatever it was before: names and shapes stay,
/// and so do values where `stored` asks for their own type (`None` for all).
///
/// Tensors that hold no weights, such as CLIP's `position_ids`, are copied as they are. One tensor
/// is held at a time; the file appears under its name when it is complete and on disk, or not at
/// all.
///
/// # Errors
/// [`Error::Io`], as when the disk is full; [`Error::NonFinite`] with every tensor that holds NaN
/// or infinite values, or gets infinite ones in the type asked for.
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
        // Takes the space now where the file system can, so that a full disk is told early.
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

use std::fs::File;
use std::io::{self, Write};
use std::path::Path;

use vary_lm::tokenizer::Tokenizer;

use crate::error::{Error, Result};

/// Writes a file atomically: it appears under its name once `write` returns and it is on disk, or
/// not at all.
pub(crate) fn replace(path: &Path, write: impl FnOnce(&File) -> Result<()>) -> Result<()> {
    let io = |source| Error::io(path, source);
    let dir = path.parent().filter(|dir| !dir.as_os_str().is_empty());
    let dir = dir.unwrap_or(Path::new("."));
    let file = temporary_file(dir).map_err(io)?;
    write(file.as_file())?;
    file.as_file().sync_all().map_err(io)?;
    file.persist(path).map_err(|error| io(error.error))?;
    // The new name is only on disk once its directory is.
    #[cfg(unix)]
    File::open(dir).and_then(|dir| dir.sync_all()).map_err(io)?;
    Ok(())
}

/// Writes a file atomically: it appears under its name once it is complete and on disk, or not at
/// all.
///
/// # Errors
/// [`Error::Io`] with the path of the file.
pub fn write_atomic(path: &Path, bytes: &[u8]) -> Result<()> {
    replace(path, |mut file| {
        file.write_all(bytes)
            .map_err(|source| Error::io(path, source))
    })
}

/// Writes `tokenizer.json` into the directory of a checkpoint, as [`write_atomic`] does.
///
/// # Errors
/// [`Error::Io`] with the path of the file.
pub fn save_tokenizer(tokenizer: &Tokenizer, dir: &Path) -> Result<()> {
    let json = tokenizer.to_json()?;
    write_atomic(&dir.join("tokenizer.json"), json.as_bytes())
}

/// Writes `value` as indented JSON, as [`write_atomic`] does.
///
/// # Errors
/// [`Error::Io`] with the path of the file, also if `value` is not representable as JSON.
pub fn write_json(path: impl AsRef<Path>, value: &impl serde::Serialize) -> Result<()> {
    let path = path.as_ref();
    let mut json = serde_json::to_vec_pretty(value)
        .map_err(|error| Error::io(path, io::Error::other(error)))?;
    json.push(b'\n');
    write_atomic(path, &json)
}

/// A temporary file in the directory of its final name, with the default permissions of a new file.
fn temporary_file(dir: &Path) -> io::Result<tempfile::NamedTempFile> {
    let mut builder = tempfile::Builder::new();
    builder.prefix(".saving-");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        builder.permissions(std::fs::Permissions::from_mode(0o666));
    }
    builder.tempfile_in(dir)
}

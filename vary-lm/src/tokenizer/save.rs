use std::io::{self, Write};
use std::path::Path;

use super::Tokenizer;
use crate::{Error, Result};

/// The file that [`Tokenizer::save`] writes.
const FILE: &str = "tokenizer.json";

impl Tokenizer {
    /// Writes the tokenizer to `dir`, which is created if need be, as `tokenizer.json`.
    /// [`from_dir`](Self::from_dir) then reads a tokenizer with the same ids, whatever other
    /// vocabularies the directory has; so do Hugging Face's libraries.
    ///
    /// The file appears when it is complete and on disk, or an older one stays.
    ///
    /// # Errors
    /// [`Error::Io`] with the file or directory; [`Error::Tokenizer`] when the tokenizer cannot be
    /// serialized.
    pub fn save(&self, dir: &Path) -> Result<()> {
        let json = self.to_json()?;
        std::fs::create_dir_all(dir).map_err(|e| Error::io(dir, e))?;
        let path = dir.join(FILE);
        replace(dir, &path, json.as_bytes()).map_err(|e| Error::io(&path, e))
    }
}

fn replace(dir: &Path, path: &Path, content: &[u8]) -> io::Result<()> {
    let mut builder = tempfile::Builder::new();
    builder.prefix(".saving-");
    // The permissions of an ordinary new file; those of a temporary one are the owner's alone.
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        builder.permissions(std::fs::Permissions::from_mode(0o666));
    }
    let mut file = builder.tempfile_in(dir)?;
    file.write_all(content)?;
    file.as_file().sync_all()?;
    file.persist(path)?;
    // The new name is on disk only when its directory is.
    #[cfg(unix)]
    std::fs::File::open(dir)?.sync_all()?;
    Ok(())
}

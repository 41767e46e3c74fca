//! Reading files that may be from anyone.

use std::fs::{self, File};
use std::io::{self, ErrorKind, Read};
use std::path::Path;

/// Most bytes of a file that is parsed whole, such as a configuration or an index.
const MAX_BYTES: u64 = 1 << 30;

/// Opens a regular file. A pipe without a writer would keep the caller waiting, and a device may
/// have no end.
pub(crate) fn open(path: &Path) -> io::Result<File> {
    // Asked before opening, which is what waits.
    match fs::metadata(path)?.is_file() {
        true => File::open(path),
        false => Err(io::Error::new(
            ErrorKind::InvalidInput,
            "not a regular file",
        )),
    }
}

/// Reads a regular file.
#[cfg(feature = "train")]
pub(crate) fn read(path: &Path) -> io::Result<Vec<u8>> {
    let mut bytes = vec![];
    open(path)?.read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// Reads a regular file that is to be parsed, of at most a gibibyte.
pub(crate) fn read_text(path: &Path) -> io::Result<Vec<u8>> {
    let mut bytes = vec![];
    // A file may grow while it is read.
    open(path)?.take(MAX_BYTES + 1).read_to_end(&mut bytes)?;
    match bytes.len() as u64 > MAX_BYTES {
        true => Err(io::Error::new(ErrorKind::FileTooLarge, "longer than 1 GiB")),
        false => Ok(bytes),
    }
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    #[test]
    fn only_regular_files_are_read() {
        for path in ["/dev/zero", "/"] {
            let error = read_text(Path::new(path)).map(|_| ()).map_err(|e| e.kind());
            assert_eq!(error, Err(ErrorKind::InvalidInput), "{path}");
        }
        let missing = read_text(Path::new("/no/such/file")).map(|_| ());
        assert_eq!(missing.map_err(|e| e.kind()), Err(ErrorKind::NotFound));
    }
}

use std::fs::{self, File};
use std::io::{self, ErrorKind};
use std::path::Path;

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

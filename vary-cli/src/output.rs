//! Writing to the standard output and to files.

use std::io::{self, Write};
use std::path::Path;

use anyhow::{Context, Result, ensure};
use image::{ImageFormat, RgbImage};
use vary_core::checkpoint::write_atomic;

/// Writes to the standard output at once.
pub fn print(text: impl AsRef<[u8]>) -> Result<()> {
    let mut out = io::stdout().lock();
    out.write_all(text.as_ref())
        .and_then(|()| out.flush())
        .context("standard output")
}

/// As [`print`], with a line break.
pub fn print_line(text: impl std::fmt::Display) -> Result<()> {
    print(format!("{text}\n"))
}

/// Refuses to write over the image that is read.
pub fn keep_apart(image: &Path, out: &Path) -> Result<()> {
    let real = |path: &Path| path.canonicalize().ok();
    let same = real(image).is_some_and(|path| real(out) == Some(path));
    ensure!(
        !same,
        "{} is the image itself: name another file with -o",
        out.display()
    );
    Ok(())
}

/// Writes an image in the format of its name, atomically.
pub fn save(image: &RgbImage, out: &Path) -> Result<()> {
    let format =
        ImageFormat::from_path(out).with_context(|| format!("cannot write {}", out.display()))?;
    let mut bytes = io::Cursor::new(vec![]);
    image
        .write_to(&mut bytes, format)
        .with_context(|| format!("cannot write {}", out.display()))?;
    Ok(write_atomic(out, bytes.get_ref())?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn image_is_not_overwritten() {
        let here = Path::new(env!("CARGO_MANIFEST_DIR")).join("Cargo.toml");
        assert!(keep_apart(&here, &here.with_file_name("src/../Cargo.toml")).is_err());
        assert!(keep_apart(&here, Path::new("other.png")).is_ok());
    }
}

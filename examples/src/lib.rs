//! What the examples share: which model, images, printing errors.

mod model;

pub use model::ModelArgs;

use std::path::Path;
use std::process::ExitCode;

use anyhow::{Context, ensure};
use image::RgbImage;
use vary_core::pipeline::{DecodeOptions, decode, open};

/// Exit code of a program; an error is printed in one line.
pub fn exit(result: anyhow::Result<()>) -> ExitCode {
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {}", one_line(&error));
            ExitCode::FAILURE
        }
    }
}

/// An error with its causes; a cause that a message includes already is not repeated.
fn one_line(error: &anyhow::Error) -> String {
    let mut text = error.to_string();
    for cause in error.chain().skip(1).map(ToString::to_string) {
        if !text.contains(&cause) {
            text = format!("{text}: {cause}");
        }
    }
    text.replace('\n', " ")
}

/// The image where none is named.
pub const SCENE: &[u8] = include_bytes!("../assets/scene.png");

/// The image of a path, or `default`, the bytes of a file.
pub fn read_image(path: Option<&Path>, default: &[u8]) -> vary_core::Result<RgbImage> {
    let options = DecodeOptions::default();
    match path {
        Some(path) => Ok(open(path, &options)?),
        None => Ok(decode(default, &options)?),
    }
}

/// Refuses to write over the image that is read.
pub fn keep_apart(image: Option<&Path>, out: &Path) -> anyhow::Result<()> {
    let real = |path: &Path| path.canonicalize().ok();
    let same = image.and_then(real).is_some_and(|p| real(out) == Some(p));
    ensure!(
        !same,
        "{} is the image itself; name another file with --out",
        out.display()
    );
    Ok(())
}

/// Writes an image with what was drawn on it.
pub fn save(image: &RgbImage, out: &Path) -> anyhow::Result<()> {
    let written = image.save(out);
    written.with_context(|| format!("cannot write {}", out.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn causes_are_printed_once() {
        let error = anyhow::anyhow!("no\nspace").context("disk: no\nspace");
        assert_eq!(
            one_line(&error.context("cannot write a")),
            "cannot write a: disk: no space"
        );
    }

    #[test]
    fn image_is_not_overwritten() {
        let here = Path::new(env!("CARGO_MANIFEST_DIR")).join("assets/scene.png");
        assert!(keep_apart(Some(&here), &here.with_file_name("../assets/scene.png")).is_err());
        assert!(keep_apart(Some(&here), Path::new("other.png")).is_ok());
        assert!(keep_apart(None, &here).is_ok());
    }
}

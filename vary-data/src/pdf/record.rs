use std::fs;
use std::io::{self, Write};
use std::path::Path;

use serde::{Deserialize, Serialize};
use tempfile::Builder;

use crate::{Error, Page, Result};

/// How the name of a file begins that is not complete yet.
pub(crate) const PART: &str = ".vary-part-";

/// What is written beside a page's picture, as JSON.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PageRecord {
    /// The PDF file, relative to its folder.
    pub file: String,
    /// The page, counted from 1.
    pub page: usize,
    /// SHA-256 of the PDF file in hexadecimal digits.
    pub sha256: String,
    /// Width of the picture in pixels.
    pub width: u32,
    /// Height of the picture in pixels.
    pub height: u32,
    /// The text in reading order, lines separated by `\n`, paragraphs by an empty line.
    pub text: String,
    /// The words in reading order.
    pub words: Vec<WordRecord>,
}

/// A word in a [`PageRecord`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct WordRecord {
    /// Its text.
    pub text: String,
    /// Left, top, right, bottom in pixels, to a hundredth.
    pub bbox: [f32; 4],
}

impl PageRecord {
    pub(crate) fn new(file: &str, page: usize, sha256: &str, content: &Page) -> Self {
        let words = content.words.iter().map(|word| WordRecord {
            text: word.text.clone(),
            bbox: word.bbox.map(|edge| (edge * 100.0).round() / 100.0),
        });
        Self {
            file: file.to_owned(),
            page,
            sha256: sha256.to_owned(),
            width: content.image.width(),
            height: content.image.height(),
            text: content.text.clone(),
            words: words.collect(),
        }
    }

    /// A record that an earlier run completed; none if it has to be made.
    pub(crate) fn read(path: &Path) -> Option<Self> {
        serde_json::from_slice(&fs::read(path).ok()?).ok()
    }
}

/// Writes a file so that it is there whole or not at all, whenever the program is stopped.
pub(crate) fn write_whole(
    path: &Path,
    fill: impl FnOnce(&mut Vec<u8>) -> io::Result<()>,
) -> Result<()> {
    let mut bytes = Vec::new();
    let write = || {
        fill(&mut bytes)?;
        let folder = path.parent().unwrap_or(Path::new("."));
        fs::create_dir_all(folder)?;
        let mut builder = Builder::new();
        #[cfg(unix)]
        builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o644));
        let mut part = builder.prefix(PART).tempfile_in(folder)?;
        part.write_all(&bytes)?;
        part.as_file().sync_all()?;
        part.persist(path).map_err(|e| e.error)?;
        Ok(())
    };
    write().map_err(|source| Error::io(path, source))
}

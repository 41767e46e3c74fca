use std::fs;
use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::Page;
use crate::record::WordRecord;

/// What is written beside a page's image, as JSON.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PdfRecord {
    /// The PDF file, relative to its folder.
    pub file: String,
    /// The page, counted from 1.
    pub page: usize,
    /// SHA-256 of the PDF file in hexadecimal digits.
    pub sha256: String,
    /// Width of the image in pixels.
    pub width: u32,
    /// Height of the image in pixels.
    pub height: u32,
    /// The text in reading order, lines separated by `\n`, paragraphs by an empty line.
    pub text: String,
    /// The words in reading order.
    pub words: Vec<WordRecord>,
}

impl PdfRecord {
    pub(crate) fn new(file: &str, page: usize, sha256: &str, content: &Page) -> Self {
        Self {
            file: file.to_owned(),
            page,
            sha256: sha256.to_owned(),
            width: content.image.width(),
            height: content.image.height(),
            text: content.text.clone(),
            words: WordRecord::of(content),
        }
    }

    /// A record that an earlier run completed; none if it has to be made.
    pub(crate) fn read(path: &Path) -> Option<Self> {
        serde_json::from_slice(&fs::read(path).ok()?).ok()
    }
}

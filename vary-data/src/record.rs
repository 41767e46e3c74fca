//! Pages on disk: an image and, beside it, what is written on it.

use std::fs;
use std::io::{self, Cursor, Write};
use std::path::Path;

use image::{ImageFormat, RgbImage};
use serde::{Deserialize, Serialize};
use tempfile::Builder;

use crate::error::{Error, Result};
use crate::json;
use crate::page::Page;
use crate::question::Question;

/// How the name of a file begins that is not complete yet.
pub(crate) const PART: &str = ".vary-part-";

/// A word in the record of a page.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct WordRecord {
    /// Its text.
    pub text: String,
    /// Left, top, right, bottom in pixels, to a hundredth.
    pub bbox: [f32; 4],
}

impl WordRecord {
    pub(crate) fn of(page: &Page) -> Vec<Self> {
        let words = page.words.iter().map(|word| Self {
            text: word.text.clone(),
            bbox: word.bbox.map(|edge| (edge * 100.0).round() / 100.0),
        });
        words.collect()
    }
}

/// The record of a page, the JSON file beside its image.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PageRecord {
    /// The text in reading order.
    pub text: String,
    /// The page as Markdown, if known.
    #[serde(default)]
    pub markdown: Option<String>,
    /// The words in reading order.
    #[serde(default)]
    pub words: Vec<WordRecord>,
    /// Questions about the page.
    #[serde(default)]
    pub questions: Vec<Question>,
}

/// Reads the record of a page. Unknown fields are ignored.
///
/// # Errors
/// [`Error::Io`], or [`Error::Json`] naming the field.
pub fn read_page(path: &Path) -> Result<PageRecord> {
    json::read(path)
}

/// Writes a page as `NAME.png` and `NAME.json` ([`PageRecord`]) in `folder`, which is created if
/// needed. The record is written last, so a page is complete where its record is.
///
/// # Errors
/// [`Error::Io`] naming the file.
pub fn write_page(folder: &Path, name: &str, page: &Page, questions: &[Question]) -> Result<()> {
    write_image(&folder.join(format!("{name}.png")), &page.image)?;
    let record = PageRecord {
        text: page.text.clone(),
        markdown: page.markdown.clone(),
        words: WordRecord::of(page),
        questions: questions.to_vec(),
    };
    write_json(&folder.join(format!("{name}.json")), &record)
}

pub(crate) fn write_image(path: &Path, image: &RgbImage) -> Result<()> {
    write_whole(path, |bytes| {
        let written = image.write_to(&mut Cursor::new(bytes), ImageFormat::Png);
        written.map_err(io::Error::other)
    })
}

pub(crate) fn write_json(path: &Path, value: &impl Serialize) -> Result<()> {
    write_whole(path, |bytes| {
        serde_json::to_writer_pretty(&mut *bytes, value).map_err(io::Error::other)?;
        bytes.push(b'\n');
        Ok(())
    })
}

/// Writes a file so that it is there whole or not at all, whenever the program is stopped.
fn write_whole(path: &Path, fill: impl FnOnce(&mut Vec<u8>) -> io::Result<()>) -> Result<()> {
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

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::page::Word;

    #[test]
    fn pages_are_written() {
        let dir = tempfile::tempdir().unwrap();
        let folder = dir.path().join("new");
        let page = Page {
            image: RgbImage::new(4, 3),
            text: "T 1".into(),
            markdown: Some("# T\n1".into()),
            words: vec![Word {
                text: "T".into(),
                bbox: [0.0, 0.0, 1.004, 2.0],
            }],
        };
        let question = Question::new("How many?", ["1"]);
        write_page(&folder, "a", &page, &[question]).unwrap();
        let image = image::open(folder.join("a.png")).unwrap();
        assert_eq!((image.width(), image.height()), (4, 3));
        let record = fs::read(folder.join("a.json")).unwrap();
        let record: serde_json::Value = serde_json::from_slice(&record).unwrap();
        let expected = serde_json::json!({
            "text": "T 1",
            "markdown": "# T\n1",
            "words": [{"text": "T", "bbox": [0.0, 0.0, 1.0, 2.0]}],
            "questions": [{"text": "How many?", "answers": ["1"]}],
        });
        assert_eq!(record, expected);
        let read = read_page(&folder.join("a.json")).unwrap();
        assert_eq!((read.text.as_str(), read.words.len()), ("T 1", 1));
        assert_eq!(
            fs::read_dir(&folder).unwrap().count(),
            2,
            "nothing half-written"
        );
    }
}

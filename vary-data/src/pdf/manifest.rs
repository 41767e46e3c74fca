use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::options::PdfOptions;
use super::skip::Skip;

/// What became of a folder of PDF files. It is the same in whatever order files were read, and
/// whether in one run or many.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Manifest {
    /// The options of the run.
    pub options: PdfOptions,
    /// PDF files found.
    pub files: usize,
    /// Pages in the files that could be opened.
    pub pages: usize,
    /// Pages with an image and text.
    pub written: usize,
    /// Words on these.
    pub words: usize,
    /// Pages beyond [`PdfOptions::max_pages`] of their file.
    pub left_out: usize,
    /// The number of pages skipped, by the name of the reason ([`Skip::name`]).
    pub skipped_pages: BTreeMap<String, usize>,
    /// The number of files skipped as a whole, by the name of the reason.
    pub skipped_files: BTreeMap<String, usize>,
    /// Every page and file skipped, by file and page.
    pub skipped: Vec<SkippedPage>,
}

/// A page, or a whole file, that was skipped.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SkippedPage {
    /// The PDF file, relative to its folder.
    pub file: String,
    /// The page, counted from 1; none if it is the whole file.
    pub page: Option<usize>,
    /// Why.
    pub reason: Skip,
}

impl Manifest {
    pub(crate) fn new(options: &PdfOptions) -> Self {
        Self {
            options: options.clone(),
            files: 0,
            pages: 0,
            written: 0,
            words: 0,
            left_out: 0,
            skipped_pages: BTreeMap::new(),
            skipped_files: BTreeMap::new(),
            skipped: Vec::new(),
        }
    }

    pub(crate) fn skip(&mut self, file: &str, page: Option<usize>, reason: Skip) {
        let counts = match page {
            Some(_) => &mut self.skipped_pages,
            None => &mut self.skipped_files,
        };
        *counts.entry(reason.name().to_owned()).or_default() += 1;
        self.skipped.push(SkippedPage {
            file: file.to_owned(),
            page,
            reason,
        });
    }
}

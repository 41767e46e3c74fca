use std::collections::HashMap;
use std::path::{Path, PathBuf};

use rayon::prelude::*;

use super::report::Issue;
use super::report::Place;
use super::report::SetReport;
use crate::Result;
use crate::path::inside;

/// Many short strings in one, because millions of `String`s cost more than their text.
#[derive(Debug, Default)]
pub(super) struct Names {
    text: String,
    ends: Vec<usize>,
}

impl Names {
    pub fn push(&mut self, name: &str) {
        self.text.push_str(name);
        self.ends.push(self.text.len());
    }

    /// The `i`th name; empty past the end.
    pub fn get(&self, i: usize) -> &str {
        let begin = if i == 0 {
            0
        } else {
            self.ends.get(i - 1).copied().unwrap_or(0)
        };
        let end = self.ends.get(i).copied().unwrap_or(begin);
        self.text.get(begin..end).unwrap_or("")
    }
}

/// The image files of a set, with their declared sizes.
#[derive(Debug)]
pub(super) struct Images {
    folder: PathBuf,
    names: Names,
    sizes: Vec<Option<(u32, u32)>>,
}

impl Images {
    pub fn new(folder: &Path) -> Self {
        Self {
            folder: folder.to_owned(),
            names: Names::default(),
            sizes: Vec::new(),
        }
    }

    /// Adds the image `relative` to the folder, which must not lead out of it.
    pub fn push(&mut self, relative: &str, size: Option<(u32, u32)>) -> Result<()> {
        inside(&self.folder, relative)?;
        self.names.push(relative);
        self.sizes.push(size);
        Ok(())
    }

    pub fn len(&self) -> usize {
        self.sizes.len()
    }

    pub fn name(&self, i: usize) -> &str {
        self.names.get(i)
    }

    pub fn path(&self, i: usize) -> PathBuf {
        self.folder.join(self.names.get(i))
    }

    pub fn size(&self, i: usize) -> Option<(u32, u32)> {
        self.sizes.get(i).copied().flatten()
    }

    /// Only the images for which `keep` holds, in the same order.
    pub fn filter(&self, mut keep: impl FnMut(usize) -> bool) -> Self {
        let mut kept = Self::new(&self.folder);
        for i in (0..self.len()).filter(|&i| keep(i)) {
            kept.names.push(self.name(i));
            kept.sizes.push(self.size(i));
        }
        kept
    }

    /// Reads the header of every image file, each file once, on all threads.
    pub fn check(&self) -> SetReport {
        let mut first = HashMap::new();
        let once: Vec<usize> = (0..self.len())
            .filter(|&i| first.insert(self.name(i), i).is_none())
            .collect();
        let found: Vec<_> = once
            .par_iter()
            .map(|&i| check(&self.path(i), self.size(i)))
            .collect();
        let mut report = SetReport::default();
        for (i, found) in once.into_iter().zip(found) {
            match found {
                None => report.images += 1,
                Some((issue, record)) => report.add(issue, || Place {
                    file: self.path(i).display().to_string(),
                    record,
                }),
            }
        }
        report
    }
}

fn check(path: &Path, declared: Option<(u32, u32)>) -> Option<(Issue, String)> {
    match (dimensions(path), declared) {
        (Err(problem), _) => Some(problem),
        (Ok(found), Some(declared)) if found != declared => Some((
            Issue::SizeMismatch,
            format!(
                "{}x{} in the file, {}x{} declared",
                found.0, found.1, declared.0, declared.1
            ),
        )),
        _ => None,
    }
}

/// Width and height from the header of an image file, whatever its name ends with.
pub(super) fn dimensions(path: &Path) -> Result<(u32, u32), (Issue, String)> {
    let on_io = |e: std::io::Error| {
        let issue = match e.kind() {
            std::io::ErrorKind::NotFound => Issue::MissingFile,
            _ => Issue::BrokenFile,
        };
        (issue, e.to_string())
    };
    image::ImageReader::open(path)
        .and_then(|reader| reader.with_guessed_format())
        .map_err(on_io)?
        .into_dimensions()
        .map_err(|e| (Issue::BrokenFile, e.to_string()))
}

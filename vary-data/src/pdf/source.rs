use std::path::{Path, PathBuf};
use std::time::Duration;

use super::file::{PdfFile, PdfReader};
use super::options::PdfOptions;
use super::skip::Skip;
use super::worker::{PdfWorker, is_available};
use crate::{Error, Page, Result};

/// Longest time for opening a file and for each page of it.
const PATIENCE: Duration = Duration::from_secs(60);

/// A file of a folder, read in this process or, where the program allows for it, in children.
pub(crate) enum Source {
    Own(PdfFile),
    Child {
        path: PathBuf,
        options: PdfOptions,
        page_count: usize,
    },
}

impl Source {
    /// Opens a file; `bytes` are its contents.
    pub fn open(path: &Path, bytes: Vec<u8>, options: &PdfOptions) -> Result<Self, Skip> {
        if !is_available() {
            return PdfFile::parse(bytes, options).map(Self::Own);
        }
        Ok(Self::Child {
            path: path.into(),
            options: options.clone(),
            page_count: child(path, options)?.page_count(),
        })
    }

    pub fn page_count(&self) -> usize {
        match self {
            Self::Own(file) => file.page_count(),
            Self::Child { page_count, .. } => *page_count,
        }
    }

    /// Pages that one reader reads in a row: it keeps fonts, and a child has to open the file.
    pub fn chunk(&self) -> usize {
        match self {
            Self::Own(_) => 8,
            Self::Child { .. } => 32,
        }
    }

    pub fn reader(&self) -> Reader<'_> {
        match self {
            Self::Own(file) => Reader::Own(file.reader()),
            Self::Child { path, options, .. } => match child(path, options) {
                Ok(worker) => Reader::Child(worker),
                Err(reason) => Reader::Failed(reason),
            },
        }
    }
}

fn child(path: &Path, options: &PdfOptions) -> Result<PdfWorker, Skip> {
    let worker = PdfWorker::open(path, options, |waited| waited < PATIENCE);
    worker.map_err(|error| match error {
        Error::Pdf { reason, .. } => reason,
        error => Skip::Ended(error.to_string()),
    })
}

/// Reads pages one after the other.
pub(crate) enum Reader<'a> {
    Own(PdfReader<'a>),
    Child(PdfWorker),
    Failed(Skip),
}

impl Reader<'_> {
    pub fn page(&mut self, index: usize) -> Result<Page, Skip> {
        match self {
            Self::Own(reader) => reader.page(index),
            Self::Child(worker) => worker.page(index),
            Self::Failed(reason) => Err(reason.clone()),
        }
    }
}

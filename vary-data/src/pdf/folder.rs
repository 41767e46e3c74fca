use std::ffi::OsString;
use std::fmt::Write as _;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use rayon::prelude::*;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::file::{Unread, read};
use super::manifest::Manifest;
use super::options::PdfOptions;
use super::record::PdfRecord;
use super::skip::Skip;
use super::source::Source;
use crate::record::{PART, write_image, write_json};
use crate::{Error, Result};

/// Counts up whenever the same file gives other images or text.
const VERSION: u32 = 1;

#[derive(PartialEq, Serialize, Deserialize)]
struct Begun {
    version: u32,
    options: PdfOptions,
}

/// What became of a page: the number of its words, or why it was skipped.
type Outcome = Result<usize, Skip>;

struct FileOutcome {
    name: String,
    page_count: usize,
    pages: Result<Vec<Outcome>, Skip>,
}

/// Writes every page of every PDF file in a folder and its subfolders, on all threads of rayon's
/// pool: the image as `NAME-0001.png` and its text and words as `NAME-0001.json`
/// ([`PdfRecord`]), in the same subfolders of `output`, where `NAME` is the file's name without
/// `.pdf`. `manifest.json` in `output` is the returned [`Manifest`].
///
/// A program whose `main` calls [`serve_if_asked`](super::serve_if_asked) reads the files in child
/// processes, so that a file that crashes, hangs or exhausts memory is skipped like others that
/// can't be read.
///
/// A run that was stopped resumes when it is started again: pages already there are kept if their
/// PDF file is unchanged. Don't run two at a time into the same folder.
///
/// # Errors
///
/// If options are out of range, `output` was begun with other options, or a folder can't be read or
/// written. A PDF file that can't be read is no error but skipped.
pub fn extract_folder(
    input: impl AsRef<Path>,
    output: impl AsRef<Path>,
    options: &PdfOptions,
) -> Result<Manifest> {
    let (input, output) = (input.as_ref(), output.as_ref());
    options.check()?;
    let files = files_below(input, &is_pdf)?;
    begin(output, options)?;
    let outcomes = files
        .par_iter()
        .map(|file| extract_file(input, file, output, options));
    let outcomes: Vec<FileOutcome> = outcomes.collect::<Result<_>>()?;

    let mut manifest = Manifest::new(options);
    manifest.files = outcomes.len();
    for FileOutcome {
        name,
        page_count,
        pages,
    } in outcomes
    {
        manifest.pages += page_count;
        match pages {
            Err(reason) => manifest.skip(&name, None, reason),
            Ok(pages) => {
                manifest.left_out += page_count - pages.len();
                for (i, page) in pages.into_iter().enumerate() {
                    match page {
                        Ok(words) => {
                            manifest.written += 1;
                            manifest.words += words;
                        }
                        Err(reason) => manifest.skip(&name, Some(i + 1), reason),
                    }
                }
            }
        }
    }
    write_json(&output.join("manifest.json"), &manifest)?;
    Ok(manifest)
}

/// Refuses a folder that was begun differently, and clears what a stopped run left half-written.
fn begin(output: &Path, options: &PdfOptions) -> Result<()> {
    fs::create_dir_all(output).map_err(|e| Error::io(output, e))?;
    let path = output.join("options.json");
    let begun = Begun {
        version: VERSION,
        options: options.clone(),
    };
    match fs::read(&path) {
        Ok(bytes) if serde_json::from_slice::<Begun>(&bytes).ok().as_ref() == Some(&begun) => {}
        Ok(_) => return Err(Error::PdfOptionsChanged { path }),
        Err(e) if e.kind() == io::ErrorKind::NotFound => write_json(&path, &begun)?,
        Err(e) => return Err(Error::io(path, e)),
    }
    let is_part = |path: &Path| {
        let name = path.file_name().unwrap_or_default();
        name.to_string_lossy().starts_with(PART)
    };
    for part in files_below(output, &is_part)? {
        let path = output.join(part);
        fs::remove_file(&path).map_err(|e| Error::io(path, e))?;
    }
    Ok(())
}

fn extract_file(
    input: &Path,
    file: &Path,
    output: &Path,
    options: &PdfOptions,
) -> Result<FileOutcome> {
    let name = file.to_string_lossy().replace('\\', "/");
    let path = input.join(file);
    let opened = read(&path, options)
        .map_err(|unread| match unread {
            Unread::Io(e) => Skip::Broken(format!("it can't be read: {e}")),
            Unread::Skip(reason) => reason,
        })
        .and_then(|bytes| {
            let sha256 = hexadecimal(&Sha256::digest(&bytes));
            Ok((sha256, Source::open(&path, bytes, options)?))
        });
    let (sha256, pdf) = match opened {
        Ok(opened) => opened,
        Err(reason) => {
            return Ok(FileOutcome {
                name,
                page_count: 0,
                pages: Err(reason),
            });
        }
    };
    let page_count = pdf.page_count();
    let indices: Vec<usize> = (0..page_count.min(options.max_pages)).collect();
    let chunks = indices.par_chunks(pdf.chunk()).map(|chunk| {
        let mut reader = pdf.reader();
        let pages = chunk.iter().map(|&index| {
            let [image, record] = page_paths(output, file, index);
            if let Some(done) = PdfRecord::read(&record)
                && done.sha256 == sha256
                && image.is_file()
            {
                return Ok(Ok(done.words.len()));
            }
            let page = match reader.page(index) {
                Ok(page) => page,
                Err(reason) => return Ok(Err(reason)),
            };
            let content = PdfRecord::new(&name, index + 1, &sha256, &page);
            write_image(&image, &page.image)?;
            // Last, since a page counts as done when its record is there.
            write_json(&record, &content)?;
            Ok(Ok(content.words.len()))
        });
        pages.collect::<Result<Vec<Outcome>>>()
    });
    let chunks: Vec<Vec<Outcome>> = chunks.collect::<Result<_>>()?;
    Ok(FileOutcome {
        name,
        page_count,
        pages: Ok(chunks.concat()),
    })
}

/// Where a page's image and record go. Only `.pdf` is taken off the name, so that `a.pdf` and
/// `a.PDF` don't meet.
fn page_paths(output: &Path, file: &Path, index: usize) -> [PathBuf; 2] {
    let is_plain = file.extension().is_some_and(|e| e == "pdf");
    let stem = if is_plain {
        file.file_stem()
    } else {
        file.file_name()
    };
    [".png", ".json"].map(|ending| {
        let mut name: OsString = stem.unwrap_or_default().to_owned();
        name.push(format!("-{:04}{ending}", index + 1));
        output.join(file.with_file_name(name))
    })
}

pub(crate) fn is_pdf(path: &Path) -> bool {
    path.extension()
        .is_some_and(|e| e.eq_ignore_ascii_case("pdf"))
}

/// Files below a folder that are wanted, relative to it and in order. Linked folders are not
/// entered, since they may lead round in circles.
pub(crate) fn files_below(folder: &Path, wanted: &dyn Fn(&Path) -> bool) -> Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    let mut folders = vec![PathBuf::new()];
    while let Some(inner) = folders.pop() {
        let path = folder.join(&inner);
        for entry in fs::read_dir(&path).map_err(|e| Error::io(&path, e))? {
            let entry = entry.map_err(|e| Error::io(&path, e))?;
            let kind = entry.file_type().map_err(|e| Error::io(entry.path(), e))?;
            let name = inner.join(entry.file_name());
            if kind.is_dir() {
                folders.push(name);
            } else if wanted(&name) && folder.join(&name).is_file() {
                files.push(name);
            }
        }
    }
    files.sort();
    Ok(files)
}

fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        // Writing to a string can't fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

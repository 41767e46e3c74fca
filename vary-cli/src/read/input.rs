use std::collections::BTreeMap;
use std::fs;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, UNIX_EPOCH};

use anyhow::{Context, Result, bail, ensure};
use image::RgbImage;
use tempfile::NamedTempFile;
use vary_core::pipeline::{DecodeOptions, decode};
use vary_data::pdf::{PdfOptions, PdfWorker};

use super::format::Format;

/// What an input is read as, by its name when a folder is searched.
const EXTENSIONS: [&str; 7] = ["pdf", "png", "jpg", "jpeg", "webp", "bmp", "gif"];
/// Larger files are not read.
const MAX_BYTES: u64 = 512 << 20;
/// Where the mark of a PDF file is looked for.
const HEAD: u64 = 1024;
/// The name of the standard input.
pub const STDIN: &str = "-";

/// An input with the place of its output.
#[derive(Debug)]
pub struct Job {
    pub input: PathBuf,
    /// None for the standard output.
    pub output: Option<PathBuf>,
}

/// What is in an input.
pub enum Document {
    Image(Box<RgbImage>),
    Pdf(Pdf),
}

/// A PDF file. A process of its own reads it: what is wrong with it does not end the others.
pub struct Pdf {
    pub worker: PdfWorker,
    /// What came from the standard input, as a file.
    _copy: Option<NamedTempFile>,
}

impl Pdf {
    fn open(
        path: &Path,
        options: &PdfOptions,
        patience: impl Fn(Duration) -> bool + Send + 'static,
    ) -> Result<Self> {
        match PdfWorker::open(path, options, patience) {
            Ok(worker) => Ok(Self {
                worker,
                _copy: None,
            }),
            Err(vary_data::Error::Pdf { reason, .. }) => bail!("{reason}"),
            Err(error) => Err(error.into()),
        }
    }
}

/// The files of all inputs, with the places of their outputs.
pub fn jobs(inputs: &[PathBuf], output: Option<&Path>, format: Format) -> Result<Vec<Job>> {
    // Each file, and its path below the folder that was named.
    let mut files: Vec<(PathBuf, PathBuf)> = vec![];
    let mut folders = false;
    for input in inputs {
        if input.is_dir() {
            folders = true;
            let before = files.len();
            search(input, Path::new(""), &mut files)?;
            ensure!(
                files.len() > before,
                "{}: no image or PDF file in it",
                input.display()
            );
        } else {
            let name = match input.as_os_str() == STDIN {
                true => "stdin".into(),
                false => input.file_name().unwrap_or(input.as_os_str()).into(),
            };
            files.push((input.clone(), name));
        }
    }
    let Some(output) = output else {
        let job = |(input, _)| Job {
            input,
            output: None,
        };
        return Ok(files.into_iter().map(job).collect());
    };
    let ends = output.to_string_lossy().ends_with(['/', '\\']);
    if files.len() == 1 && !folders && !ends && !output.is_dir() {
        let input = files.remove(0).0;
        return Ok(vec![Job {
            input,
            output: Some(output.into()),
        }]);
    }
    let mut stems: BTreeMap<PathBuf, usize> = BTreeMap::new();
    for (_, below) in &files {
        *stems.entry(below.with_extension("")).or_default() += 1;
    }
    let job = |(input, below): (PathBuf, PathBuf)| {
        // a.png and a.pdf become a.png.txt and a.pdf.txt.
        let alone = stems.get(&below.with_extension("")) == Some(&1);
        let mut name = if alone {
            below.with_extension("")
        } else {
            below
        }
        .into_os_string();
        name.push(".");
        name.push(format.extension());
        Job {
            input,
            output: Some(output.join(name)),
        }
    };
    let jobs: Vec<Job> = files.into_iter().map(job).collect();
    apart(&jobs)?;
    Ok(jobs)
}

/// Checks that each job has an output of its own.
fn apart(jobs: &[Job]) -> Result<()> {
    let mut seen = BTreeMap::new();
    for Job { input, output } in jobs {
        if let Some(other) = seen.insert(output, input) {
            let (other, input) = (other.display(), input.display());
            bail!("{other} and {input} would be written to one file: read them separately");
        }
    }
    Ok(())
}

/// Images and PDF files below a folder, in the order of their names.
fn search(folder: &Path, below: &Path, files: &mut Vec<(PathBuf, PathBuf)>) -> Result<()> {
    let name = || folder.display().to_string();
    let entries = fs::read_dir(folder).with_context(name)?;
    let mut entries: Vec<_> = entries.collect::<Result<_, _>>().with_context(name)?;
    entries.sort_by_key(fs::DirEntry::file_name);
    for entry in entries {
        let (path, below) = (entry.path(), below.join(entry.file_name()));
        if entry.file_name().to_string_lossy().starts_with('.') {
            continue;
        }
        // Of the entry, not of what a link leads to: that could be a folder above.
        if entry.file_type().with_context(name)?.is_dir() {
            search(&path, &below, files)?;
            continue;
        }
        let extension = path.extension().map(|e| e.to_string_lossy().to_lowercase());
        if extension.is_some_and(|e| EXTENSIONS.contains(&e.as_str())) && path.is_file() {
            files.push((path, below));
        }
    }
    Ok(())
}

/// Whether bytes are the beginning of a PDF file. Some begin with other bytes.
fn is_pdf(head: &[u8]) -> bool {
    head.windows(5).any(|w| w == b"%PDF-")
}

/// Opens an input. `patience` is asked whether to wait longer for a PDF file or a page of one.
pub fn open(
    path: &Path,
    options: &PdfOptions,
    patience: impl Fn(Duration) -> bool + Send + 'static,
) -> Result<Document> {
    let mut bytes = vec![];
    let read = match path.as_os_str() == STDIN {
        true => std::io::stdin().take(MAX_BYTES + 1).read_to_end(&mut bytes),
        false => {
            // To open a pipe without a writer waits for one.
            let metadata = fs::metadata(path).context("cannot be read")?;
            ensure!(
                metadata.is_file(),
                "not a regular file; `-` reads the standard input"
            );
            let mut file = fs::File::open(path).context("cannot be read")?;
            let head = (&mut file).take(HEAD).read_to_end(&mut bytes);
            head.context("cannot be read")?;
            if is_pdf(&bytes) {
                return Ok(Document::Pdf(Pdf::open(path, options, patience)?));
            }
            file.take(MAX_BYTES + 1 - HEAD).read_to_end(&mut bytes)
        }
    };
    read.context("cannot be read")?;
    ensure!(
        bytes.len() as u64 <= MAX_BYTES,
        "it has more than {} MiB",
        MAX_BYTES >> 20
    );
    ensure!(!bytes.is_empty(), "it is empty");
    if is_pdf(&bytes[..bytes.len().min(HEAD as usize)]) {
        let mut copy = NamedTempFile::new().context("a temporary file")?;
        copy.write_all(&bytes).context("a temporary file")?;
        let pdf = Pdf::open(copy.path(), options, patience)?;
        return Ok(Document::Pdf(Pdf {
            _copy: Some(copy),
            ..pdf
        }));
    }
    Ok(Document::Image(Box::new(decode(
        &bytes,
        &DecodeOptions::default(),
    )?)))
}

/// Name, bytes and time of change of an input.
pub fn identity(path: &Path) -> String {
    let data = fs::metadata(path);
    let bytes = data.as_ref().map_or(0, fs::Metadata::len);
    let changed = data.and_then(|data| data.modified());
    let changed = changed
        .ok()
        .and_then(|time| time.duration_since(UNIX_EPOCH).ok());
    let changed = changed.map_or(0, |time| time.as_millis());
    format!("{} {bytes} {changed}", path.display())
}

/// Pages such as `1-3,7,9-`: counted from 1, in their order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PageRange(Vec<(usize, usize)>);

impl PageRange {
    /// Whether a page is among them.
    pub fn has(&self, page: usize) -> bool {
        self.0
            .iter()
            .any(|&(first, last)| (first..=last).contains(&page))
    }
}

impl std::str::FromStr for PageRange {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let number = |text: &str, default| match text.trim() {
            "" => Ok(default),
            text => text
                .parse()
                .map_err(|_| format!("`{text}` is not a number")),
        };
        let range = |part: &str| {
            let (first, last) = match part.split_once('-') {
                Some((first, last)) => (number(first, 1)?, number(last, usize::MAX)?),
                None => (number(part, 0)?, number(part, 0)?),
            };
            match first >= 1 && first <= last {
                true => Ok((first, last)),
                false => Err(format!("`{part}` is no range of pages: write 1-3,7")),
            }
        };
        text.split(',')
            .map(range)
            .collect::<Result<_, _>>()
            .map(Self)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn page_ranges() {
        let pages: PageRange = "1-3, 7,9-".parse().unwrap();
        let found: Vec<usize> = (1..12).filter(|&page| pages.has(page)).collect();
        assert_eq!(found, [1, 2, 3, 7, 9, 10, 11]);
        for text in ["", "0", "3-1", "a", "1-b", "0-2", "1,,2"] {
            assert!(text.parse::<PageRange>().is_err(), "{text}");
        }
    }

    #[test]
    fn outputs_have_names_of_their_own() {
        let dir = tempfile::tempdir().unwrap();
        fs::create_dir(dir.path().join("sub")).unwrap();
        for name in [
            "a.pdf",
            "a.png",
            "b.JPG",
            "notes.txt",
            ".hidden.png",
            "sub/a.png",
        ] {
            fs::write(dir.path().join(name), "x").unwrap();
        }
        let found = jobs(&[dir.path().into()], Some(Path::new("out")), Format::Text).unwrap();
        let outputs: Vec<_> = found.iter().filter_map(|job| job.output.as_ref()).collect();
        let expected = [
            "out/a.pdf.txt",
            "out/a.png.txt",
            "out/b.txt",
            "out/sub/a.txt",
        ];
        assert_eq!(
            outputs,
            expected.map(PathBuf::from).iter().collect::<Vec<_>>()
        );
        let one = jobs(&["x.pdf".into()], Some(Path::new("y.md")), Format::Markdown).unwrap();
        assert_eq!(one[0].output.as_deref(), Some(Path::new("y.md")));
        let same = [PathBuf::from("a/p.png"), "b/p.png".into()];
        assert!(jobs(&same, Some(Path::new("out")), Format::Text).is_err());
    }
}

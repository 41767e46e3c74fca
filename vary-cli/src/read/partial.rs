use std::fs::{self, File, OpenOptions};
use std::io::{BufRead, BufReader, BufWriter, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};
use tempfile::NamedTempFile;

use super::format::{Format, Writer};
use super::page::PageRecord;

/// What decides the content of a file; if anything of it changes, all pages are read again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Recipe {
    pub version: String,
    /// Name, bytes and time of change of the input.
    pub input: String,
    /// The options of reading.
    pub options: String,
}

/// The pages of a file that is not complete, as lines of JSON beside it: `NAME.part`.
pub struct Partial {
    path: PathBuf,
    target: PathBuf,
    file: BufWriter<File>,
    /// Pages that an earlier run has read.
    pub done: Vec<usize>,
}

impl Partial {
    /// Begins the file `target`, or resumes it if `resume` and an earlier run had the same recipe.
    pub fn open(target: &Path, recipe: &Recipe, resume: bool) -> Result<Self> {
        let path = part_of(target);
        let kept = match resume {
            true => read(&path, recipe),
            false => None,
        };
        let name = || path.display().to_string();
        let mut options = OpenOptions::new();
        let (file, done) = match kept {
            Some((bytes, done)) => {
                let file = options.append(true).open(&path).with_context(name)?;
                // A line that was cut off is read again.
                file.set_len(bytes).with_context(name)?;
                (BufWriter::new(file), done)
            }
            None => {
                let file = options.write(true).create(true).truncate(true);
                let mut file = BufWriter::new(file.open(&path).with_context(name)?);
                line(&mut file, recipe).with_context(name)?;
                (file, vec![])
            }
        };
        Ok(Self {
            target: target.into(),
            path,
            file,
            done,
        })
    }

    /// Adds a page.
    pub fn push(&mut self, page: &PageRecord) -> Result<()> {
        line(&mut self.file, page).with_context(|| self.path.display().to_string())
    }

    /// Writes the file in its format, under its name once it is complete. Returns how many pages
    /// could not be read.
    pub fn finish(mut self, format: Format, name: &str) -> Result<usize> {
        let shown = || self.target.display().to_string();
        self.file.flush().with_context(shown)?;
        let dir = self
            .target
            .parent()
            .filter(|dir| !dir.as_os_str().is_empty());
        let to = NamedTempFile::new_in(dir.unwrap_or(Path::new("."))).with_context(shown)?;
        let mut writer = Writer::new(format, BufWriter::new(to.as_file()), name)?;
        let mut failed = 0;
        let lines = BufReader::new(File::open(&self.path).with_context(shown)?).lines();
        for line in lines.skip(1) {
            let page: PageRecord = serde_json::from_str(&line.with_context(shown)?)?;
            failed += usize::from(page.error.is_some());
            writer.page(&page)?;
        }
        writer.finish()?;
        to.as_file().sync_all().with_context(shown)?;
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            // As a new file has it; temporary ones are the user's alone.
            let mode = fs::metadata(&self.path)
                .with_context(shown)?
                .permissions()
                .mode();
            let permissions = fs::Permissions::from_mode(mode);
            to.as_file()
                .set_permissions(permissions)
                .with_context(shown)?;
        }
        to.persist(&self.target).with_context(shown)?;
        fs::remove_file(&self.path).with_context(shown)?;
        Ok(failed)
    }
}

/// Where the pages of a file are until it is complete.
pub fn part_of(target: &Path) -> PathBuf {
    let mut path = target.as_os_str().to_owned();
    path.push(".part");
    path.into()
}

fn line(file: &mut impl Write, value: &impl Serialize) -> Result<()> {
    writeln!(file, "{}", serde_json::to_string(value)?)?;
    Ok(file.flush()?)
}

/// The bytes of the complete lines of an earlier run and its pages, up to the first that failed;
/// `None` if there is none with this recipe.
fn read(path: &Path, recipe: &Recipe) -> Option<(u64, Vec<usize>)> {
    let mut file = BufReader::new(File::open(path).ok()?);
    let (mut bytes, mut done, mut line) = (0, vec![], vec![]);
    while file.read_until(b'\n', &mut line).ok()? > 0 {
        if bytes == 0 {
            let found: Recipe = serde_json::from_slice(&line).ok()?;
            if found != *recipe {
                return None;
            }
        } else {
            match serde_json::from_slice::<PageRecord>(&line) {
                Ok(page) if page.error.is_none() && line.ends_with(b"\n") => done.push(page.page),
                // Cut off, or to be tried again.
                _ => break,
            }
        }
        bytes += line.len() as u64;
        line.clear();
    }
    (bytes > 0).then_some((bytes, done))
}

use std::fs::{self, File};
use std::io::{BufWriter, Cursor, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use image::ImageFormat;
use serde::{Deserialize, Serialize};
use tar::{Archive, Builder, EntryType, Header};

use super::cut::with_extension;
use super::{Line, LineWord};
use crate::{Error, Result};

/// Lines of a shard.
const LINES: usize = 10_000;

/// What stands beside the image of a line.
#[derive(Serialize, Deserialize)]
pub(super) struct Record {
    pub rows: [f32; 2],
    pub words: Vec<LineWord>,
}

/// Writes lines as tar shards in the layout of webdataset: `NUMBER.png` and `NUMBER.json`.
pub struct Shards {
    folder: PathBuf,
    shard: Option<Builder<BufWriter<File>>>,
    count: usize,
}

impl Shards {
    /// Shards in a folder that is new or empty.
    ///
    /// # Errors
    /// [`Error::Io`].
    pub fn create(folder: &Path) -> Result<Self> {
        fs::create_dir_all(folder).map_err(|e| Error::io(folder, e))?;
        if !with_extension(folder, "tar")?.is_empty() {
            let reason = "there are shards already; take another folder or remove them";
            return Err(Error::io(folder, std::io::Error::other(reason)));
        }
        Ok(Self {
            folder: folder.into(),
            shard: None,
            count: 0,
        })
    }

    fn path(&self) -> PathBuf {
        // A shard that is still written has another ending.
        self.folder
            .join(format!("{:04}.part", self.count.saturating_sub(1) / LINES))
    }

    /// Adds a line.
    ///
    /// # Errors
    /// [`Error::Io`].
    pub fn add(&mut self, line: &Line) -> Result<()> {
        if self.count.is_multiple_of(LINES) {
            self.close()?;
        }
        self.count += 1;
        let path = self.path();
        let io = |e| Error::io(&path, e);
        if self.shard.is_none() {
            self.shard = Some(Builder::new(BufWriter::new(
                File::create(&path).map_err(io)?,
            )));
        }
        let mut png = Cursor::new(vec![]);
        let written = line.image.write_to(&mut png, ImageFormat::Png);
        written.map_err(|e| io(std::io::Error::other(e)))?;
        let record = Record {
            rows: line.rows,
            words: line.words.clone(),
        };
        let json = serde_json::to_vec(&record).map_err(|e| io(e.into()))?;
        for (ending, bytes) in [("png", png.get_ref()), ("json", &json)] {
            let mut header = Header::new_gnu();
            header.set_size(bytes.len() as u64);
            header.set_mode(0o644);
            let name = format!("{:08}.{ending}", self.count);
            if let Some(shard) = &mut self.shard {
                shard
                    .append_data(&mut header, name, &bytes[..])
                    .map_err(io)?;
            }
        }
        Ok(())
    }

    fn close(&mut self) -> Result<()> {
        let path = self.path();
        let io = |e| Error::io(&path, e);
        if let Some(shard) = self.shard.take() {
            shard
                .into_inner()
                .and_then(|mut file| file.flush())
                .map_err(io)?;
            fs::rename(&path, path.with_extension("tar")).map_err(io)?;
        }
        Ok(())
    }

    /// Completes the last shard. Returns the number of lines.
    ///
    /// # Errors
    /// [`Error::Io`].
    pub fn finish(mut self) -> Result<usize> {
        self.close()?;
        Ok(self.count)
    }
}

/// The lines of shards, read one by one.
pub struct Lines {
    shards: Vec<PathBuf>,
    /// Shard, and offset and length of image and record.
    places: Vec<(u32, [(u64, u32); 2])>,
}

impl Lines {
    /// Opens the shards (`.tar`) below a folder.
    ///
    /// # Errors
    /// [`Error::Io`] for a shard that can't be read, and for a folder without lines.
    pub fn open(folder: &Path) -> Result<Self> {
        let mut lines = Self {
            shards: with_extension(folder, "tar")?,
            places: vec![],
        };
        for (number, shard) in lines.shards.iter().enumerate() {
            let io = |e| Error::io(shard, e);
            let mut archive = Archive::new(crate::file::open(shard).map_err(io)?);
            let mut image = None;
            for entry in archive.entries_with_seek().map_err(io)? {
                let entry = entry.map_err(io)?;
                if entry.header().entry_type() != EntryType::Regular {
                    continue;
                }
                let too_long = |_| io(std::io::Error::other("a file over 4 GiB"));
                let len = u32::try_from(entry.size()).map_err(too_long)?;
                let span = (entry.raw_file_position(), len);
                let path = entry.path().map_err(io)?;
                match path.extension().and_then(|e| e.to_str()) {
                    Some("png") => image = Some(span),
                    Some("json") => {
                        let places = image.take().map(|image| (number as u32, [image, span]));
                        lines.places.extend(places);
                    }
                    _ => {}
                }
            }
        }
        match lines.places.is_empty() {
            true => Err(Error::io(
                folder,
                std::io::Error::other("no shards with lines"),
            )),
            false => Ok(lines),
        }
    }

    /// Number of lines, at least 1.
    #[allow(clippy::len_without_is_empty)]
    pub fn len(&self) -> usize {
        self.places.len()
    }

    /// Reads a line.
    ///
    /// # Errors
    /// [`Error::Io`] or [`Error::Json`] naming the shard.
    ///
    /// # Panics
    /// If there is no such line.
    pub fn get(&self, index: usize) -> Result<Line> {
        let record = self.record(index)?;
        let png = self.bytes(index, 0)?;
        let image = image::load_from_memory_with_format(&png, ImageFormat::Png);
        let image = image.map_err(|e| Error::io(self.path(index), std::io::Error::other(e)))?;
        Ok(Line {
            image: image.into_luma8(),
            rows: record.rows,
            words: record.words,
        })
    }

    fn path(&self, index: usize) -> &Path {
        &self.shards[self.places[index].0 as usize]
    }

    pub(super) fn record(&self, index: usize) -> Result<Record> {
        let json = self.bytes(index, 1)?;
        serde_json::from_slice(&json).map_err(|source| Error::Json {
            file: self.path(index).into(),
            field: format!("line {index}"),
            source,
        })
    }

    /// The image of a line, or its record.
    fn bytes(&self, index: usize, which: usize) -> Result<Vec<u8>> {
        let path = self.path(index);
        let io = |e| Error::io(path, e);
        let (start, len) = self.places[index].1[which];
        let mut file = File::open(path).map_err(io)?;
        file.seek(SeekFrom::Start(start)).map_err(io)?;
        let mut bytes = vec![];
        // What is there is read, whatever length is declared.
        let read = file.take(u64::from(len)).read_to_end(&mut bytes);
        match read.map_err(io)? == len as usize {
            true => Ok(bytes),
            false => Err(io(std::io::Error::other("the shard is cut off"))),
        }
    }
}

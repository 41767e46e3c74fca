use std::collections::HashMap;
use std::path::{Path, PathBuf};

use tar::{Archive, EntryType};

use super::images::read_bytes;
use super::llava::Record;
use super::records::{bad_record, read_at};
use super::{Conversation, Dataset};
use crate::prompt::{IMAGE, Message, Task};
use crate::{Error, Result};

/// Tar shards in the layout of webdataset (<https://github.com/webdataset/webdataset>): the files
/// of a sample have the same name up to the first dot. A sample has an image (`.jpg`, `.jpeg`,
/// `.png`, `.webp`) and either a conversation (`.json`, a record of
/// [`Conversations`](super::Conversations) without `image`) or a caption (`.txt`). A conversation
/// may also have no image.
///
/// Opening reads each shard once to find its files; samples are then read by offset.
pub struct WebDataset {
    shards: Vec<PathBuf>,
    samples: Vec<Sample>,
    left_out: Vec<String>,
}

struct Sample {
    shard: usize,
    name: String,
    image: Option<Span>,
    text: Text,
}

/// Offset and length of a file in its shard, in bytes.
#[derive(Clone, Copy)]
struct Span(u64, u64);

#[derive(Clone, Copy)]
enum Text {
    Conversation(Span),
    Caption(Span),
}

#[derive(Default)]
struct Found {
    image: Option<Span>,
    json: Option<Span>,
    caption: Option<Span>,
}

impl WebDataset {
    /// Opens shards, in this order.
    ///
    /// # Errors
    /// [`Error::Io`] for a shard that can't be read, [`Error::Truncated`] for one that is cut,
    /// [`Error::Record`] for a conversation of another form, [`Error::EmptySet`].
    pub fn open<P: AsRef<Path>>(shards: impl IntoIterator<Item = P>) -> Result<Self> {
        let mut set = Self {
            shards: vec![],
            samples: vec![],
            left_out: vec![],
        };
        for shard in shards {
            set.add(shard.as_ref())?;
        }
        for sample in &set.samples {
            if matches!(sample.text, Text::Conversation(_)) {
                set.messages(sample)?;
            }
        }
        match set.samples.is_empty() {
            true => Err(Error::EmptySet {
                path: set.shards.into_iter().next().unwrap_or_default(),
            }),
            false => Ok(set),
        }
    }

    fn add(&mut self, shard: &Path) -> Result<()> {
        let number = self.shards.len();
        self.shards.push(shard.into());
        for (name, found) in list_files(shard)? {
            let text = match (found.json, found.caption, found.image) {
                (Some(json), _, _) => Text::Conversation(json),
                (None, Some(caption), Some(_)) => Text::Caption(caption),
                (None, _, image) => {
                    let missing = match image {
                        Some(_) => "no .json or .txt",
                        None => "no image",
                    };
                    let shard = shard.display();
                    self.left_out.push(format!("{shard}: {name} has {missing}"));
                    continue;
                }
            };
            self.samples.push(Sample {
                shard: number,
                name,
                image: found.image,
                text,
            });
        }
        Ok(())
    }

    fn read(&self, sample: &Sample, Span(start, len): Span) -> Result<Vec<u8>> {
        read_at(&self.shards[sample.shard], start, len)
    }

    fn messages(&self, sample: &Sample) -> Result<Vec<Message>> {
        // For messages, a sample is a file of its own inside the shard.
        let path = self.shards[sample.shard].join(&sample.name);
        match sample.text {
            Text::Conversation(span) => {
                let record = Record::parse(&path, 0, &self.read(sample, span)?)?;
                record.check_placeholders(&path, 0, usize::from(sample.image.is_some()))?;
                Ok(record.conversations)
            }
            Text::Caption(span) => {
                let caption = String::from_utf8(self.read(sample, span)?)
                    .map_err(|_| bad_record(&path, 0, ".", "the caption is not UTF-8"))?;
                Ok(vec![
                    Message::human(format!("{IMAGE}\n{}", Task::Describe)),
                    Message::gpt(caption.trim()),
                ])
            }
        }
    }
}

/// The files of each sample of a shard, in the order of the samples' first files.
fn list_files(shard: &Path) -> Result<Vec<(String, Found)>> {
    let io = |e| Error::io(shard, e);
    let file = crate::file::open(shard).map_err(io)?;
    let size = file.metadata().map_err(io)?.len();
    let mut archive = Archive::new(file);
    let mut samples: Vec<(String, Found)> = vec![];
    let mut places: HashMap<String, usize> = HashMap::new();
    for entry in archive.entries_with_seek().map_err(io)? {
        let entry = entry.map_err(io)?;
        if entry.header().entry_type() != EntryType::Regular {
            continue;
        }
        let span = Span(entry.raw_file_position(), entry.size());
        let needed = span.0.saturating_add(span.1);
        if needed > size {
            return Err(Error::Truncated {
                path: shard.into(),
                needed,
                found: size,
            });
        }
        let name = entry.path().map_err(io)?.to_string_lossy().into_owned();
        let base = name.rfind('/').map_or(0, |slash| slash + 1);
        let Some(dot) = name[base..].find('.').map(|dot| base + dot) else {
            continue;
        };
        let (key, kind) = (name[..dot].to_owned(), name[dot + 1..].to_lowercase());
        let place = *places.entry(key.clone()).or_insert(samples.len());
        if place == samples.len() {
            samples.push((key, Found::default()));
        }
        let found = &mut samples[place].1;
        match kind.as_str() {
            "jpg" | "jpeg" | "png" | "webp" => found.image = Some(span),
            "json" => found.json = Some(span),
            "txt" => found.caption = Some(span),
            _ => {}
        }
    }
    Ok(samples)
}

impl Dataset for WebDataset {
    fn len(&self) -> usize {
        self.samples.len()
    }

    fn get(&self, index: usize, _epoch: u64) -> Result<Conversation> {
        let sample = &self.samples[index];
        let origin = format!("{}: {}", self.shards[sample.shard].display(), sample.name);
        let image = |span| read_bytes(&self.read(sample, span)?, &origin);
        let image = sample.image.map(image).transpose()?;
        Ok(Conversation {
            images: image.into_iter().collect(),
            messages: self.messages(sample)?,
            accepted: vec![],
            origin,
        })
    }

    fn left_out(&self) -> &[String] {
        &self.left_out
    }
}

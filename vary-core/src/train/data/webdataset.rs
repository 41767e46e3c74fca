use std::collections::BTreeMap;
use std::fs::File;
use std::path::{Path, PathBuf};

use tar::{Archive, EntryType};

use super::llava::Record;
use super::pictures::read_bytes;
use super::records::{bad_record, read_at};
use super::{Conversation, Dataset};
use crate::prompt::{IMAGE, Message, Task};
use crate::{Error, Result};

/// Tar shards in the layout of webdataset (<https://github.com/webdataset/webdataset>): the files of a
/// sample have the same name up to the first dot. A sample has a picture (`.jpg`, `.jpeg`, `.png`,
/// `.webp`) and a conversation, `.json` as a record of [`Conversations`](super::Conversations) without
/// `image`, or a caption, `.txt`; a conversation may also stand alone.
///
/// Shards are read once to find the files in them, and from then on at their places.
pub struct WebDataset {
    shards: Vec<PathBuf>,
    samples: Vec<Sample>,
    left_out: Vec<String>,
}

struct Sample {
    shard: usize,
    name: String,
    picture: Option<Part>,
    text: Part,
    caption: bool,
}

/// Offset and length of a file in its shard.
#[derive(Clone, Copy)]
struct Part(u64, u64);

#[derive(Default)]
struct Found {
    picture: Option<Part>,
    json: Option<Part>,
    caption: Option<Part>,
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
        for sample in set.samples.iter().filter(|sample| !sample.caption) {
            set.conversation(sample)?;
        }
        match set.samples.is_empty() {
            true => Err(Error::EmptySet {
                path: set.shards.into_iter().next().unwrap_or_default(),
            }),
            false => Ok(set),
        }
    }

    fn add(&mut self, shard: &Path) -> Result<()> {
        let io = |e| Error::io(shard, e);
        let file = File::open(shard).map_err(io)?;
        let size = file.metadata().map_err(io)?.len();
        let mut archive = Archive::new(file);
        // Samples in the order of their first file.
        let (mut order, mut found): (Vec<String>, BTreeMap<String, Found>) = Default::default();
        for entry in archive.entries_with_seek().map_err(io)? {
            let entry = entry.map_err(io)?;
            if entry.header().entry_type() != EntryType::Regular {
                continue;
            }
            let part = Part(entry.raw_file_position(), entry.size());
            let needed = part.0.saturating_add(part.1);
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
            let sample = found.entry(key.clone()).or_insert_with(|| {
                order.push(key);
                Found::default()
            });
            match kind.as_str() {
                "jpg" | "jpeg" | "png" | "webp" => sample.picture = Some(part),
                "json" => sample.json = Some(part),
                "txt" => sample.caption = Some(part),
                _ => {}
            }
        }
        let number = self.shards.len();
        self.shards.push(shard.into());
        for name in order {
            let Some(Found {
                picture,
                json,
                caption,
            }) = found.remove(&name)
            else {
                continue;
            };
            let text = match (json, caption, picture) {
                (Some(json), _, _) => Some((json, false)),
                (None, Some(caption), Some(_)) => Some((caption, true)),
                _ => None,
            };
            let Some((text, caption)) = text else {
                let missing = match picture {
                    Some(_) => "no .json or .txt",
                    None => "no picture",
                };
                let shard = shard.display();
                self.left_out.push(format!("{shard}: {name} has {missing}"));
                continue;
            };
            self.samples.push(Sample {
                shard: number,
                name,
                picture,
                text,
                caption,
            });
        }
        Ok(())
    }

    fn read(&self, sample: &Sample, Part(start, len): Part) -> Result<Vec<u8>> {
        read_at(&self.shards[sample.shard], start, len)
    }

    fn conversation(&self, sample: &Sample) -> Result<Vec<Message>> {
        // The sample is the record: a file of its own inside the shard.
        let place = self.shards[sample.shard].join(&sample.name);
        let text = self.read(sample, sample.text)?;
        if !sample.caption {
            let record = Record::parse(&place, 0, &text)?;
            record.check_places(&place, 0, usize::from(sample.picture.is_some()))?;
            return Ok(record.conversations);
        }
        let caption = String::from_utf8(text)
            .map_err(|_| bad_record(&place, 0, ".", "the caption is not UTF-8"))?;
        Ok(vec![
            Message::human(format!("{IMAGE}\n{}", Task::Describe)),
            Message::gpt(caption.trim()),
        ])
    }
}

impl Dataset for WebDataset {
    fn len(&self) -> usize {
        self.samples.len()
    }

    fn get(&self, index: usize, _epoch: u64) -> Result<Conversation> {
        let sample = &self.samples[index];
        let origin = format!("{}: {}", self.shards[sample.shard].display(), sample.name);
        let picture = |part| read_bytes(&self.read(sample, part)?, &origin);
        let found = sample.picture.map(picture).transpose()?;
        Ok(Conversation {
            pictures: found.into_iter().collect(),
            messages: self.conversation(sample)?,
            accepted: vec![],
            origin,
        })
    }

    fn left_out(&self) -> &[String] {
        &self.left_out
    }
}

use std::fmt;
use std::path::{Path, PathBuf};

use serde::de::{self, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};
use vary_data::path::inside;

use super::records::{JsonRecords, bad_record, origin, parse};
use super::{Conversation, Dataset, read_image};
use crate::Result;
use crate::prompt::{IMAGE, Message};

/// Conversations in LLaVA's JSON, the format that Vary is trained on: a list (or JSON Lines) of
///
/// ```json
/// {"image": "a/b.png", "conversations": [
///     {"from": "human", "value": "<image>\nWhat is this?"}, {"from": "gpt", "value": "A cat."}]}
/// ```
///
/// `image` is a path in the folder of images, or a list of paths; the messages have one `<image>`
/// for each. A record without `image`, or a bare list of turns, is text alone. Other fields are
/// ignored.
pub struct Conversations {
    records: JsonRecords,
    images: PathBuf,
}

impl Conversations {
    /// Opens the file `json`, whose images are in the folder `images`. Reads all of it once to
    /// check it, and keeps 16 bytes for each record.
    ///
    /// # Errors
    /// [`Error::Record`](crate::Error::Record) naming record and field,
    /// [`Error::EmptySet`](crate::Error::EmptySet), [`Error::Io`](crate::Error::Io).
    pub fn open(json: impl AsRef<Path>, images: impl Into<PathBuf>) -> Result<Self> {
        let (json, images) = (json.as_ref(), images.into());
        let check = |number: usize, text: &[u8]| {
            Record::read(json, number, text)?
                .paths(&images, json, number)
                .map(|_| ())
        };
        Ok(Self {
            records: JsonRecords::open(json, check)?,
            images,
        })
    }
}

impl Dataset for Conversations {
    fn len(&self) -> usize {
        self.records.len()
    }

    fn get(&self, index: usize, _epoch: u64) -> Result<Conversation> {
        let path = self.records.path();
        let record = Record::read(path, index, &self.records.read(index)?)?;
        let origin = origin(path, index);
        let paths = record.paths(&self.images, path, index)?;
        let read = |file: &PathBuf| read_image(file, &origin);
        Ok(Conversation {
            images: paths.iter().map(read).collect::<Result<_>>()?,
            messages: record.conversations,
            accepted: vec![],
            origin,
        })
    }
}

/// A record of the file.
#[derive(Deserialize)]
pub(super) struct Record {
    #[serde(default, deserialize_with = "one_or_many")]
    image: Vec<String>,
    pub conversations: Vec<Message>,
}

impl Record {
    /// # Errors
    /// [`Error::Record`](crate::Error::Record), also where `<image>` and the images do not match.
    pub fn read(path: &Path, number: usize, text: &[u8]) -> Result<Self> {
        let record = Self::parse(path, number, text)?;
        record.check_placeholders(path, number, record.image.len())?;
        Ok(record)
    }

    /// A record, or a bare list of turns.
    pub fn parse(path: &Path, number: usize, text: &[u8]) -> Result<Self> {
        Ok(match text.trim_ascii_start().first() {
            Some(b'[') => Self {
                image: vec![],
                conversations: parse(path, number, text)?,
            },
            _ => parse(path, number, text)?,
        })
    }

    /// Checks that the messages have one placeholder for each of the `images`.
    pub fn check_placeholders(&self, path: &Path, number: usize, images: usize) -> Result<()> {
        let values = self.conversations.iter().map(|m| m.value.matches(IMAGE));
        let found: usize = values.map(Iterator::count).sum();
        if found == images {
            return Ok(());
        }
        let reason =
            format!("has `{IMAGE}` {found} times for {images} images; write it once for each");
        Err(bad_record(path, number, "conversations", reason))
    }

    /// Files of the images.
    fn paths(&self, images: &Path, path: &Path, number: usize) -> Result<Vec<PathBuf>> {
        let file = |name: &String| {
            inside(images, name).map_err(|e| bad_record(path, number, "image", e.to_string()))
        };
        self.image.iter().map(file).collect()
    }
}

/// A path, a list of paths, or null.
fn one_or_many<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<String>, D::Error> {
    struct Paths;
    impl<'de> Visitor<'de> for Paths {
        type Value = Vec<String>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a path or a list of paths")
        }
        fn visit_str<E: de::Error>(self, path: &str) -> Result<Vec<String>, E> {
            Ok(vec![path.to_owned()])
        }
        fn visit_unit<E: de::Error>(self) -> Result<Vec<String>, E> {
            Ok(vec![])
        }
        fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Vec<String>, A::Error> {
            let mut paths = vec![];
            while let Some(path) = list.next_element()? {
                paths.push(path);
            }
            Ok(paths)
        }
    }
    deserializer.deserialize_any(Paths)
}

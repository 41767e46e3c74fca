use std::io::{BufRead, BufReader, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use serde::de::DeserializeOwned;

use crate::{Error, Result};

/// The records of a JSON list, or of JSON Lines (`.jsonl`): where each is in the file, so that a
/// file larger than memory can be read record by record.
pub(super) struct JsonRecords {
    path: PathBuf,
    /// Offset and length in bytes.
    places: Vec<(u64, u32)>,
}

impl JsonRecords {
    /// Reads the file once; `check` sees every record.
    ///
    /// # Errors
    /// [`Error::Io`], [`Error::Record`] for text that is not such a list and for what `check`
    /// refuses, [`Error::EmptySet`].
    pub fn open(
        path: impl AsRef<Path>,
        mut check: impl FnMut(usize, &[u8]) -> Result<()>,
    ) -> Result<Self> {
        let path = path.as_ref();
        let io = |e| Error::io(path, e);
        let lines = path.extension().is_some_and(|e| e == "jsonl");
        let mut reader = BufReader::with_capacity(1 << 20, crate::file::open(path).map_err(io)?);
        let mut scanner = Scanner::new(lines);
        let mut places = vec![];
        loop {
            let bytes = reader.fill_buf().map_err(io)?;
            if bytes.is_empty() {
                break;
            }
            let len = bytes.len();
            for &byte in bytes {
                let number = places.len();
                let wrong = |reason| bad_record(path, number, ".", reason);
                if let Some(start) = scanner.next(byte).map_err(wrong)? {
                    let size = u32::try_from(scanner.record.len())
                        .map_err(|_| wrong("it is over 4 GiB"))?;
                    check(number, &scanner.record)?;
                    places.push((start, size));
                    scanner.record.clear();
                }
            }
            reader.consume(len);
        }
        let ended = scanner.end();
        ended.map_err(|reason| bad_record(path, places.len(), ".", reason))?;
        match places.is_empty() {
            true => Err(Error::EmptySet { path: path.into() }),
            false => Ok(Self {
                path: path.into(),
                places,
            }),
        }
    }

    pub fn len(&self) -> usize {
        self.places.len()
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The text of a record.
    pub fn read(&self, index: usize) -> Result<Vec<u8>> {
        let (start, len) = self.places[index];
        read_at(&self.path, start, u64::from(len))
    }
}

/// A part of a file.
pub(super) fn read_at(path: &Path, start: u64, len: u64) -> Result<Vec<u8>> {
    let io = |e| Error::io(path, e);
    let mut file = crate::file::open(path).map_err(io)?;
    file.seek(SeekFrom::Start(start)).map_err(io)?;
    let mut bytes = vec![0; usize::try_from(len).unwrap_or(usize::MAX)];
    file.read_exact(&mut bytes).map_err(io)?;
    Ok(bytes)
}

/// How messages name a record.
pub(super) fn origin(path: &Path, record: usize) -> String {
    format!("{}: record {record}", path.display())
}

pub(super) fn bad_record(
    path: &Path,
    record: usize,
    field: impl Into<String>,
    reason: impl Into<String>,
) -> Error {
    Error::Record {
        path: path.into(),
        record,
        field: field.into(),
        reason: reason.into(),
    }
}

/// Reads a record's fields; an error names the field.
pub(super) fn parse<T: DeserializeOwned>(path: &Path, record: usize, text: &[u8]) -> Result<T> {
    let mut json = serde_json::Deserializer::from_slice(text);
    let value = serde_path_to_error::deserialize(&mut json).map_err(|error| {
        let field = error.path().to_string();
        bad_record(path, record, field, error.into_inner().to_string())
    })?;
    json.end()
        .map_err(|e| bad_record(path, record, ".", e.to_string()))?;
    Ok(value)
}

/// Finds the records in a stream of bytes: it knows strings and brackets, and leaves everything
/// else to the JSON reader.
struct Scanner {
    /// A record a line, without a list around them.
    lines: bool,
    offset: u64,
    place: Place,
    /// Bytes of the record that is being read.
    record: Vec<u8>,
    start: u64,
    depth: usize,
    string: bool,
    escaped: bool,
}

#[derive(PartialEq)]
enum Place {
    BeforeList,
    BetweenRecords,
    InRecord,
    AfterRecord,
    AfterList,
}

const BOM: [u8; 3] = [0xef, 0xbb, 0xbf];

impl Scanner {
    fn new(lines: bool) -> Self {
        Self {
            lines,
            offset: 0,
            place: match lines {
                true => Place::BetweenRecords,
                false => Place::BeforeList,
            },
            record: vec![],
            start: 0,
            depth: 0,
            string: false,
            escaped: false,
        }
    }

    /// Takes a byte. If it ends a record, which `record` then holds, returns the offset of its
    /// start.
    fn next(&mut self, byte: u8) -> Result<Option<u64>, &'static str> {
        let at = self.offset;
        self.offset += 1;
        if at < 3 && byte == BOM[at as usize] {
            return Ok(None);
        }
        let blank = byte.is_ascii_whitespace();
        match self.place {
            Place::BeforeList if blank => {}
            Place::BeforeList if byte == b'[' => self.place = Place::BetweenRecords,
            Place::BeforeList => return Err("the file is not a JSON list (`[..]`)"),
            Place::BetweenRecords if blank => {}
            Place::BetweenRecords if byte == b']' && !self.lines => self.place = Place::AfterList,
            Place::BetweenRecords if byte == b'{' || byte == b'[' => {
                (self.place, self.start) = (Place::InRecord, at);
                return Ok(self.inside(byte));
            }
            Place::BetweenRecords => return Err("it is not a JSON object or list"),
            Place::InRecord => return Ok(self.inside(byte)),
            Place::AfterRecord if blank => {}
            Place::AfterRecord if byte == b',' => self.place = Place::BetweenRecords,
            Place::AfterRecord if byte == b']' => self.place = Place::AfterList,
            Place::AfterRecord => return Err("there is no comma before it"),
            Place::AfterList if blank => {}
            Place::AfterList => return Err("there is text after the list"),
        }
        Ok(None)
    }

    fn inside(&mut self, byte: u8) -> Option<u64> {
        self.record.push(byte);
        match byte {
            _ if self.escaped => self.escaped = false,
            b'\\' if self.string => self.escaped = true,
            b'"' => self.string = !self.string,
            b'{' | b'[' if !self.string => self.depth += 1,
            b'}' | b']' if !self.string => self.depth -= 1,
            _ => {}
        }
        if self.depth > 0 {
            return None;
        }
        self.place = match self.lines {
            true => Place::BetweenRecords,
            false => Place::AfterRecord,
        };
        Some(self.start)
    }

    /// The end of the file.
    fn end(&self) -> Result<(), &'static str> {
        match (&self.place, self.lines) {
            (Place::InRecord, _) => Err("the file ends inside it"),
            (Place::BetweenRecords, true) | (Place::AfterList, _) => Ok(()),
            _ => {
                Err("the file ends before the list does; it is incomplete: write or fetch it again")
            }
        }
    }
}

//! JSON files. Lists are read record by record, so that a large file is never held as a whole;
//! errors name the field.

use std::fmt;
use std::fs::File;
use std::io::{BufRead, BufReader};
use std::marker::PhantomData;
use std::path::Path;

use serde::de::{self, Deserialize, DeserializeSeed, Deserializer, IgnoredAny, MapAccess};
use serde::de::{SeqAccess, Visitor};

use crate::error::{Error, Result};

/// Opens a text file behind its byte order mark, if it has one.
pub(crate) fn open_text(file: &Path) -> Result<BufReader<File>> {
    let opened = crate::file::open(file).map_err(|e| Error::io(file, e))?;
    let mut reader = BufReader::with_capacity(1 << 16, opened);
    let start = reader.fill_buf().map_err(|e| Error::io(file, e))?;
    if start.starts_with(b"\xef\xbb\xbf") {
        reader.consume(3);
    }
    Ok(reader)
}

/// Reads all of `file`.
pub(crate) fn read<T: for<'de> Deserialize<'de>>(file: &Path) -> Result<T> {
    parse(file, PhantomData::<T>, PhantomData::<T>)
}

/// Reads `file` as a `Head`, which skips the list under `key`. Where broken JSON in that list is
/// the trouble, the list is gone through as `Item`s, to name the field and not only the list.
pub(crate) fn read_head<Head, Item>(file: &Path, key: &'static str) -> Result<Head>
where
    Head: for<'de> Deserialize<'de>,
    Item: for<'de> Deserialize<'de>,
{
    read::<Head>(file).map_err(|error| match error {
        Error::Json { ref field, .. } if field.starts_with(key) => {
            each_under(file, key, |_, _: Item| {})
                .err()
                .unwrap_or(error)
        }
        error => error,
    })
}

/// Hands each element of the list under `key` of the object in `file` to `sink`, with its index.
pub(crate) fn each_under<T: for<'de> Deserialize<'de>>(
    file: &Path,
    key: &'static str,
    sink: impl FnMut(usize, T),
) -> Result<()> {
    let ignore = Under(key, Items::new(|_, _: T| {}));
    parse(file, Under(key, Items::new(sink)), ignore)
}

/// Hands each element of the list that `file` is to `sink`, with its index.
pub(crate) fn each<T: for<'de> Deserialize<'de>>(
    file: &Path,
    sink: impl FnMut(usize, T),
) -> Result<()> {
    parse(file, Items::new(sink), Items::new(|_, _: T| {}))
}

/// Parses with `seed`. Where that fails, the file is parsed once more with `again`, which keeps
/// nothing, to name the field: keeping track of the path all along costs more than parsing.
fn parse<V, S, R>(file: &Path, seed: S, again: R) -> Result<V>
where
    S: for<'de> DeserializeSeed<'de, Value = V>,
    R: for<'de> DeserializeSeed<'de>,
{
    let mut json = serde_json::Deserializer::from_reader(open_text(file)?);
    let result = seed
        .deserialize(&mut json)
        .and_then(|value| json.end().map(|()| value));
    let source = match result {
        Ok(value) => return Ok(value),
        Err(e) if e.is_io() => return Err(Error::io(file, e.into())),
        Err(e) => e,
    };
    let mut json = serde_json::Deserializer::from_reader(open_text(file)?);
    let mut track = serde_path_to_error::Track::new();
    let tracked = serde_path_to_error::Deserializer::new(&mut json, &mut track);
    let field = match again.deserialize(tracked) {
        // "." is the path of the file as a whole.
        Err(_) => match track.path().to_string() {
            path if path == "." => String::new(),
            path => path,
        },
        Ok(_) => String::new(),
    };
    Err(Error::Json {
        file: file.to_owned(),
        field,
        source,
    })
}

/// The elements of a list, handed on one by one.
struct Items<F, T> {
    sink: F,
    item: PhantomData<T>,
}

impl<F: FnMut(usize, T), T> Items<F, T> {
    fn new(sink: F) -> Self {
        Self {
            sink,
            item: PhantomData,
        }
    }
}

impl<'de, F: FnMut(usize, T), T: Deserialize<'de>> DeserializeSeed<'de> for Items<F, T> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_seq(self)
    }
}

impl<'de, F: FnMut(usize, T), T: Deserialize<'de>> Visitor<'de> for Items<F, T> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list")
    }

    fn visit_seq<A: SeqAccess<'de>>(mut self, mut seq: A) -> Result<(), A::Error> {
        let mut index = 0;
        while let Some(item) = seq.next_element()? {
            (self.sink)(index, item);
            index += 1;
        }
        Ok(())
    }
}

/// What `1` finds under the key `0` of an object; everything else in the object is skipped.
struct Under<S>(&'static str, S);

impl<'de, S: DeserializeSeed<'de>> DeserializeSeed<'de> for Under<S> {
    type Value = S::Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<S::Value, D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de, S: DeserializeSeed<'de>> Visitor<'de> for Under<S> {
    type Value = S::Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "an object with `{}`", self.0)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<S::Value, A::Error> {
        let Self(wanted, seed) = self;
        let mut seed = Some(seed);
        let mut value = None;
        while let Some(key) = map.next_key::<String>()? {
            if key != wanted {
                map.next_value::<IgnoredAny>()?;
            } else if let Some(seed) = seed.take() {
                value = Some(map.next_value_seed(seed)?);
            } else {
                return Err(de::Error::duplicate_field(wanted));
            }
        }
        value.ok_or_else(|| de::Error::missing_field(wanted))
    }
}

/// The four numbers of a box. `null`, which some writers put for NaN, reads as NaN.
#[derive(Debug, Clone, Copy, serde::Deserialize)]
#[serde(from = "[Option<f64>; 4]")]
pub(crate) struct Numbers(pub [f64; 4]);

impl From<[Option<f64>; 4]> for Numbers {
    fn from(given: [Option<f64>; 4]) -> Self {
        Self(given.map(|v| v.unwrap_or(f64::NAN)))
    }
}

/// A yes or no, as `true`/`false` or, as COCO writes it, 1 and 0.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Flag(pub bool);

impl<'de> Deserialize<'de> for Flag {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct FlagVisitor;
        impl Visitor<'_> for FlagVisitor {
            type Value = Flag;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("0, 1, true or false")
            }

            fn visit_bool<E: de::Error>(self, v: bool) -> Result<Flag, E> {
                Ok(Flag(v))
            }

            fn visit_u64<E: de::Error>(self, v: u64) -> Result<Flag, E> {
                match v {
                    0 => Ok(Flag(false)),
                    1 => Ok(Flag(true)),
                    _ => Err(E::invalid_value(de::Unexpected::Unsigned(v), &self)),
                }
            }
        }
        deserializer.deserialize_any(FlagVisitor)
    }
}

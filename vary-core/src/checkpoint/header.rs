//! The header of a safetensors file, validated before use.

use std::collections::BTreeMap;
use std::fmt;
use std::io::Read;
use std::marker::PhantomData;
use std::path::Path;

use safetensors::tensor::TensorInfo;
use serde::de::{Deserialize, DeserializeOwned, Deserializer, MapAccess, Visitor};
use serde_json::Value;

use crate::error::{Error, Result};

/// Size in bytes of the length before the header.
const PREFIX: u64 = 8;
/// Maximum size of a header in bytes, as in the reference implementation.
const MAX_HEADER: u64 = 100_000_000;
const METADATA: &str = "__metadata__";

/// A JSON object with its entries in order, repeated keys included.
pub(super) struct Entries<T>(pub Vec<(String, T)>);

/// Reads and checks the header of the file `path` of `size` bytes: tensors in the order of their
/// bytes, with offsets from the start of the file.
pub(super) fn read_header(
    path: &Path,
    from: &mut impl Read,
    size: u64,
) -> Result<Vec<(String, TensorInfo)>> {
    let length = read_length(path, from, size)?;
    let bad = |reason: String| Error::BadHeader {
        path: path.into(),
        reason,
    };
    let mut json = vec![0; length as usize];
    from.read_exact(&mut json)
        .map_err(|source| Error::io(path, source))?;
    if json.first() != Some(&b'{') {
        let reason = "not a safetensors file (its header is not a JSON object)";
        return Err(Error::UnknownFormat {
            path: path.into(),
            reason,
        });
    }

    let Entries(entries) =
        serde_json::from_slice::<Entries<Value>>(&json).map_err(|e| bad(e.to_string()))?;
    let mut tensors = Vec::with_capacity(entries.len());
    for (name, value) in entries {
        if name == METADATA {
            serde_json::from_value::<BTreeMap<String, String>>(value)
                .map_err(|e| bad(format!("metadata: {e}")))?;
            continue;
        }
        match serde_json::from_value::<TensorInfo>(value) {
            Ok(info) => tensors.push((name, info)),
            Err(error) => return Err(bad_tensor(path, name, error.to_string())),
        }
    }
    check(path, tensors, PREFIX + length, size)
}

/// Reads the length of the header in bytes and compares it with the `size` of the file.
fn read_length(path: &Path, from: &mut impl Read, size: u64) -> Result<u64> {
    if size == 0 {
        return Err(Error::EmptyFile { path: path.into() });
    }
    if size < PREFIX {
        return Err(Error::Truncated {
            path: path.into(),
            needed: PREFIX,
            found: size,
        });
    }

    let mut prefix = [0; PREFIX as usize];
    from.read_exact(&mut prefix)
        .map_err(|source| Error::io(path, source))?;
    let length = u64::from_le_bytes(prefix);
    let data = PREFIX.saturating_add(length);
    // Only if it is not a possible length: that of a header of 640 bytes starts like a pickle.
    if let Some(reason) = other_format(&prefix).filter(|_| length > MAX_HEADER || data > size) {
        return Err(Error::UnknownFormat {
            path: path.into(),
            reason,
        });
    }
    if length > MAX_HEADER {
        let reason =
            format!("its declared size of {length} bytes is over the limit of {MAX_HEADER}");
        return Err(Error::BadHeader {
            path: path.into(),
            reason,
        });
    }
    if data > size {
        return Err(Error::Truncated {
            path: path.into(),
            needed: data,
            found: size,
        });
    }
    Ok(length)
}

/// Checks that names are distinct and that the tensors tile the file from `data` to its end.
fn check(
    path: &Path,
    mut tensors: Vec<(String, TensorInfo)>,
    data: u64,
    size: u64,
) -> Result<Vec<(String, TensorInfo)>> {
    tensors.sort_by(|(a, _), (b, _)| a.cmp(b));
    if let Some([(name, _), _]) = tensors.array_windows().find(|[(a, _), (b, _)]| a == b) {
        return Err(bad_tensor(path, name.clone(), "listed twice".into()));
    }
    tensors.sort_by_key(|(_, info)| info.data_offsets);

    let mut end = 0;
    for (name, info) in &mut tensors {
        let fail = |reason: String| Err(bad_tensor(path, name.clone(), reason));
        let (from, to) = info.data_offsets;
        if to < from {
            return fail(format!("bytes {from}..{to} end before they start"));
        }
        if from < end {
            return fail(format!(
                "bytes {from}..{to} overlap the tensor before, up to {end}"
            ));
        }
        if from > end {
            return fail(format!("bytes {end}..{from} before it belong to no tensor"));
        }
        let bits = info
            .shape
            .iter()
            .try_fold(info.dtype.bitsize(), |n, dim| n.checked_mul(*dim));
        if bits.is_none_or(|bits| bits % 8 != 0 || bits / 8 != to - from) {
            let (dtype, shape, bytes) = (info.dtype, &info.shape, to - from);
            return fail(format!(
                "{dtype} of shape {shape:?} does not take {bytes} bytes"
            ));
        }
        end = to;
    }
    let needed = data.saturating_add(end as u64);
    if needed > size {
        return Err(Error::Truncated {
            path: path.into(),
            needed,
            found: size,
        });
    }
    if needed < size {
        let reason = format!("{} bytes after the last tensor", size - needed);
        return Err(Error::BadHeader {
            path: path.into(),
            reason,
        });
    }
    for (
        _,
        TensorInfo {
            data_offsets: (from, to),
            ..
        },
    ) in &mut tensors
    {
        (*from, *to) = (*from + data as usize, *to + data as usize);
    }
    Ok(tensors)
}

fn bad_tensor(path: &Path, tensor: String, reason: String) -> Error {
    Error::BadTensor {
        path: path.into(),
        tensor,
        reason,
    }
}

/// The other format that a file starting with these bytes has.
fn other_format(start: &[u8; 8]) -> Option<&'static str> {
    match start {
        b"version " => Some("a Git LFS pointer; run `git lfs pull`"),
        [b'P', b'K', 3, 4, ..] => Some("a zip archive; a PyTorch file has to end in .bin or .pth"),
        [0x80, 2..=5, ..] => Some("a pickle; a PyTorch file has to end in .bin or .pth"),
        b"<!DOCTYP" | b"<!doctyp" => Some("a web page; the download failed"),
        _ => None,
    }
}

impl<'de, T: DeserializeOwned> Deserialize<'de> for Entries<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Collect<T>(PhantomData<T>);
        impl<'de, T: DeserializeOwned> Visitor<'de> for Collect<T> {
            type Value = Entries<T>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut entries = Vec::new();
                while let Some(entry) = map.next_entry()? {
                    entries.push(entry);
                }
                Ok(Entries(entries))
            }
        }
        deserializer.deserialize_map(Collect(PhantomData))
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn pickle_like_length_is_read() {
        for length in [640usize, 896, 1152, 1408] {
            let mut file = (length as u64).to_le_bytes().to_vec();
            assert_eq!(file[0], 0x80);
            let json = r#"{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}"#;
            file.extend(format!("{json:length$}").bytes());
            file.extend([0; 4]);
            let size = file.len() as u64;
            let tensors = read_header(Path::new("a"), &mut &file[..], size).unwrap();
            assert_eq!(tensors[0].0, "a");
        }
    }
}

//! Sharded checkpoints: an index maps keys to shards.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Component, Path};

use serde::Deserialize;

use super::entry::Entry;
use super::file::open_file;
use super::header::Entries;
use super::report::IndexReport;
use crate::error::{Error, Result};

#[derive(Deserialize)]
struct Index {
    weight_map: Entries<String>,
}

/// Reads the index at `path`: the shard of each key. Shards are files in the same directory.
///
/// # Errors
/// [`Error::Io`], or [`Error::BadIndex`] if a shard is not a file name or a key is listed twice.
pub(crate) fn read_index(path: &Path) -> Result<BTreeMap<String, String>> {
    let bad = |reason: String| Error::BadIndex {
        path: path.into(),
        reason,
    };
    let text = crate::file::read_text(path).map_err(|source| Error::io(path, source))?;
    let index: Index = serde_json::from_slice(&text).map_err(|e| bad(e.to_string()))?;
    let Entries(entries) = index.weight_map;
    let mut listed = BTreeMap::new();
    for (key, shard) in entries {
        if !is_file_name(&shard) {
            return Err(bad(format!("`{shard}` of key `{key}` is not a file name")));
        }
        if listed.insert(key.clone(), shard).is_some() {
            return Err(bad(format!("key `{key}` is listed twice")));
        }
    }
    Ok(listed)
}

/// Opens every shard of the index at `path`; together they have to hold exactly the listed keys.
pub(super) fn open_shards(path: &Path) -> Result<BTreeMap<String, Entry>> {
    let listed = read_index(path)?;
    let shards: BTreeSet<&String> = listed.values().collect();
    let dir = path.parent().unwrap_or(Path::new(""));
    let missing = |shard: &&&String| !dir.join(shard).is_file();
    let missing: Vec<String> = shards
        .iter()
        .filter(missing)
        .map(|s| s.to_string())
        .collect();
    if !missing.is_empty() {
        return Err(Error::MissingShards {
            path: path.into(),
            shards: missing,
        });
    }

    let mut tensors = BTreeMap::new();
    let mut report = IndexReport::default();
    for shard in shards {
        for (key, entry) in open_file(&dir.join(shard))? {
            if listed.get(&key) != Some(shard) {
                let list = match listed.contains_key(&key) {
                    true => &mut report.duplicates,
                    false => &mut report.unlisted,
                };
                list.push(format!("{key} (in {shard})"));
            } else {
                tensors.insert(key, entry);
            }
        }
    }
    let absent = listed.iter().filter(|(key, _)| !tensors.contains_key(*key));
    report.absent = absent
        .map(|(key, shard)| format!("{key} (in {shard})"))
        .collect();
    match report.is_empty() {
        true => Ok(tensors),
        false => Err(Error::IndexMismatch {
            path: path.into(),
            report: Box::new(report),
        }),
    }
}

/// Whether `shard` stays in its directory.
fn is_file_name(shard: &str) -> bool {
    let mut parts = Path::new(shard).components();
    matches!(
        (parts.next(), parts.next()),
        (Some(Component::Normal(_)), None)
    ) && !shard.contains(['/', '\\'])
}

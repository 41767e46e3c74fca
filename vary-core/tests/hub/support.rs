use std::fs;
use std::path::{Path, PathBuf};

use tempfile::TempDir;
use vary_core::hub::{Hub, HubModel};
use vary_core::{Error, Result};

use crate::server::{Repo, Server};

pub const NAME: &str = "owner/name";

/// A checkpoint of one tensor, `size` values of a sine.
pub fn weights(tensor: &str, size: usize) -> Vec<u8> {
    let header = format!(
        r#"{{"{tensor}":{{"dtype":"F32","shape":[{size}],"data_offsets":[0,{}]}}}}"#,
        4 * size
    );
    let mut bytes = (header.len() as u64).to_le_bytes().to_vec();
    bytes.extend(header.as_bytes());
    bytes.extend((0..size).flat_map(|i| (i as f32).sin().to_le_bytes()));
    bytes
}

/// A repository with the files of a model and some of others.
pub fn model() -> Repo {
    Repo::default()
        .with("README.md", "# A model")
        .with("config.json", "{}")
        .with("generation_config.json", "{\"eos\": 2}")
        .with("model.safetensors", weights("a", 5000))
        .with("optimizer.bin", vec![0; 5000])
        .with("tokenizer.json", "{\"model\": {}}")
}

/// An empty cache and a hub that keeps its files there.
pub fn hub(server: &Server) -> (TempDir, Hub) {
    let dir = tempfile::tempdir().unwrap();
    let hub = Hub::new(&server.endpoint, dir.path().join("hub"));
    (dir, hub)
}

pub fn fetch(hub: &Hub) -> Result<PathBuf> {
    HubModel::new(NAME).fetch_from(hub)
}

pub fn fetch_offline(hub: &Hub) -> Result<PathBuf> {
    HubModel::new(NAME).with_offline(true).fetch_from(hub)
}

/// The error of a hub that serves `server`'s answers to an empty cache.
pub fn refusal(server: &Server) -> Error {
    let (_dir, hub) = hub(server);
    let error = fetch(&hub).unwrap_err();
    assert!(matches!(fetch_offline(&hub), Err(Error::NotCached { .. })));
    error
}

/// Names of the files in a directory, sorted; none if it is not there.
pub fn names(dir: &Path) -> Vec<String> {
    let Ok(entries) = fs::read_dir(dir) else {
        return Vec::new();
    };
    let name = |entry: std::io::Result<fs::DirEntry>| {
        entry.unwrap().file_name().to_string_lossy().into_owned()
    };
    let mut names: Vec<String> = entries.map(name).collect();
    names.sort();
    names
}

/// The repository's directory in the cache.
pub fn cached(hub: &Hub) -> PathBuf {
    hub.cache_dir.join("models--owner--name")
}

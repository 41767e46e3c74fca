//! Published checkpoints by name, downloaded once and kept.
//!
//! ```no_run
//! use vary_core::hub::HubModel;
//!
//! # fn main() -> vary_core::Result<()> {
//! let dir = HubModel::new("Haoran-megvii/Vary-toy").fetch()?;
//! # Ok(())
//! # }
//! ```
//!
//! Requests and transfers are those of the crate `hf-hub`. Files lie in the cache that Hugging
//! Face's own tools use, and its environment variables mean the same: see [`Hub::from_env`].

mod cache;
mod client;
mod download;
mod files;
mod licence;
mod name;
mod settings;

use std::collections::BTreeSet;
use std::path::PathBuf;

pub use hf_hub::progress;
pub use settings::Hub;

use crate::checkpoint::read_index;
use crate::error::{Error, Result};
use cache::RepoCache;
use client::{Client, Remote};
use download::Download;
use files::Wanted;

/// A model that is published on a hub.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct HubModel {
    /// Owner and name of the repository, such as `Haoran-megvii/Vary-toy`.
    pub name: String,
    /// Branch, tag or commit; `main` by default.
    pub revision: String,
    /// Whether only the cache is read, regardless of the environment; `false` by default.
    pub offline: bool,
    progress: Option<progress::Progress>,
}

impl HubModel {
    /// The newest revision of the model `owner/name`.
    pub fn new(name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            revision: "main".into(),
            offline: false,
            progress: None,
        }
    }

    /// Another branch, tag or commit.
    #[must_use]
    pub fn with_revision(mut self, revision: impl Into<String>) -> Self {
        self.revision = revision.into();
        self
    }

    /// Whether only the cache is read.
    #[must_use]
    pub fn with_offline(mut self, offline: bool) -> Self {
        self.offline = offline;
        self
    }

    /// Reports each download to a [`ProgressHandler`](progress::ProgressHandler), from other
    /// threads than that of [`fetch`](Self::fetch).
    #[must_use]
    pub fn with_progress(mut self, handler: impl Into<progress::Progress>) -> Self {
        self.progress = Some(handler.into());
        self
    }

    /// Downloads what is missing of the model and returns the directory that holds it, for
    /// [`Weights::dir`](crate::Weights::dir) and
    /// [`CheckpointFiles`](crate::checkpoint::CheckpointFiles).
    ///
    /// Of the repository's files these are taken: `config.json`, `generation_config.json`, the
    /// weights in the first form that the repository has, and the tokenizer. A file gets its name
    /// when its size is that of the hub's list and, for files that the hub keeps by their SHA-256,
    /// its hash is right. If the hub can't be reached, a complete copy in the cache is used.
    ///
    /// # Errors
    /// The `Hub` variants of [`Error`], [`Error::NotCached`], [`Error::Io`] such as for a full
    /// disk, [`Error::BadIndex`] when an index names a shard outside its directory, or
    /// [`Error::UnknownFormat`] for PyTorch weights without the feature `pytorch`.
    pub fn fetch(&self) -> Result<PathBuf> {
        self.fetch_from(&Hub::from_env()?)
    }

    /// As [`fetch`](Self::fetch), with settings that are not the environment's.
    ///
    /// # Errors
    /// As [`fetch`](Self::fetch).
    pub fn fetch_from(&self, hub: &Hub) -> Result<PathBuf> {
        name::check_name(&self.name)?;
        name::check_revision(&self.revision)?;
        let cache = RepoCache::new(hub, self);
        let offline = self.offline || hub.offline;
        // A commit never changes: a complete copy of it needs no request.
        if offline || name::is_commit(&self.revision) {
            match cache.find() {
                Err(Error::NotCached { .. }) if !offline => {}
                found => return found,
            }
        }
        let client = Client::new(hub, self, &cache.staging())?;
        match client.list() {
            Ok(remote) => self.download(&client, &cache, &remote),
            Err(unreachable @ Error::HubUnreachable { .. }) => match cache.find() {
                Ok(dir) => {
                    tracing::warn!("{unreachable}; using the copy in {}", dir.display());
                    Ok(dir)
                }
                Err(_) => Err(unreachable),
            },
            Err(error) => Err(error),
        }
    }

    fn download(&self, client: &Client<'_>, cache: &RepoCache, remote: &Remote) -> Result<PathBuf> {
        let Wanted { files, weights } = Wanted::among(|name| remote.size(name).is_some())
            .map_err(|what| client.missing(what))?;
        let mut download = Download::new(client, cache, remote);
        // The index before the weights, for the names of its shards.
        if weights.ends_with(".index.json") {
            let index = download.file(weights)?;
            let shards: BTreeSet<String> = read_index(&index)?.into_values().collect();
            download.files(files.into_iter().chain(shards.iter().map(String::as_str)))?;
        } else {
            download.files(files.into_iter().chain([weights]))?;
        }
        // Last, so that offline a branch leads to a complete snapshot or to none.
        cache.point_to(&remote.commit)?;
        Ok(cache.snapshot(&remote.commit))
    }
}

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
//! Files lie in the cache that Hugging Face's own tools use, where they find each other's, and its
//! environment variables mean the same: see [`Hub::from_env`].
//!
//! Where things lie is the crate `hf-hub`'s knowledge. Its transfers are not used: version 0.5 gives
//! a file its name before its size is known to be right, can't go on from a part that is complete,
//! waits without limit and sends the token to the hosts that the hub redirects to; 1.0 starts an
//! interrupted file anew, and is four times as many crates.

mod cache;
mod client;
mod download;
mod files;
mod licence;
mod name;
mod settings;

use std::collections::BTreeSet;
use std::path::PathBuf;

pub use settings::Hub;

use crate::checkpoint::read_index;
use crate::error::{Error, Result};
use cache::RepoCache;
use client::{Client, Remote};
use files::Wanted;

/// A model that is published on a hub.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct HubModel {
    /// Owner and name of the repository, such as `Haoran-megvii/Vary-toy`.
    pub name: String,
    /// Branch, tag or commit.
    pub revision: String,
    /// Whether only the cache is read, whatever the environment says.
    pub offline: bool,
}

impl HubModel {
    /// The newest revision of the model `owner/name`.
    pub fn new(name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            revision: "main".into(),
            offline: false,
        }
    }

    /// Downloads what is missing of the model and returns the directory that holds it, for
    /// [`Weights::dir`](crate::Weights::dir) and [`CheckpointFiles`](crate::checkpoint::CheckpointFiles).
    ///
    /// Of the repository's files these are taken: `config.json`, `generation_config.json`, the
    /// weights in the first form that the repository has, and the tokenizer. They have their names
    /// when their size is right and, for large ones, their SHA-256. What was interrupted is gone on
    /// with. If the hub can't be reached, the copy in the cache is used if it is complete.
    ///
    /// # Errors
    /// The `Hub` variants of [`Error`], [`Error::NotCached`], [`Error::DiskFull`], or
    /// [`Error::BadIndex`] when an index names a shard outside its directory.
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
        // A commit never changes: what is there of it needs no question.
        if offline || name::is_commit(&self.revision) {
            match cache.find() {
                Err(Error::NotCached { .. }) if !offline => {}
                found => return found,
            }
        }
        let client = Client::new(hub)?;
        match client.list(self) {
            Ok(remote) => self.download(&client, &cache, &remote),
            Err(unreachable @ Error::HubUnreachable { .. }) => match cache.find() {
                Ok(dir) => {
                    eprintln!("{unreachable}\nUsing the copy in {}", dir.display());
                    Ok(dir)
                }
                Err(_) => Err(unreachable),
            },
            Err(error) => Err(error),
        }
    }

    fn download(&self, client: &Client<'_>, cache: &RepoCache, remote: &Remote) -> Result<PathBuf> {
        let Wanted { files, weights } = Wanted::among(|name| remote.has(name))
            .map_err(|what| client.not_found(self, what.into()))?;
        files::check_readable(&cache.snapshot(&remote.commit).join(weights))?;
        let mut fetch = download::Fetch::new(self, client, cache, remote);
        // The index before the weights, for the names of its shards.
        if weights.ends_with(".index.json") {
            let index = fetch.file(weights)?;
            let shards: BTreeSet<String> = read_index(&index)?.into_values().collect();
            fetch.files(files.into_iter().chain(shards.iter().map(String::as_str)))?;
        } else {
            fetch.files(files.into_iter().chain([weights]))?;
        }
        // Last, so that who is offline finds a complete snapshot or none.
        cache.point_to(&remote.commit)?;
        Ok(cache.snapshot(&remote.commit))
    }
}

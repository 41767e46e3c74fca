//! Published checkpoints by name (feature `hub`): downloaded once into the Hugging Face cache, which
//! Python's libraries share.
//!
//! `HF_HOME` or `HF_HUB_CACHE` say where the cache is, `HF_ENDPOINT` names a mirror, `HF_TOKEN` (or
//! the token file in `HF_HOME`) opens private checkpoints, and with `HF_HUB_OFFLINE=1` nothing is
//! asked of the network.
//!
//! ```no_run
//! # fn main() -> vary_core::Result<()> {
//! let dir = vary_core::hub::HubModel::new("Haoran-megvii/Vary-toy").fetch()?;
//! # Ok(())
//! # }
//! ```

use std::collections::BTreeSet;
use std::fmt;
use std::io::{self, IsTerminal};
use std::path::{Path, PathBuf};
use std::time::Duration;

use hf_hub::api::sync::{Api, ApiBuilder, ApiError};
use hf_hub::{Cache, Repo, RepoType};

use crate::checkpoint::{WEIGHT_NAMES, read_index};
use crate::{Error, Result};

/// Files that a tokenizer is made of; the first set that is there whole is used.
const TOKENIZERS: [&[&str]; 3] = [
    &["tokenizer.json"],
    &["qwen.tiktoken"],
    &["vocab.json", "merges.txt"],
];
/// Who publishes Vary's weights.
const PUBLISHERS: [&str; 2] = ["Haoran-megvii", "HaoranWei"];
/// From the README of the released code.
const LICENCE: &str = "The weights of Vary are for research only (CC BY-NC 4.0, and the terms of \
                       Qwen and LLaVA); see https://github.com/Ucas-HaoranWei/Vary-toy.";
/// A connection that breaks is taken up again so often.
const RETRIES: u32 = 3;

/// A checkpoint on the Hugging Face hub, or on a mirror.
#[derive(Clone)]
pub struct HubModel {
    name: String,
    revision: String,
    offline: bool,
    endpoint: Option<String>,
    cache: Cache,
    token: Option<String>,
}

/// Without the token.
impl fmt::Debug for HubModel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HubModel")
            .field("name", &self.name)
            .field("revision", &self.revision)
            .field("offline", &self.offline)
            .finish_non_exhaustive()
    }
}

impl HubModel {
    /// The checkpoint `owner/name`, with the settings of the environment.
    pub fn new(name: impl Into<String>) -> Self {
        let set = |name| std::env::var(name).ok().filter(|value| !value.is_empty());
        let cache = set("HF_HUB_CACHE").map_or_else(Cache::from_env, |dir| Cache::new(dir.into()));
        Self {
            name: name.into(),
            revision: "main".into(),
            offline: set("HF_HUB_OFFLINE").is_some_and(|value| !matches!(&*value, "0" | "false")),
            endpoint: set("HF_ENDPOINT"),
            token: set("HF_TOKEN").or_else(|| cache.token()),
            cache,
        }
    }

    /// A branch, tag or commit in the place of `main`.
    #[must_use]
    pub fn revision(mut self, revision: impl Into<String>) -> Self {
        self.revision = revision.into();
        self
    }

    /// Looks into the cache only.
    #[must_use]
    pub fn offline(mut self, offline: bool) -> Self {
        self.offline = offline;
        self
    }

    /// Another server.
    #[must_use]
    pub fn endpoint(mut self, url: impl Into<String>) -> Self {
        self.endpoint = Some(url.into());
        self
    }

    /// Another cache directory.
    #[must_use]
    pub fn cache_dir(mut self, dir: impl Into<PathBuf>) -> Self {
        self.cache = Cache::new(dir.into());
        self
    }

    /// The directory with the checkpoint's files, after downloading those that are not in the cache:
    /// configuration, weights and tokenizer, never the whole repository. A file is in the cache when
    /// it is complete; one that was begun is gone on with.
    ///
    /// # Errors
    /// [`Error::Hub`] saying what failed and what to do; [`Error::BadIndex`] for a broken list of
    /// shards.
    pub fn fetch(&self) -> Result<PathBuf> {
        let parts: Vec<&str> = self.name.split('/').collect();
        let plain = |part: &&str| {
            let allowed = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
            !part.is_empty() && !part.starts_with('.') && part.chars().all(allowed)
        };
        if parts.len() != 2 || !parts.iter().all(plain) {
            return Err(self.error("its name is not of the form `owner/name`"));
        }
        let source = Source {
            repo: Repo::with_revision(self.name.clone(), RepoType::Model, self.revision.clone()),
            api: None,
            model: self,
        };
        let source = match self.offline {
            true => source,
            false => source.online()?,
        };
        let config = source.require("config.json")?;
        let dir = config.parent().unwrap_or(Path::new("")).to_path_buf();
        source.tokenizer()?;
        source.weights()?;
        Ok(dir)
    }

    fn error(&self, reason: impl Into<String>) -> Error {
        Error::Hub {
            name: self.name.clone(),
            reason: reason.into(),
        }
    }
}

/// Where the files of one checkpoint come from.
struct Source<'a> {
    repo: Repo,
    /// `None` when offline.
    api: Option<Api>,
    model: &'a HubModel,
}

impl Source<'_> {
    fn online(mut self) -> Result<Self> {
        let mut builder = ApiBuilder::from_cache(self.model.cache.clone())
            .with_token(self.model.token.clone())
            .with_progress(io::stderr().is_terminal())
            // Its own retries append to a file that was begun before as if nothing were there.
            .with_retries(0)
            .with_user_agent("vary", env!("CARGO_PKG_VERSION"));
        if let Some(endpoint) = &self.model.endpoint {
            builder = builder.with_endpoint(endpoint.trim_end_matches('/').into());
        }
        let api = builder.build();
        self.api = Some(api.map_err(|e| self.model.error(format!("no client for it: {e}")))?);
        Ok(self)
    }

    /// A file, from the cache or the network; `None` if the checkpoint does not have it.
    fn get(&self, file: &str) -> Result<Option<PathBuf>> {
        if let Some(path) = self.model.cache.repo(self.repo.clone()).get(file) {
            return Ok(Some(path));
        }
        let Some(api) = &self.api else {
            return Ok(None);
        };
        match self.download(api, file) {
            Ok(path) => Ok(Some(path)),
            Err(error) if status(&error) == Some(404) => Ok(None),
            Err(error) => Err(self.model.failed(file, &error)),
        }
    }

    /// Downloads a file into the cache.
    fn download(&self, api: &Api, file: &str) -> std::result::Result<PathBuf, ApiError> {
        let repo = api.repo(self.repo.clone());
        let mut tries = 0;
        let path = loop {
            let error = match repo.download(file) {
                Ok(path) => break path,
                Err(error) => error,
            };
            match (&error, status(&error)) {
                // What is left of a download that was killed between its last byte and its name,
                // or that belongs to other contents, can't be gone on with.
                (ApiError::InvalidResume, _) | (_, Some(416)) => self.forget_parts()?,
                (_, Some(_)) | (ApiError::LockAcquisition(_), _) => return Err(error),
                (ApiError::IoError(e), _) if e.kind() == io::ErrorKind::StorageFull => {
                    return Err(error);
                }
                _ => {}
            }
            if tries == RETRIES {
                return Err(error);
            }
            std::thread::sleep(Duration::from_millis(200 << tries));
            tries += 1;
        };
        // hf-hub takes the end of a connection for the end of the file.
        let size = api.metadata(&repo.url(file))?.size() as u64;
        let found = std::fs::metadata(&path)?.len();
        if found != size {
            std::fs::remove_file(path.canonicalize()?)?;
            std::fs::remove_file(path).or_else(|e| match e.kind() {
                io::ErrorKind::NotFound => Ok(()),
                _ => Err(e),
            })?;
            let cut = format!("{found} of {size} bytes came");
            return Err(io::Error::new(io::ErrorKind::UnexpectedEof, cut).into());
        }
        Ok(path)
    }

    /// Removes begun downloads of this checkpoint.
    fn forget_parts(&self) -> io::Result<()> {
        let blobs = self.model.cache.path().join(self.repo.folder_name());
        for entry in std::fs::read_dir(blobs.join("blobs"))? {
            let path = entry?.path();
            if path
                .extension()
                .is_some_and(|extension| extension == "part")
            {
                std::fs::remove_file(path)?;
            }
        }
        Ok(())
    }

    fn require(&self, file: &str) -> Result<PathBuf> {
        self.get(file)?.ok_or_else(|| self.missing(file))
    }

    fn missing(&self, file: &str) -> Error {
        let (model, revision) = (self.model, &self.model.revision);
        model.error(match self.api {
            None => format!(
                "`{file}` is not in the cache at {}, and downloads are off; unset HF_HUB_OFFLINE \
                 or fetch it first",
                model.cache.path().display()
            ),
            Some(_) => format!(
                "there is no `{file}` at revision `{revision}`; check the name, or set HF_TOKEN if \
                 it is private"
            ),
        })
    }

    fn tokenizer(&self) -> Result<()> {
        for files in TOKENIZERS {
            let mut all = true;
            for file in files {
                all = all && self.get(file)?.is_some();
            }
            if all {
                return Ok(());
            }
        }
        Err(self.missing("tokenizer.json, qwen.tiktoken, or vocab.json with merges.txt"))
    }

    fn weights(&self) -> Result<()> {
        let cached = self.model.cache.repo(self.repo.clone());
        let cached = WEIGHT_NAMES.iter().any(|name| cached.get(name).is_some());
        let owner = self.model.name.split('/').next();
        if self.api.is_some() && !cached && owner.is_some_and(|name| PUBLISHERS.contains(&name)) {
            // Before gigabytes are on their way, and not again.
            eprintln!("{LICENCE}");
        }
        for name in WEIGHT_NAMES {
            let Some(path) = self.get(name)? else {
                continue;
            };
            if name.ends_with(".index.json") {
                let shards: BTreeSet<String> = read_index(&path)?.into_values().collect();
                for shard in shards {
                    self.require(&shard)?;
                }
            }
            return Ok(());
        }
        Err(self.missing(&WEIGHT_NAMES.join(", ")))
    }
}

impl HubModel {
    /// What a failed request means for the user.
    fn failed(&self, file: &str, error: &ApiError) -> Error {
        let endpoint = self.endpoint.as_deref().unwrap_or("the hub");
        let dir = self.cache.path().display();
        let reason = match (status(error), error) {
            (Some(401 | 403), _) => format!(
                "{endpoint} refuses `{file}`: set HF_TOKEN to a token that may read it, and accept \
                 the checkpoint's terms on its page; a name that does not exist is refused too"
            ),
            (Some(code), _) => format!("{endpoint} answers {code} for `{file}`; try again later"),
            (None, ApiError::IoError(e)) if e.kind() == io::ErrorKind::StorageFull => format!(
                "the disk is full: `{file}` does not fit into {dir}; free space, or set HF_HOME to \
                 another disk. What was fetched is kept, and gone on with"
            ),
            (None, ApiError::LockAcquisition(_)) => {
                format!("another process is downloading `{file}` into {dir}; wait for it")
            }
            (None, error) => format!(
                "`{file}` can't be fetched from {endpoint}: {error}; check the network, set \
                 HF_ENDPOINT to a mirror, or pass a directory that holds the files"
            ),
        };
        self.error(reason)
    }
}

/// Status of the answer that a request failed with.
fn status(error: &ApiError) -> Option<u16> {
    match error {
        ApiError::RequestError(error) => match **error {
            ureq::Error::StatusCode(code) => Some(code),
            _ => None,
        },
        _ => None,
    }
}

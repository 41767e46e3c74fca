use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::time::Duration;

use hf_hub::repository::RepoTreeEntry;
use hf_hub::{HFClient, HFError, HFRepositorySync, RepoTypeModel, split_id};

use super::name::is_commit;
use super::{Hub, HubModel};
use crate::error::{Error, Result};

/// Longest wait for a connection, then for an answer or for more of one; `hf-hub` sets no limit.
const CONNECT: Duration = Duration::from_secs(15);
const ANSWER: Duration = Duration::from_secs(60);
/// How often a request that failed is repeated, after 0.2 s at most, then 0.4 s and so on.
const RETRIES: usize = 3;
/// Without a token `hf-hub` would look for one itself. It sends none that is not a header's value.
const NO_TOKEN: &str = "\n";

/// A repository on a hub.
pub(super) struct Client<'a> {
    repo: HFRepositorySync<RepoTypeModel>,
    hub: &'a Hub,
    model: &'a HubModel,
    staging: PathBuf,
}

/// The files of a commit.
pub(super) struct Remote {
    pub commit: String,
    sizes: BTreeMap<String, u64>,
}

impl Remote {
    /// Size of a file in bytes.
    pub fn size(&self, name: &str) -> Option<u64> {
        self.sizes.get(name).copied()
    }

    /// Sizes of all files.
    pub fn sizes(&self) -> BTreeSet<u64> {
        self.sizes.values().copied().collect()
    }
}

impl<'a> Client<'a> {
    /// `staging` is where downloads go.
    pub fn new(hub: &'a Hub, model: &'a HubModel, staging: &Path) -> Result<Self> {
        let bad = |setting, reason: String| Error::HubSetting { setting, reason };
        let token = hub.token.as_deref();
        // It would silently not be sent.
        if token.is_some_and(|token| !token.bytes().all(|b| b.is_ascii_graphic())) {
            return Err(bad(
                "HF_TOKEN",
                "it has characters that are not allowed in a token".into(),
            ));
        }
        let http = reqwest::Client::builder()
            .user_agent(concat!("vary-core/", env!("CARGO_PKG_VERSION")))
            .connect_timeout(CONNECT)
            .read_timeout(ANSWER)
            // A redirect must not lead from https to plain http.
            .https_only(hub.endpoint.starts_with("https://"))
            .build()
            .map_err(|error| bad("HTTPS_PROXY", causes(&error)))?;
        let client = HFClient::builder()
            .endpoint(&hub.endpoint)
            .cache_dir(staging)
            .token(token.unwrap_or(NO_TOKEN))
            .retry_max_attempts(RETRIES)
            .client(http)
            .build_sync()
            .map_err(|error| bad("HF_ENDPOINT", format!("`{}`: {error}", hub.endpoint)))?;
        let (owner, name) = split_id(&model.name);
        Ok(Self {
            repo: client.model(owner, name),
            hub,
            model,
            staging: staging.into(),
        })
    }

    /// The files of the model's revision.
    pub fn list(&self) -> Result<Remote> {
        let revision = &self.model.revision;
        let failed = |error| self.error(error, &format!("revision {revision}"));
        let info = self.repo.info().revision(revision).send().map_err(failed)?;
        let commit = info.sha.unwrap_or_default();
        // It becomes the name of a directory.
        if !is_commit(&commit) {
            return Err(self.odd(format!("`{commit}` is not a commit")));
        }
        let tree = self
            .repo
            .list_tree()
            .revision(&commit)
            .send()
            .map_err(failed)?;
        let files = tree.into_iter().filter_map(|entry| match entry {
            RepoTreeEntry::File { path, size, .. } => Some((path, size)),
            RepoTreeEntry::Directory { .. } => None,
        });
        Ok(Remote {
            sizes: files.collect(),
            commit,
        })
    }

    /// Downloads a file. Returns its place in a snapshot of the staging directory; nothing about it
    /// is checked.
    pub fn download(&self, commit: &str, name: &str) -> Result<PathBuf> {
        let request = self.repo.download_file().filename(name).revision(commit);
        let answer = request.maybe_progress(self.model.progress.clone()).send();
        let interrupted = |reason: &dyn std::error::Error| Error::HubInterrupted {
            file: name.into(),
            reason: causes(reason),
        };
        answer.map_err(|error| match error {
            HFError::Io(source) => Error::io(&self.staging, source),
            HFError::Request { source, .. } if source.is_body() || source.is_decode() => {
                interrupted(&source)
            }
            HFError::Xet { source, .. } => interrupted(&*source),
            other => self.error(other, name),
        })
    }

    /// The error for something that the hub does not have.
    pub fn missing(&self, what: &str) -> Error {
        Error::HubNotFound {
            endpoint: self.hub.endpoint.clone(),
            name: self.model.name.clone(),
            what: what.into(),
        }
    }

    /// The error for an answer that no hub gives.
    pub fn odd(&self, reason: String) -> Error {
        Error::HubAnswer {
            endpoint: self.hub.endpoint.clone(),
            reason,
        }
    }

    fn error(&self, error: HFError, what: &str) -> Error {
        match error {
            HFError::AuthRequired { context } | HFError::Forbidden { context } => {
                Error::HubDenied {
                    endpoint: self.hub.endpoint.clone(),
                    name: self.model.name.clone(),
                    status: context.status.as_u16(),
                }
            }
            HFError::RepoNotFound { .. }
            | HFError::RevisionNotFound { .. }
            | HFError::EntryNotFound { .. } => self.missing(what),
            HFError::Request { source, .. } if !source.is_decode() && !source.is_body() => {
                Error::HubUnreachable {
                    endpoint: self.hub.endpoint.clone(),
                    reason: causes(&source),
                }
            }
            HFError::Http { context } | HFError::RateLimited { context, .. } => self.odd(format!(
                "it answered `{}` to {}",
                context.status, context.url
            )),
            other => self.odd(causes(&other)),
        }
    }
}

/// An error with what caused it.
fn causes(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        let cause_text = cause.to_string();
        if !text.contains(&cause_text) {
            text = format!("{text}: {cause_text}");
        }
        source = cause.source();
    }
    text
}

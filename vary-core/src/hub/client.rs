use std::collections::BTreeMap;
use std::io::Read;
use std::time::Duration;

use serde::Deserialize;
use ureq::config::RedirectAuthHeaders;
use ureq::http::{Response, StatusCode};
use ureq::{Agent, Body, Proxy};

use super::name::{is_commit, is_hex};
use super::{Hub, HubModel};
use crate::error::{Error, Result};

/// Longest wait for a connection, then for an answer or for more of one.
const CONNECT: Duration = Duration::from_secs(15);
const ANSWER: Duration = Duration::from_secs(60);
/// Largest list of a repository's files that is read.
const MAX_LIST: u64 = 64 << 20;

/// Asks a hub.
pub(super) struct Client<'a> {
    agent: Agent,
    hub: &'a Hub,
}

/// A commit of a repository.
pub(super) struct Remote {
    pub commit: String,
    files: BTreeMap<String, Sibling>,
}

/// A file of a repository.
pub(super) struct RemoteFile {
    pub size: u64,
    /// Its name in the cache, the hub's `ETag`.
    pub blob: String,
    /// Of large files; small ones have git's hash.
    pub sha256: Option<String>,
}

#[derive(Deserialize)]
struct List {
    sha: String,
    siblings: Vec<Sibling>,
}

#[derive(Deserialize)]
struct Sibling {
    rfilename: String,
    size: Option<u64>,
    #[serde(rename = "blobId")]
    blob_id: Option<String>,
    lfs: Option<Lfs>,
}

#[derive(Deserialize)]
struct Lfs {
    sha256: String,
    size: u64,
}

impl<'a> Client<'a> {
    pub fn new(hub: &'a Hub) -> Result<Self> {
        let bad = |setting, reason: &str| Error::HubSetting {
            setting,
            reason: reason.into(),
        };
        if !["http://", "https://"]
            .iter()
            .any(|s| hub.endpoint.starts_with(s))
        {
            let reason = format!("`{}` does not start with https:// or http://", hub.endpoint);
            return Err(bad("HF_ENDPOINT", &reason));
        }
        // As a header it would be refused by a message that does not say which.
        if hub
            .token
            .iter()
            .any(|token| !token.bytes().all(|b| b.is_ascii_graphic()))
        {
            return Err(bad("HF_TOKEN", "it has characters that no token has"));
        }
        let mut config = Agent::config_builder()
            .user_agent(concat!("vary-core/", env!("CARGO_PKG_VERSION")))
            // Sizes and ranges are those of the files.
            .accept_encoding("identity")
            .http_status_as_error(false)
            .redirect_auth_headers(RedirectAuthHeaders::SameHost)
            .timeout_resolve(Some(CONNECT))
            .timeout_connect(Some(CONNECT))
            .timeout_recv_response(Some(ANSWER))
            .timeout_per_read(Some(ANSWER));
        if !hub.env_proxy {
            config = config.proxy(None::<Proxy>);
        }
        let agent = config.build().new_agent();
        Ok(Self { agent, hub })
    }

    /// The files of the model's revision.
    pub fn list(&self, model: &HubModel) -> Result<Remote> {
        let revision = model.revision.replace('/', "%2F");
        let path = format!("api/models/{}/revision/{revision}?blobs=true", model.name);
        let what = || format!("revision {}", model.revision);
        let answer = self.get(model, &path, 0, what)?;
        let list = answer.into_body().into_with_config().limit(MAX_LIST);
        let list = list
            .read_to_vec()
            .map_err(|error| self.unreachable(error))?;
        let list: List = serde_json::from_slice(&list)
            .map_err(|error| self.odd(format!("its list of files can't be read: {error}")))?;
        // It becomes the name of a directory.
        if !is_commit(&list.sha) {
            return Err(self.odd(format!("`{}` is no commit", list.sha)));
        }
        let files = list.siblings.into_iter();
        Ok(Remote {
            commit: list.sha,
            files: files.map(|file| (file.rfilename.clone(), file)).collect(),
        })
    }

    /// What is known about a file before it is there.
    pub fn describe(&self, model: &HubModel, remote: &Remote, name: &str) -> Result<RemoteFile> {
        let file = remote.files.get(name);
        let file = file.ok_or_else(|| self.not_found(model, name.into()))?;
        let (size, id, sha256) = match &file.lfs {
            Some(lfs) => (Some(lfs.size), Some(&lfs.sha256), Some(lfs.sha256.clone())),
            None => (file.size, file.blob_id.as_ref(), None),
        };
        match (size, id) {
            (Some(size), Some(id)) if is_hex(id) => Ok(RemoteFile {
                size,
                blob: id.clone(),
                sha256,
            }),
            _ => Err(self.odd(format!("it does not tell size and hash of {name}"))),
        }
    }

    /// Opens a file of a commit from a byte on. Returns the byte that the answer starts with: 0 where
    /// the hub does not know ranges.
    pub fn open(
        &self,
        model: &HubModel,
        commit: &str,
        name: &str,
        from: u64,
    ) -> Result<(u64, impl Read + use<>)> {
        let path = format!("{}/resolve/{commit}/{name}", model.name);
        let answer = self.get(model, &path, from, || name.into())?;
        let start = match answer.status() {
            StatusCode::PARTIAL_CONTENT => {
                let range = answer.headers().get("content-range");
                let range = range.and_then(|range| range.to_str().ok());
                let start = range.and_then(|range| {
                    let (start, _) = range.strip_prefix("bytes ")?.split_once('-')?;
                    start.parse().ok()
                });
                match start {
                    Some(start) if start == from => start,
                    _ => return Err(self.odd(format!("it sent another part of {name}"))),
                }
            }
            _ => 0,
        };
        Ok((start, answer.into_body().into_reader()))
    }

    /// The error for something that the hub does not have.
    pub fn not_found(&self, model: &HubModel, what: String) -> Error {
        Error::HubNotFound {
            endpoint: self.hub.endpoint.clone(),
            name: model.name.clone(),
            what,
        }
    }

    fn get(
        &self,
        model: &HubModel,
        path: &str,
        from: u64,
        what: impl FnOnce() -> String,
    ) -> Result<Response<Body>> {
        let mut request = self.agent.get(format!("{}/{path}", self.hub.endpoint));
        if let Some(token) = &self.hub.token {
            request = request.header("authorization", format!("Bearer {token}"));
        }
        if from > 0 {
            request = request.header("range", format!("bytes={from}-"));
        }
        let answer = request.call().map_err(|error| self.unreachable(error))?;
        match answer.status() {
            StatusCode::OK | StatusCode::PARTIAL_CONTENT => Ok(answer),
            status @ (StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN) => Err(Error::HubDenied {
                endpoint: self.hub.endpoint.clone(),
                name: model.name.clone(),
                status: status.as_u16(),
            }),
            StatusCode::NOT_FOUND => Err(self.not_found(model, what())),
            status => Err(self.odd(format!("it answered `{status}` to {path}"))),
        }
    }

    fn unreachable(&self, reason: ureq::Error) -> Error {
        Error::HubUnreachable {
            endpoint: self.hub.endpoint.clone(),
            reason: reason.to_string(),
        }
    }

    fn odd(&self, reason: String) -> Error {
        Error::HubAnswer {
            endpoint: self.hub.endpoint.clone(),
            reason,
        }
    }
}

impl Remote {
    pub fn has(&self, name: &str) -> bool {
        self.files.contains_key(name)
    }
}

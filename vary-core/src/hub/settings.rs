use std::ffi::OsString;
use std::path::PathBuf;
use std::{env, fmt, fs, io};

use crate::error::{Error, Result};

/// Hugging Face's own hub.
const ENDPOINT: &str = "https://huggingface.co";

/// Where models come from and where they are kept.
#[derive(Clone)]
pub struct Hub {
    /// Address of the hub or of a mirror, without a `/` at its end.
    pub endpoint: String,
    /// The cache, with a directory for each repository.
    pub cache_dir: PathBuf,
    /// Token for private and gated models. It is sent to the endpoint only.
    pub token: Option<String>,
    /// Whether only the cache is read.
    pub offline: bool,
    /// Whether requests go through the proxy that the environment names.
    pub(super) env_proxy: bool,
}

impl Hub {
    /// A hub without token, asked without a proxy.
    pub fn new(endpoint: impl Into<String>, cache_dir: impl Into<PathBuf>) -> Self {
        Self {
            endpoint: endpoint.into(),
            cache_dir: cache_dir.into(),
            token: None,
            offline: false,
            env_proxy: false,
        }
    }

    /// What the environment says, as Hugging Face's tools read it:
    ///
    /// - `HF_ENDPOINT`: the hub or a mirror.
    /// - `HF_HOME`, by default `huggingface` in `XDG_CACHE_HOME` or `~/.cache`; the cache is `hub` in
    ///   it or `HF_HUB_CACHE`.
    /// - `HF_TOKEN`, or the first line of the file `HF_TOKEN_PATH`, by default `token` in `HF_HOME`.
    /// - `HF_HUB_OFFLINE`: `1`, `true`, `yes` or `on` for the cache only.
    /// - `HTTPS_PROXY`, `HTTP_PROXY`, `ALL_PROXY`, `NO_PROXY`.
    ///
    /// # Errors
    /// [`Error::HubSetting`] when there is no directory for the cache, [`Error::Io`] for a file with
    /// the token that can't be read.
    pub fn from_env() -> Result<Self> {
        let home = match path("HF_HOME") {
            Some(home) => Some(home),
            None => path("XDG_CACHE_HOME")
                .or_else(|| {
                    let home = env::home_dir().filter(|home| !home.as_os_str().is_empty());
                    home.map(|home| home.join(".cache"))
                })
                .map(|cache| cache.join("huggingface")),
        };
        let in_home = |name: &str| home.as_ref().map(|home| home.join(name));
        let cache_dir = path("HF_HUB_CACHE").or_else(|| in_home("hub"));
        let cache_dir = cache_dir.ok_or(Error::HubSetting {
            setting: "HF_HOME",
            reason: "not set, and there is no home directory to keep models in".into(),
        })?;
        let token = match text("HF_TOKEN") {
            Some(token) => Some(token),
            None => match path("HF_TOKEN_PATH").or_else(|| in_home("token")) {
                Some(file) => read_token(file)?,
                None => None,
            },
        };
        let endpoint = text("HF_ENDPOINT").unwrap_or_else(|| ENDPOINT.into());
        let offline = text("HF_HUB_OFFLINE").unwrap_or_default();
        Ok(Self {
            endpoint: endpoint.trim_end_matches('/').into(),
            cache_dir,
            token,
            offline: ["1", "true", "yes", "on"]
                .iter()
                .any(|yes| offline.eq_ignore_ascii_case(yes)),
            env_proxy: true,
        })
    }
}

/// Without the token, so that it is in no log.
impl fmt::Debug for Hub {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Hub")
            .field("endpoint", &self.endpoint)
            .field("cache_dir", &self.cache_dir)
            .field("token", &self.token.as_ref().map(|_| "..."))
            .field("offline", &self.offline)
            .finish_non_exhaustive()
    }
}

/// A variable that is set to something.
fn variable(name: &str) -> Option<OsString> {
    env::var_os(name).filter(|value| !value.is_empty())
}

fn path(name: &str) -> Option<PathBuf> {
    variable(name).map(PathBuf::from)
}

fn text(name: &str) -> Option<String> {
    let value = variable(name)?.to_string_lossy().trim().to_string();
    (!value.is_empty()).then_some(value)
}

fn read_token(file: PathBuf) -> Result<Option<String>> {
    match fs::read_to_string(&file) {
        Ok(token) => Ok(token
            .lines()
            .next()
            .map(|token| token.trim().to_string())
            .filter(|token| !token.is_empty())),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(Error::io(file, error)),
    }
}

use std::path::PathBuf;
use std::{env, fmt, fs, io};

use crate::error::{Error, Result};

/// Hugging Face's own hub.
const ENDPOINT: &str = "https://huggingface.co";

/// Where models come from and where they are kept.
#[derive(Clone)]
#[non_exhaustive]
pub struct Hub {
    /// Address of the hub or of a mirror.
    pub endpoint: String,
    /// The cache, with a directory for each repository.
    pub cache_dir: PathBuf,
    /// Token for private and gated models. It is sent to the endpoint only.
    pub token: Option<String>,
    /// Whether only the cache is read.
    pub offline: bool,
}

impl Hub {
    /// A hub that is asked without a token.
    pub fn new(endpoint: impl Into<String>, cache_dir: impl Into<PathBuf>) -> Self {
        Self {
            endpoint: endpoint.into(),
            cache_dir: cache_dir.into(),
            token: None,
            offline: false,
        }
    }

    /// The settings of the environment, as Hugging Face's tools read them:
    ///
    /// - `HF_ENDPOINT`: the hub or a mirror.
    /// - `HF_HOME`, by default `huggingface` in `XDG_CACHE_HOME` or `~/.cache`; the cache is `hub`
    ///   in it or `HF_HUB_CACHE`.
    /// - `HF_TOKEN`, or the first line of the file `HF_TOKEN_PATH`, by default `token` in
    ///   `HF_HOME`.
    /// - `HF_HUB_OFFLINE`: `1`, `true`, `yes` or `on` for the cache only.
    ///
    /// Proxies are those of `HTTPS_PROXY`, `HTTP_PROXY`, `ALL_PROXY` and `NO_PROXY`, for every hub.
    ///
    /// # Errors
    /// [`Error::HubSetting`] when there is no directory for the cache, [`Error::Io`] for a file
    /// with the token that can't be read.
    pub fn from_env() -> Result<Self> {
        // Not by `hf-hub`: without `HOME` it takes a directory in `/tmp`, on Windows, too, and it
        // neither trims the token nor knows `HF_HUB_OFFLINE`.
        let user_cache = || {
            Some(
                env::home_dir()
                    .filter(|home| home.is_absolute())?
                    .join(".cache"),
            )
        };
        let home = path("HF_HOME").or_else(|| {
            let cache = path("XDG_CACHE_HOME").or_else(user_cache);
            cache.map(|cache| cache.join("huggingface"))
        });
        let in_home = |name: &str| home.as_ref().map(|home| home.join(name));
        let cache_dir = path("HF_HUB_CACHE").or_else(|| in_home("hub"));
        let cache_dir = cache_dir.ok_or(Error::HubSetting {
            setting: "HF_HOME",
            reason: "not set, and there is no home directory to keep models in".into(),
        })?;
        let token_file = path("HF_TOKEN_PATH").or_else(|| in_home("token"));
        let token = match (text("HF_TOKEN"), token_file) {
            (None, Some(file)) => read_token(file)?,
            (token, _) => token,
        };
        let offline = text("HF_HUB_OFFLINE").unwrap_or_default();
        Ok(Self {
            endpoint: text("HF_ENDPOINT").unwrap_or_else(|| ENDPOINT.into()),
            cache_dir,
            token,
            offline: ["1", "true", "yes", "on"]
                .iter()
                .any(|yes| offline.eq_ignore_ascii_case(yes)),
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
            .finish()
    }
}

fn path(variable: &str) -> Option<PathBuf> {
    let value = env::var_os(variable).filter(|value| !value.is_empty());
    value.map(PathBuf::from)
}

fn text(variable: &str) -> Option<String> {
    let value = env::var(variable).ok()?.trim().to_string();
    (!value.is_empty()).then_some(value)
}

fn read_token(file: PathBuf) -> Result<Option<String>> {
    match fs::read_to_string(&file) {
        Ok(text) => {
            let token = text.lines().next().unwrap_or_default().trim();
            Ok((!token.is_empty()).then(|| token.to_string()))
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(Error::io(file, error)),
    }
}

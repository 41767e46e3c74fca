use std::fs;
use std::io::ErrorKind;
use std::path::PathBuf;

use anyhow::{Context, Result};
use serde::Deserialize;

/// Defaults of the options of [`ModelArgs`](crate::model::ModelArgs): `vary/config.toml` in the
/// user's configuration directory, or the file that `VARY_CONFIG` names. Options and their
/// environment variables come first.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    pub model: Option<String>,
    pub device: Option<String>,
    pub precision: Option<String>,
}

impl Settings {
    /// The settings of the user; none without a file.
    ///
    /// # Errors
    /// A file that can't be read, or has an unknown field.
    pub fn read() -> Result<Self> {
        let named = std::env::var_os("VARY_CONFIG").map(PathBuf::from);
        let usual = || Some(dirs::config_dir()?.join("vary").join("config.toml"));
        let Some(path) = named.clone().or_else(usual) else {
            return Ok(Self::default());
        };
        let text = match fs::read_to_string(&path) {
            Err(error) if named.is_none() && error.kind() == ErrorKind::NotFound => {
                return Ok(Self::default());
            }
            text => text.with_context(|| path.display().to_string())?,
        };
        toml::from_str(&text).with_context(|| path.display().to_string())
    }
}

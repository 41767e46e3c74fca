use std::path::Path;

use serde::de::DeserializeOwned;

use crate::error::{Error, Result};

/// Reads `config.json` of the checkpoint directory `dir`.
///
/// # Errors
/// [`Error::Io`] if it can't be read, [`Error::ConfigField`] with the path of the field if it does
/// not deserialize to `T`.
pub fn read_config_json<T: DeserializeOwned>(dir: impl AsRef<Path>) -> Result<T> {
    let path = dir.as_ref().join("config.json");
    let text = crate::file::read_text(&path).map_err(|source| Error::io(&path, source))?;
    parse_config_json(&path, &text)
}

/// Parses the text of a `config.json`; `path` is for messages.
pub(crate) fn parse_config_json<T: DeserializeOwned>(path: &Path, text: &[u8]) -> Result<T> {
    // The byte order mark of some editors.
    let text = text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(text);
    let mut json = serde_json::Deserializer::from_slice(text);
    let config = serde_path_to_error::deserialize(&mut json).map_err(|error| {
        let (field, reason) = (error.path().to_string(), error.into_inner().to_string());
        Error::ConfigField {
            path: path.into(),
            field,
            reason,
        }
    })?;
    json.end().map_err(|error| Error::ConfigField {
        path: path.into(),
        field: ".".into(),
        reason: error.to_string(),
    })?;
    Ok(config)
}

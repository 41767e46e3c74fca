use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use super::cache::{RepoCache, Staging};
use super::client::{Client, Remote};
use super::licence;
use crate::error::{Error, Result};

/// Characters of a SHA-256 in hexadecimal.
const SHA256_LEN: usize = 64;

/// Files of one commit on their way into the cache.
pub(super) struct Download<'a> {
    client: &'a Client<'a>,
    cache: &'a RepoCache,
    remote: &'a Remote,
    /// From the first file that is missing on.
    staging: Option<Staging>,
}

impl<'a> Download<'a> {
    pub fn new(client: &'a Client<'a>, cache: &'a RepoCache, remote: &'a Remote) -> Self {
        Self {
            client,
            cache,
            remote,
            staging: None,
        }
    }

    pub fn files<'b>(&mut self, names: impl IntoIterator<Item = &'b str>) -> Result<()> {
        names
            .into_iter()
            .try_for_each(|name| self.file(name).map(|_| ()))
    }

    /// Downloads a file if it is missing, and returns its place in the snapshot.
    pub fn file(&mut self, name: &str) -> Result<PathBuf> {
        let commit = &self.remote.commit;
        let size = self.remote.size(name);
        let size = size.ok_or_else(|| self.client.missing(name))?;
        let path = self.cache.snapshot(commit).join(name);
        if size_of(&path) == Some(size) {
            return Ok(path);
        }
        if self.staging.is_none() {
            if self.cache.is_new()
                && let Some(terms) = licence::terms(self.cache.name())
            {
                tracing::warn!("{terms}");
            }
            self.staging = Some(self.cache.stage(&self.remote.sizes())?);
            // Another process may have downloaded it meanwhile.
            if size_of(&path) == Some(size) {
                return Ok(path);
            }
        }
        let staged = self.client.download(commit, name)?;
        if staged.parent().and_then(Path::file_name) != Some(commit.as_ref()) {
            return Err(self.client.odd(format!("it sent {name} of another commit")));
        }
        let reason = difference(&staged, size).map_err(|source| Error::io(&staged, source))?;
        if let Some(reason) = reason {
            self.cache.forget(&staged);
            return Err(Error::HubCorrupt {
                file: name.into(),
                reason,
            });
        }
        self.cache.publish(&staged, &path)?;
        Ok(path)
    }
}

/// What a downloaded file has other than it should, if anything.
fn difference(staged: &Path, size: u64) -> io::Result<Option<&'static str>> {
    if fs::metadata(staged)?.len() != size {
        return Ok(Some("its size differs"));
    }
    // Contents that the hub keeps by their SHA-256 have it as their name.
    let hash = fs::read_link(staged).unwrap_or_default();
    let hash = hash.file_name().and_then(|name| name.to_str());
    match hash.filter(|hash| hash.len() == SHA256_LEN) {
        Some(hash) if sha256(staged)? != hash => Ok(Some("its SHA-256 differs")),
        _ => Ok(None),
    }
}

fn sha256(path: &Path) -> io::Result<String> {
    let mut hash = Sha256::new();
    io::copy(&mut File::open(path)?, &mut hash)?;
    Ok(hash.finalize().iter().map(|b| format!("{b:02x}")).collect())
}

fn size_of(path: &Path) -> Option<u64> {
    let data = fs::metadata(path).ok()?;
    data.is_file().then_some(data.len())
}

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use sha2::{Digest, Sha256};

use super::cache::RepoCache;
use super::client::{Client, Remote, RemoteFile};
use super::{HubModel, licence};
use crate::error::{Error, Result};

/// Bytes that are read at once.
const CHUNK: usize = 1 << 17;
const STYLE: &str = "{msg} {wide_bar} {bytes}/{total_bytes} {bytes_per_sec} {eta}";

/// Files of one commit on their way into the cache.
pub(super) struct Fetch<'a> {
    model: &'a HubModel,
    client: &'a Client<'a>,
    cache: &'a RepoCache,
    remote: &'a Remote,
    /// Held from the first file that is missing on.
    lock: Option<File>,
}

impl<'a> Fetch<'a> {
    pub fn new(
        model: &'a HubModel,
        client: &'a Client<'a>,
        cache: &'a RepoCache,
        remote: &'a Remote,
    ) -> Self {
        Self {
            model,
            client,
            cache,
            remote,
            lock: None,
        }
    }

    pub fn files<'b>(&mut self, names: impl IntoIterator<Item = &'b str>) -> Result<()> {
        names
            .into_iter()
            .try_for_each(|name| self.file(name).map(|_| ()))
    }

    /// Downloads a file if it is missing, and returns its place in the snapshot.
    pub fn file(&mut self, name: &str) -> Result<PathBuf> {
        let file = self.client.describe(self.model, self.remote, name)?;
        let path = self.cache.snapshot(&self.remote.commit).join(name);
        let blob = self.cache.blob(&file.blob);
        if size_of(&path) == Some(file.size) {
            return Ok(path);
        }
        if self.lock.is_none() {
            if let Some(terms) = licence::terms(&self.model.name).filter(|_| self.cache.is_new()) {
                eprintln!("{terms}");
            }
            self.lock = Some(self.cache.lock()?);
            // Whoever held the lock before may have fetched it. Linking it again would take it from
            // under them for a moment.
            if size_of(&path) == Some(file.size) {
                return Ok(path);
            }
        }
        if size_of(&blob) != Some(file.size) {
            let part = self.cache.part(&file.blob);
            self.receive(name, &file, &part)?;
            fs::rename(&part, &blob).map_err(|source| Error::io(&blob, source))?;
        }
        self.cache.link(&self.remote.commit, name, &file.blob)?;
        Ok(path)
    }

    /// Fills `path` up to the whole file, from what an earlier run left there on.
    fn receive(&self, name: &str, file: &RemoteFile, path: &Path) -> Result<()> {
        let io = |source| Error::io(path, source);
        let mut part = OpenOptions::new()
            .create(true)
            .append(true)
            .open(path)
            .map_err(|source| full(path, file.size, source))?;
        let mut have = part.metadata().map_err(io)?.len();
        if have > file.size {
            have = 0;
            part.set_len(0).map_err(io)?;
        }
        let bar = bar(name, file.size);
        let mut most = have;
        while have < file.size {
            let (start, body) = self
                .client
                .open(self.model, &self.remote.commit, name, have)?;
            if start < have {
                have = start;
                part.set_len(start).map_err(io)?;
            }
            bar.set_position(have);
            // One byte more than there may be, to see that there is none.
            let mut body = body.take(file.size - have + 1);
            let broken = copy(&mut body, |bytes| {
                part.write_all(bytes)
                    .map_err(|source| full(path, file.size.saturating_sub(have), source))?;
                have += bytes.len() as u64;
                bar.inc(bytes.len() as u64);
                Ok(())
            })?;
            // The next try starts here; it is worth one if this one brought something.
            if have < file.size && have <= most {
                return Err(Error::HubInterrupted {
                    file: name.into(),
                    have,
                    size: file.size,
                    reason: broken.unwrap_or_else(|| "the hub sent no more".into()),
                });
            }
            most = have;
        }
        part.sync_all().map_err(|source| full(path, 0, source))?;
        let reason = match &file.sha256 {
            _ if have > file.size => Some("it is longer than the hub's list of files says"),
            Some(hash) if sha256(path).map_err(io)? != *hash => Some("its SHA-256 differs"),
            _ => None,
        };
        match reason {
            None => Ok(()),
            Some(reason) => {
                fs::remove_file(path).map_err(io)?;
                Err(Error::HubCorrupt {
                    file: name.into(),
                    reason,
                })
            }
        }
    }
}

/// Hands on what can be read. Returns why it ended before its end, if it did.
fn copy(
    from: &mut impl Read,
    mut write: impl FnMut(&[u8]) -> Result<()>,
) -> Result<Option<String>> {
    let mut chunk = vec![0; CHUNK];
    loop {
        match from.read(&mut chunk) {
            Ok(0) => return Ok(None),
            Ok(n) => write(&chunk[..n])?,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Ok(Some(error.to_string())),
        }
    }
}

fn sha256(path: &Path) -> io::Result<String> {
    let mut file = File::open(path)?;
    let mut hash = Sha256::new();
    let mut chunk = vec![0; CHUNK];
    loop {
        match file.read(&mut chunk)? {
            0 => break,
            n => hash.update(&chunk[..n]),
        }
    }
    Ok(hash.finalize().iter().map(|b| format!("{b:02x}")).collect())
}

fn full(path: &Path, missing: u64, source: io::Error) -> Error {
    match source.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => Error::DiskFull {
            path: path.into(),
            missing,
        },
        _ => Error::io(path, source),
    }
}

fn size_of(path: &Path) -> Option<u64> {
    let data = fs::metadata(path).ok()?;
    data.is_file().then_some(data.len())
}

/// Drawn on standard error, and only when that is a terminal.
fn bar(name: &str, size: u64) -> ProgressBar {
    let bar = ProgressBar::with_draw_target(Some(size), ProgressDrawTarget::stderr());
    let style = ProgressStyle::with_template(STYLE);
    bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
    bar.with_message(name.to_string())
}

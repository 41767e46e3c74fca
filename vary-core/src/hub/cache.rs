use std::collections::BTreeSet;
use std::fs::{self, File, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};

use super::files::Wanted;
use super::name::is_commit;
use super::{Hub, HubModel};
use crate::checkpoint::{read_index, write_atomic};
use crate::error::{Error, Result};

/// A repository in the cache: contents by hash in `blobs`, links to them by commit and name in
/// `snapshots`, commits by branch in `refs`.
pub(super) struct RepoCache {
    name: String,
    revision: String,
    dir: PathBuf,
}

/// A cache of its own that a download goes to. It is removed when this is dropped; until then,
/// other downloads into the same repository wait.
pub(super) struct Staging {
    dir: PathBuf,
    _lock: File,
}

impl RepoCache {
    pub fn new(hub: &Hub, model: &HubModel) -> Self {
        let folder = folder_name(&model.name);
        Self {
            name: model.name.clone(),
            revision: model.revision.clone(),
            dir: hub.cache_dir.join(folder),
        }
    }

    pub fn name(&self) -> &str {
        &self.name
    }

    /// The directory with the files of a commit.
    pub fn snapshot(&self, commit: &str) -> PathBuf {
        self.dir.join("snapshots").join(commit)
    }

    /// Where downloads go before they are checked.
    pub fn staging(&self) -> PathBuf {
        self.dir.join(".staging")
    }

    /// Whether no file of this repository was ever asked for.
    pub fn is_new(&self) -> bool {
        !self.blobs().exists()
    }

    /// The snapshot of the revision as it was last fetched, if it is complete.
    pub fn find(&self) -> Result<PathBuf> {
        let not_cached = |what: &str| Error::NotCached {
            name: self.name.clone(),
            revision: self.revision.clone(),
            missing: what.into(),
            path: self.dir.clone(),
        };
        let dir = match is_commit(&self.revision) {
            true => self.snapshot(&self.revision),
            false => {
                let commit = fs::read_to_string(self.reference());
                self.snapshot(commit.map_err(|_| not_cached("config.json"))?.trim())
            }
        };
        let has = |name: &str| dir.join(name).is_file();
        let weights = Wanted::among(has).map_err(not_cached)?.weights;
        if weights.ends_with(".index.json") {
            let shards = read_index(&dir.join(weights))?;
            if let Some(missing) = shards.values().find(|shard| !has(shard)) {
                return Err(not_cached(missing));
            }
        }
        Ok(dir)
    }

    /// Prepares the staging directory. It has the blobs of the cache that have one of the `sizes`
    /// of a commit's files, so that what another commit brought is not downloaded again.
    pub fn stage(&self, sizes: &BTreeSet<u64>) -> Result<Staging> {
        let io = |source| Error::io(&self.dir, source);
        fs::create_dir_all(self.blobs()).map_err(io)?;
        let path = self.dir.join(".lock");
        let lock = OpenOptions::new().create(true).append(true).open(path);
        let lock = lock.map_err(io)?;
        match lock.lock() {
            // Some network drives have no locks; what is downloaded twice is checked twice.
            Err(error) if error.kind() != io::ErrorKind::Unsupported => return Err(io(error)),
            _ => {}
        }
        let staging = Staging {
            dir: self.staging(),
            _lock: lock,
        };
        // What a killed download left.
        staging.remove().map_err(io)?;
        let staged = staging.dir.join(folder_name(&self.name)).join("blobs");
        fs::create_dir_all(&staged).map_err(io)?;
        for blob in fs::read_dir(self.blobs()).map_err(io)? {
            let blob = blob.map_err(io)?;
            let name = blob.file_name();
            // Not the unfinished files of other tools, which end in `.incomplete`.
            if Path::new(&name).extension().is_none()
                && sizes.contains(&blob.metadata().map_err(io)?.len())
            {
                // Where there are no hard links, it is downloaded.
                let _ = fs::hard_link(blob.path(), staged.join(name));
            }
        }
        Ok(staging)
    }

    /// Gives a file of the staging directory, and its contents, their names in the cache.
    pub fn publish(&self, staged: &Path, path: &Path) -> Result<()> {
        let rename = |from: &Path, to: &Path| {
            if let Some(parent) = to.parent() {
                fs::create_dir_all(parent).map_err(|source| Error::io(parent, source))?;
            }
            fs::rename(from, to).map_err(|source| Error::io(to, source))
        };
        // A relative link, which leads to its blob from the cache, too. On Windows, a copy.
        let contents = fs::canonicalize(staged).map_err(|source| Error::io(staged, source))?;
        let file = OpenOptions::new().write(true).open(&contents);
        file.and_then(|file| file.sync_all())
            .map_err(|source| Error::io(staged, source))?;
        if let Some(id) = blob_of(staged) {
            rename(&contents, &self.blobs().join(id))?;
        }
        rename(staged, path)
    }

    /// Removes contents that are not what they should be. The next download brings them anew.
    pub fn forget(&self, staged: &Path) {
        if let Some(id) = blob_of(staged) {
            let _ = fs::remove_file(self.blobs().join(id));
        }
    }

    /// Notes that the revision is `commit`.
    pub fn point_to(&self, commit: &str) -> Result<()> {
        let path = self.reference();
        let is_known = is_commit(&self.revision)
            || fs::read(&path).is_ok_and(|known| known == commit.as_bytes());
        if is_known {
            return Ok(());
        }
        // A branch may have a `/` in its name.
        let parent = path.parent().unwrap_or(&self.dir);
        fs::create_dir_all(parent).map_err(|source| Error::io(&path, source))?;
        write_atomic(&path, commit.as_bytes())
    }

    fn blobs(&self) -> PathBuf {
        self.dir.join("blobs")
    }

    fn reference(&self) -> PathBuf {
        self.dir.join("refs").join(&self.revision)
    }
}

impl Staging {
    fn remove(&self) -> io::Result<()> {
        match fs::remove_dir_all(&self.dir) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            removed => removed,
        }
    }
}

impl Drop for Staging {
    fn drop(&mut self) {
        if let Err(error) = self.remove() {
            tracing::warn!("{}: {error}", self.dir.display());
        }
    }
}

fn folder_name(model: &str) -> String {
    format!("models--{}", model.replace('/', "--"))
}

/// Name of the contents that a file of a snapshot is a link to.
fn blob_of(staged: &Path) -> Option<PathBuf> {
    fs::read_link(staged).ok()?.file_name().map(PathBuf::from)
}

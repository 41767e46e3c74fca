use std::fs::{self, File, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};

use hf_hub::{Cache, CacheRepo, Repo, RepoType};

use super::files::Wanted;
use super::name::is_commit;
use super::{Hub, HubModel};
use crate::checkpoint::{read_index, write_atomic};
use crate::error::{Error, Result};

/// A repository in the cache: contents by hash in `blobs`, links to them by commit and name in
/// `snapshots`, commits by branch in `refs`.
pub(super) struct RepoCache {
    model: HubModel,
    dir: PathBuf,
    places: CacheRepo,
}

impl RepoCache {
    pub fn new(hub: &Hub, model: &HubModel) -> Self {
        let repo = Repo::with_revision(model.name.clone(), RepoType::Model, model.revision.clone());
        Self {
            model: model.clone(),
            dir: hub.cache_dir.join(repo.folder_name()),
            places: Cache::new(hub.cache_dir.clone()).repo(repo),
        }
    }

    /// The directory with the files of a commit.
    pub fn snapshot(&self, commit: &str) -> PathBuf {
        self.places.pointer_path(commit)
    }

    pub fn blob(&self, id: &str) -> PathBuf {
        self.blobs().join(id)
    }

    /// Where a blob grows until it is complete.
    pub fn part(&self, id: &str) -> PathBuf {
        self.blobs().join(format!("{id}.part"))
    }

    /// Whether no file of this repository was ever asked for.
    pub fn is_new(&self) -> bool {
        !self.blobs().exists()
    }

    /// The snapshot of the revision as it was last fetched, if it is complete.
    pub fn find(&self) -> Result<PathBuf> {
        let not_cached = |what: &str| Error::NotCached {
            name: self.model.name.clone(),
            revision: self.model.revision.clone(),
            missing: what.into(),
            path: self.dir.clone(),
        };
        let dir = match is_commit(&self.model.revision) {
            true => self.snapshot(&self.model.revision),
            false => {
                let config = self.places.get("config.json");
                let dir = config.as_deref().and_then(Path::parent);
                dir.ok_or_else(|| not_cached("config.json"))?.into()
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

    /// Keeps other downloads into this repository waiting until it is dropped.
    pub fn lock(&self) -> Result<File> {
        let io = |path: &Path, source| Error::io(path, source);
        fs::create_dir_all(self.blobs()).map_err(|source| io(&self.dir, source))?;
        let path = self.dir.join(".lock");
        let file = OpenOptions::new()
            .create(true)
            .append(true)
            .open(&path)
            .map_err(|source| io(&path, source))?;
        match file.lock() {
            // Some network drives have no locks; size and hash are checked anyway.
            Err(error) if error.kind() != io::ErrorKind::Unsupported => Err(io(&path, error)),
            _ => Ok(file),
        }
    }

    /// Gives the blob a name in the snapshot of `commit`.
    pub fn link(&self, commit: &str, name: &str, blob: &str) -> Result<()> {
        let path = self.snapshot(commit).join(name);
        let io = |source| Error::io(&path, source);
        fs::create_dir_all(self.snapshot(commit)).map_err(io)?;
        // It may be there and lead nowhere.
        match fs::remove_file(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(io(error)),
            _ => {}
        }
        let target = Path::new("..").join("..").join("blobs").join(blob);
        // Where links are not allowed (Windows) or not there (exFAT), the file itself moves.
        symlink(&target, &path)
            .or_else(|_| fs::hard_link(self.blob(blob), &path))
            .or_else(|_| fs::rename(self.blob(blob), &path))
            .map_err(io)
    }

    /// Notes that the revision is `commit`.
    pub fn point_to(&self, commit: &str) -> Result<()> {
        let path = self.dir.join("refs").join(&self.model.revision);
        let is_known = is_commit(&self.model.revision)
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
}

#[cfg(unix)]
fn symlink(target: &Path, path: &Path) -> io::Result<()> {
    std::os::unix::fs::symlink(target, path)
}

#[cfg(windows)]
fn symlink(target: &Path, path: &Path) -> io::Result<()> {
    std::os::windows::fs::symlink_file(target, path)
}

#[cfg(not(any(unix, windows)))]
fn symlink(_: &Path, _: &Path) -> io::Result<()> {
    Err(io::ErrorKind::Unsupported.into())
}

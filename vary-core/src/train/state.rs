use std::fs::{self, File};
use std::path::{Path, PathBuf};

use burn::module::Module;
use burn::store::ModuleRecord;
use burn::tensor::Bytes;
use serde::{Deserialize, Serialize};

use super::TrainConfig;
use super::optimizer::TrainOptimizer;
use crate::checkpoint::{write_atomic, write_json};
use crate::{Error, Result};

/// Where a run is: all that decides its future besides weights and optimizer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct RunState {
    /// Optimizer steps done.
    pub step: u64,
    pub config: TrainConfig,
}

const PREFIX: &str = "step-";

/// Writes a checkpoint directory: under another name first, renamed when all of it is on disk.
pub(super) fn save<M: Module>(
    dir: &Path,
    model: &M,
    optimizer: &TrainOptimizer,
    state: &RunState,
) -> Result<PathBuf> {
    fs::create_dir_all(dir).map_err(|e| Error::io(dir, e))?;
    let scratch = tempfile::Builder::new()
        .prefix(".partial-")
        .tempdir_in(dir)
        .map_err(|e| Error::io(dir, e))?;
    let broken = |path: &Path, e: &dyn std::fmt::Display| {
        Error::io(path, std::io::Error::other(e.to_string()))
    };
    let path = scratch.path().join("model.bpk");
    let bytes = model
        .clone()
        .into_record()
        .into_bytes()
        .map_err(|e| broken(&path, &e))?;
    write_atomic(&path, &bytes)?;
    let path = scratch.path().join("optimizer.bpk");
    let bytes = optimizer
        .inner()
        .into_bytes()
        .map_err(|e| broken(&path, &e))?;
    write_atomic(&path, &bytes)?;
    write_json(scratch.path().join("state.json"), state)?;

    let target = dir.join(format!("{PREFIX}{:08}", state.step));
    let publish = || {
        if target.exists() {
            fs::remove_dir_all(&target)?;
        }
        fs::rename(scratch.path(), &target)?;
        File::open(dir)?.sync_all()
    };
    publish().map_err(|e| Error::io(&target, e))?;
    Ok(target)
}

/// Removes all but the newest checkpoints, and what an interrupted write left behind.
pub(super) fn prune(dir: &Path, keep: usize) -> Result<()> {
    let mut steps = list(dir)?;
    steps.truncate(steps.len().saturating_sub(keep));
    for (_, path) in steps {
        fs::remove_dir_all(&path).map_err(|e| Error::io(path, e))?;
    }
    for entry in fs::read_dir(dir).map_err(|e| Error::io(dir, e))?.flatten() {
        if entry.file_name().to_string_lossy().starts_with(".partial-") {
            fs::remove_dir_all(entry.path()).map_err(|e| Error::io(entry.path(), e))?;
        }
    }
    Ok(())
}

/// Restores the newest checkpoint, if there is one.
pub(super) fn resume<M: Module>(
    dir: &Path,
    model: M,
    optimizer: TrainOptimizer,
    config: &TrainConfig,
) -> Result<(M, TrainOptimizer, u64)> {
    let Some((_, path)) = list(dir)?.pop() else {
        return Ok((model, optimizer, 0));
    };
    let bad = |file: &Path, e: &dyn std::fmt::Display| Error::Resume {
        path: file.into(),
        reason: e.to_string(),
    };
    let read = |file: &Path| -> Result<Vec<u8>> { fs::read(file).map_err(|e| Error::io(file, e)) };
    let file = path.join("state.json");
    let state: RunState = serde_json::from_slice(&read(&file)?).map_err(|e| bad(&file, &e))?;
    if state.config != *config {
        return Err(bad(
            &file,
            &"it was written by a run with other settings; use its settings, or another run directory",
        ));
    }
    let file = path.join("model.bpk");
    let record = ModuleRecord::from_bytes(Bytes::from_bytes_vec(read(&file)?));
    let model = record
        .and_then(|record| model.try_load_record(record))
        .map_err(|e| bad(&file, &e))?;
    // The record carries the parameters' ids, by which the optimizer finds its state.
    let optimizer = TrainOptimizer::new(&model, config);
    let file = path.join("optimizer.bpk");
    let bytes = Bytes::from_bytes_vec(read(&file)?);
    let record = burn::optim::OptimizerRecord::from_bytes(bytes).map_err(|e| bad(&file, &e))?;
    let optimizer = optimizer.map(|inner| inner.load_record(record));
    Ok((model, optimizer, state.step))
}

/// Complete checkpoints, oldest first.
fn list(dir: &Path) -> Result<Vec<(u64, PathBuf)>> {
    if !dir.exists() {
        return Ok(vec![]);
    }
    let mut found: Vec<_> = fs::read_dir(dir)
        .map_err(|e| Error::io(dir, e))?
        .flatten()
        .filter_map(|entry| {
            let name = entry.file_name().into_string().ok()?;
            Some((name.strip_prefix(PREFIX)?.parse().ok()?, entry.path()))
        })
        .collect();
    found.sort();
    Ok(found)
}

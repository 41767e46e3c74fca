use std::fmt::Display;
use std::fs;
use std::path::{Path, PathBuf};

use burn::module::{Module, ParamGroup};
use burn::store::ModuleRecord;
use burn::tensor::Bytes;
use serde::{Deserialize, Serialize};

use super::TrainConfig;
use super::grads::{digest, frozen_digest};
use super::optimizer::TrainOptimizer;
use crate::checkpoint::{write_atomic, write_json};
use crate::model::trained_ids;
use crate::{Error, Result};

/// Where a run is: everything that decides its future besides parameters and optimizer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct RunState {
    /// Optimizer steps done.
    step: u64,
    config: TrainConfig,
    /// Hash of the frozen parameters, which checkpoints leave out.
    frozen: u64,
    /// The objective's [`identity`](super::Objective::identity).
    objective: String,
    /// Hashes of `model.bpk` and `optimizer.bpk`. Checkpoints of earlier versions have none.
    #[serde(default)]
    digests: Option<[u64; 2]>,
}

/// The checkpoints of a run. They hold the trained parameters only; the caller loads the frozen
/// ones as for a new run.
pub(super) struct Checkpoints {
    dir: PathBuf,
    config: TrainConfig,
    frozen: u64,
    objective: String,
}

const PREFIX: &str = "step-";
/// Prefix of the directories that are being written or removed.
const PARTIAL: &str = ".partial-";

impl Checkpoints {
    /// Those of the run that trains `model`, in `dir`.
    pub fn new<M: Module>(
        dir: PathBuf,
        model: &M,
        config: &TrainConfig,
        objective: String,
    ) -> Self {
        Self {
            dir,
            objective,
            config: config.clone(),
            frozen: frozen_digest(model),
        }
    }

    /// Writes a checkpoint directory under another name and renames it once all of it is on disk.
    /// Then removes all but the newest, and what an interrupted write left.
    pub fn save<M: Module>(&self, model: &M, optimizer: &TrainOptimizer, step: u64) -> Result<()> {
        let dir = &self.dir;
        fs::create_dir_all(dir).map_err(|e| Error::io(dir, e))?;
        let scratch = tempfile::Builder::new()
            .prefix(PARTIAL)
            .tempdir_in(dir)
            .map_err(|e| Error::io(dir, e))?;
        let broken =
            |path: &Path, e: &dyn Display| Error::io(path, std::io::Error::other(e.to_string()));
        let path = scratch.path().join("model.bpk");
        let trained = ParamGroup::from_ids(trained_ids(model));
        let record = model.clone().into_record_group(trained);
        let bytes = record.into_bytes().map_err(|e| broken(&path, &e))?;
        let model = digest(&bytes);
        write_atomic(&path, &bytes)?;
        let path = scratch.path().join("optimizer.bpk");
        let bytes = optimizer
            .inner()
            .into_bytes()
            .map_err(|e| broken(&path, &e))?;
        write_atomic(&path, &bytes)?;
        let state = RunState {
            step,
            config: self.config.clone(),
            frozen: self.frozen,
            objective: self.objective.clone(),
            digests: Some([model, digest(&bytes)]),
        };
        write_json(scratch.path().join("state.json"), &state)?;

        let target = dir.join(format!("{PREFIX}{step:08}"));
        let publish = || -> std::io::Result<()> {
            fs::rename(scratch.path(), &target)?;
            // Elsewhere a directory can't be opened.
            #[cfg(unix)]
            std::fs::File::open(dir)?.sync_all()?;
            Ok(())
        };
        publish().map_err(|e| Error::io(&target, e))?;
        self.prune()
    }

    fn prune(&self) -> Result<()> {
        let mut steps = self.list()?;
        steps.truncate(steps.len().saturating_sub(self.config.keep));
        for (_, path) in steps {
            // Under another name first: half removed, it would look like a checkpoint.
            let old = path.with_file_name(format!(
                "{PARTIAL}{}",
                path.file_name().unwrap_or_default().to_string_lossy()
            ));
            fs::rename(&path, &old).map_err(|e| Error::io(path, e))?;
        }
        let entries = fs::read_dir(&self.dir).map_err(|e| Error::io(&self.dir, e))?;
        for entry in entries.flatten() {
            if entry.file_name().to_string_lossy().starts_with(PARTIAL) {
                let path = entry.path();
                let removed = match path.is_dir() {
                    true => fs::remove_dir_all(&path),
                    false => fs::remove_file(&path),
                };
                removed.map_err(|e| Error::io(path, e))?;
            }
        }
        Ok(())
    }

    /// Restores the newest checkpoint, if there is one; also returns the steps done.
    pub fn resume<M: Module>(
        &self,
        model: M,
        optimizer: TrainOptimizer,
    ) -> Result<(M, TrainOptimizer, u64)> {
        let Some((_, path)) = self.list()?.pop() else {
            return Ok((model, optimizer, 0));
        };
        let state = self.read_state(&path.join("state.json"))?;
        let file = path.join("model.bpk");
        let [model_digest, optimizer_digest] = state.digests.map_or([None; 2], |d| d.map(Some));
        let bytes = read_whole(&file, model_digest)?;
        let record = ModuleRecord::from_bytes(Bytes::from_bytes_vec(bytes));
        // Partial, as frozen parameters are not in it. None of the trained ones may be missing.
        let expected = trained_ids(&model).len();
        if let Ok(record) = &record
            && record.len() != expected
        {
            let reason = format!(
                "it has {} trained tensors, the model {expected}",
                record.len()
            );
            return Err(bad(&file, &reason));
        }
        let model = record
            .and_then(|record| model.try_load_record(record.allow_partial(true)))
            .map_err(|e| bad(&file, &e))?;
        // The record carries the parameters' ids, by which the optimizer finds its state.
        let optimizer = TrainOptimizer::new(&model, &self.config)?;
        let file = path.join("optimizer.bpk");
        // Of bytes that were changed, loading the record could panic.
        let bytes = Bytes::from_bytes_vec(read_whole(&file, optimizer_digest)?);
        let record = burn::optim::OptimizerRecord::from_bytes(bytes).map_err(|e| bad(&file, &e))?;
        let optimizer = optimizer.map(|inner| inner.load_record(record));
        Ok((model, optimizer, state.step))
    }

    /// Reads the state of a checkpoint, which has to be of the same run.
    fn read_state(&self, file: &Path) -> Result<RunState> {
        let state: RunState = serde_json::from_slice(&read(file)?).map_err(|e| bad(file, &e))?;
        if state.config != self.config {
            let reason = "it was written by a run with other settings; use its settings, or \
                          another run directory";
            return Err(bad(file, &reason));
        }
        if state.objective != self.objective {
            let reason = format!(
                "it was written by a run on other data ({}; now {}); use its data, or another run \
                 directory",
                state.objective, self.objective
            );
            return Err(bad(file, &reason));
        }
        if state.frozen != self.frozen {
            let reason = "it was written by a run with other frozen parameters; start from the \
                          same checkpoint, or use another run directory";
            return Err(bad(file, &reason));
        }
        Ok(state)
    }

    /// Complete checkpoints, oldest first.
    fn list(&self) -> Result<Vec<(u64, PathBuf)>> {
        if !self.dir.exists() {
            return Ok(vec![]);
        }
        let mut found: Vec<_> = fs::read_dir(&self.dir)
            .map_err(|e| Error::io(&self.dir, e))?
            .flatten()
            .filter_map(|entry| {
                let name = entry.file_name().into_string().ok()?;
                Some((name.strip_prefix(PREFIX)?.parse().ok()?, entry.path()))
            })
            .collect();
        found.sort();
        Ok(found)
    }
}

fn read(file: &Path) -> Result<Vec<u8>> {
    crate::file::read(file).map_err(|e| Error::io(file, e))
}

/// Reads a file that has to have a hash, if that is known.
fn read_whole(file: &Path, expected: Option<u64>) -> Result<Vec<u8>> {
    let bytes = read(file)?;
    match expected.is_some_and(|expected| digest(&bytes) != expected) {
        true => Err(bad(
            file,
            &"it is not what was written: the disk or a copy is damaged; remove this checkpoint \
              to resume from the one before",
        )),
        false => Ok(bytes),
    }
}

fn bad(file: &Path, reason: &dyn Display) -> Error {
    Error::Resume {
        path: file.into(),
        reason: reason.to_string(),
    }
}

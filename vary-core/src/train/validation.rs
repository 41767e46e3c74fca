use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use serde_json::{Map, Value, json};

use super::ConversationObjective;
use super::logger::ValidationReport;
use crate::checkpoint::write_atomic;
use crate::model::FamilyModel;
use crate::{Error, Result};

/// Measures a model during a run, so that the best one is kept; see
/// [`Trainer::with_validation`](super::Trainer::with_validation).
pub trait Validation<M> {
    /// The score of `model` after `step` optimizer steps; `None` if it is not to be measured yet.
    ///
    /// # Errors
    /// Stops the run; its last checkpoint stays.
    fn score(&mut self, model: &M, step: u64) -> Result<Option<Score>>;

    /// Writes `model`, whose loss is the lowest so far, to the directory `dir`, which may hold the
    /// best model before it.
    ///
    /// # Errors
    /// Stops the run; its last checkpoint stays.
    fn save(&mut self, model: &M, dir: &Path) -> Result<()>;
}

impl<M, V: Validation<M> + ?Sized> Validation<M> for &mut V {
    fn score(&mut self, model: &M, step: u64) -> Result<Option<Score>> {
        (**self).score(model, step)
    }

    fn save(&mut self, model: &M, dir: &Path) -> Result<()> {
        (**self).save(model, dir)
    }
}

/// What a validation measured.
#[derive(Debug, Clone, Default)]
pub struct Score {
    /// The lower the better. NaN or infinite is never the best.
    pub loss: f32,
    /// More values for `validation.jsonl`.
    pub fields: Map<String, Value>,
}

impl From<f32> for Score {
    fn from(loss: f32) -> Self {
        Self {
            loss,
            fields: Map::new(),
        }
    }
}

/// Mean loss on conversations that are not trained on; see
/// [`ConversationObjective::validation`].
pub struct LossValidation<'a, M, F> {
    objective: &'a ConversationObjective<M>,
    count: usize,
    micro_batch_size: usize,
    save: F,
}

impl<M: FamilyModel> ConversationObjective<M> {
    /// Validates on the first `count` conversations of this data, `micro_batch_size` at a time:
    /// `count` is capped at the size of the data. `save` writes the best model to a directory.
    pub fn validation<F>(
        &self,
        count: usize,
        micro_batch_size: usize,
        save: F,
    ) -> LossValidation<'_, M, F>
    where
        F: FnMut(&M, &Path) -> Result<()>,
    {
        LossValidation {
            objective: self,
            count: count.min(self.data().len()),
            micro_batch_size,
            save,
        }
    }
}

impl<M, F> Validation<M> for LossValidation<'_, M, F>
where
    M: FamilyModel,
    F: FnMut(&M, &Path) -> Result<()>,
{
    fn score(&mut self, model: &M, _step: u64) -> Result<Option<Score>> {
        let loss = self
            .objective
            .mean_loss(model, self.count, self.micro_batch_size)?;
        Ok(Some(loss.into()))
    }

    fn save(&mut self, model: &M, dir: &Path) -> Result<()> {
        (self.save)(model, dir)
    }
}

/// The validation of a run with how often it is due.
pub(super) struct Scheduled<'a, M> {
    pub every: u64,
    pub validation: Box<dyn Validation<M> + 'a>,
}

impl<M> Scheduled<'_, M> {
    /// Whether it is due after `step` of `steps`.
    pub fn due(&self, step: u64, steps: u64) -> bool {
        step == steps || (self.every > 0 && step.is_multiple_of(self.every))
    }

    /// Measures the model of a run in `dir`, unless the step was measured before the run was
    /// interrupted, and keeps the best one in `best/`.
    pub fn run(&mut self, model: &M, step: u64, dir: &Path) -> Result<Option<ValidationReport>> {
        let log = ValidationLog::read(dir)?;
        if log.has(step) {
            return Ok(None);
        }
        let Some(Score { loss, fields }) = self.validation.score(model, step)? else {
            return Ok(None);
        };
        let best = loss.is_finite() && log.losses().all(|before| loss < before);
        if best {
            self.validation.save(model, &dir.join("best"))?;
        }
        // Last: an interruption before this line measures the step again.
        log.add(step, loss, &fields)?;
        Ok(Some(ValidationReport {
            step,
            loss,
            fields,
            best,
        }))
    }
}

/// `validation.jsonl` in the directory of a run: a line for each validation.
struct ValidationLog {
    path: PathBuf,
    text: String,
    records: Vec<Value>,
}

impl ValidationLog {
    /// Reads what is there; nothing, if the run is new.
    ///
    /// # Errors
    /// [`Error::Io`] for a file that can't be read or has a line that is not JSON: taken for a new
    /// run, it would lose the best model so far.
    fn read(run: &Path) -> Result<Self> {
        let path = run.join("validation.jsonl");
        let text = match fs::read_to_string(&path) {
            Err(e) if e.kind() == ErrorKind::NotFound => String::new(),
            other => other.map_err(|e| Error::io(&path, e))?,
        };
        let records: serde_json::Result<_> = text.lines().map(serde_json::from_str).collect();
        let records = records.map_err(|e| Error::io(&path, e.into()))?;
        Ok(Self {
            records,
            path,
            text,
        })
    }

    fn has(&self, step: u64) -> bool {
        self.records.iter().any(|record| record["step"] == step)
    }

    /// The finite losses so far.
    fn losses(&self) -> impl Iterator<Item = f32> {
        let losses = self.records.iter().map(|record| record["loss"].as_f64());
        losses.flatten().map(|loss| loss as f32)
    }

    fn add(mut self, step: u64, loss: f32, fields: &Map<String, Value>) -> Result<()> {
        let mut record = Map::new();
        record.insert("step".into(), json!(step));
        record.insert("loss".into(), json!(loss));
        record.extend(fields.clone());
        self.text.push_str(&format!("{}\n", Value::Object(record)));
        write_atomic(&self.path, self.text.as_bytes())
    }
}

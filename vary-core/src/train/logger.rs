use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use serde_json::{Map, Value};

use crate::Result;

/// Receives the reports of a run, for a progress bar or a dashboard. Every method does nothing by
/// default; an error stops the run, whose last checkpoint stays.
///
/// `log.jsonl` in the run directory is written in any case, see [`Trainer`](super::Trainer).
pub trait TrainLogger {
    /// The run starts, or resumes.
    ///
    /// # Errors
    /// Stops the run.
    fn start(&mut self, run: &RunReport<'_>) -> Result<()> {
        let _ = run;
        Ok(())
    }

    /// An optimizer step is done.
    ///
    /// # Errors
    /// Stops the run.
    fn step(&mut self, report: &StepReport) -> Result<()> {
        let _ = report;
        Ok(())
    }

    /// The model was validated.
    ///
    /// # Errors
    /// Stops the run.
    fn validation(&mut self, report: &ValidationReport) -> Result<()> {
        let _ = report;
        Ok(())
    }

    /// All steps are done.
    ///
    /// # Errors
    /// Is returned to the caller of the run.
    fn finish(&mut self) -> Result<()> {
        Ok(())
    }
}

impl<L: TrainLogger + ?Sized> TrainLogger for &mut L {
    fn start(&mut self, run: &RunReport<'_>) -> Result<()> {
        (**self).start(run)
    }

    fn step(&mut self, report: &StepReport) -> Result<()> {
        (**self).step(report)
    }

    fn validation(&mut self, report: &ValidationReport) -> Result<()> {
        (**self).validation(report)
    }

    fn finish(&mut self) -> Result<()> {
        (**self).finish()
    }
}

/// A run as it starts.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub struct RunReport<'a> {
    /// Directory of the run.
    pub dir: &'a Path,
    /// Optimizer steps done before; 0 for a new run.
    pub done: u64,
    /// Optimizer steps of the whole run.
    pub steps: u64,
}

impl<'a> RunReport<'a> {
    pub(super) fn new(dir: &'a Path, done: u64, steps: u64) -> Self {
        Self { dir, done, steps }
    }
}

/// An optimizer step.
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub struct StepReport {
    /// Optimizer steps done, this one included.
    pub step: u64,
    /// Loss of its samples.
    pub loss: f32,
    /// Parts of the loss by name, as the objective reports them.
    pub parts: BTreeMap<&'static str, f32>,
    /// L2 norm of all gradients before clipping.
    pub grad_norm: f32,
    /// Learning rate of the parameters that are in no [`LrGroup`](super::LrGroup).
    pub learning_rate: f64,
    /// Number of samples.
    pub samples: usize,
    /// Time that the step took, without checkpoint and validation.
    pub time: Duration,
    /// Part of `time` that was spent waiting for samples.
    pub data_wait: Duration,
    /// Time that all cores together spent on making the samples.
    pub data_cpu: Duration,
}

/// A validation.
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub struct ValidationReport {
    /// Optimizer steps done.
    pub step: u64,
    /// Validation loss; lower is better.
    pub loss: f32,
    /// Further values that the validation measured.
    pub fields: Map<String, Value>,
    /// Whether it is the lowest loss of the run so far.
    pub best: bool,
}

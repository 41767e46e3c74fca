//! Numbers and cases of an evaluation, as JSON and as a page.

mod case;
mod collect;
mod display;
mod html;
mod locate;
mod picture;
mod text;

use std::path::Path;

use serde::{Deserialize, Serialize};

pub use case::{Case, Truth};
pub use collect::Evaluation;
pub use locate::LocateSummary;
pub use text::TextSummary;

use super::{CalibrationSummary, DetectionSummary};
use crate::checkpoint::{write_atomic, write_json};
use crate::{Error, Result};

/// What an [`Evaluation`] measured, and the answers that show it. Displays as a table for the
/// terminal.
///
/// Its JSON can be read back, but for the pictures, which are not in it. No number is NaN or infinite
/// unless an edge of a true box is.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Report {
    /// What was scored, in one line.
    pub title: String,
    /// The tasks, in the order in which they were first added.
    pub tasks: Vec<TaskReport>,
}

/// The answers to one task.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TaskReport {
    /// Name of the task, as it was added.
    pub name: String,
    /// Answers, at least one.
    pub count: usize,
    /// How good they are.
    pub metrics: Metrics,
    /// Share of the answers that the loop guard ended, 0 to 1.
    pub loop_rate: f64,
    /// Share of the answers that were cut at the most tokens allowed, 0 to 1.
    pub length_rate: f64,
    /// How long an answer took.
    pub seconds: StageSeconds,
    /// The best answers, the best first.
    pub best: Vec<Case>,
    /// The worst answers, the worst first; none of them is among the best.
    pub worst: Vec<Case>,
}

/// The numbers that apply to a task.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
pub enum Metrics {
    /// Several objects were to be found.
    Detection(Box<DetectionSummary>),
    /// One object was to be found.
    Locate(LocateSummary),
    /// Words were to be said.
    Text(TextSummary),
}

impl Metrics {
    /// How well scores say what is right: for boxes a hit at IoU 0.5, for text a word that the
    /// reference has at this place.
    pub fn calibration(&self) -> &CalibrationSummary {
        match self {
            Self::Detection(summary) => &summary.calibration,
            Self::Locate(summary) => &summary.calibration,
            Self::Text(summary) => &summary.calibration,
        }
    }
}

/// Medians over the answers, in seconds. Those of the stages need not add up to the total's.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct StageSeconds {
    /// Preprocessing and encoding the picture.
    pub encode: f64,
    /// Reading the prompt.
    pub prefill: f64,
    /// Generating the answer.
    pub decode: f64,
    /// All stages.
    pub total: f64,
}

impl Report {
    /// Writes `report.json` and `report.html` into `dir`, which is made if need be. Each file
    /// appears complete or not at all.
    ///
    /// # Errors
    /// [`Error::Io`] naming the file.
    pub fn save(&self, dir: impl AsRef<Path>) -> Result<()> {
        let dir = dir.as_ref();
        std::fs::create_dir_all(dir).map_err(|source| Error::io(dir, source))?;
        write_json(dir.join("report.json"), self)?;
        write_atomic(&dir.join("report.html"), self.to_html().as_bytes())
    }

    /// The report as a page that needs no other file, with pictures of the best and worst answers
    /// where this report was not read from JSON.
    pub fn to_html(&self) -> String {
        html::page(self)
    }
}

use serde::{Deserialize, Serialize};

use super::{CalibrationSummary, DetectionSummary, LocateSummary, TextSummary};

/// The results of one task. No number is NaN or infinite unless an edge of a true box is.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TaskSummary {
    /// Name of the task, as passed to [`Evaluation::add`](super::Evaluation::add).
    pub name: String,
    /// Number of answers, at least one.
    pub count: usize,
    /// The metrics of the task's kind.
    pub metrics: Metrics,
    /// Share of the answers that the loop guard ended, 0 to 1.
    pub loop_rate: f64,
    /// Share of the answers that ended at the maximum number of tokens, 0 to 1.
    pub length_rate: f64,
    /// Time per answer.
    pub seconds: StageSeconds,
}

/// The metrics that apply to a task.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
pub enum Metrics {
    /// Detection of several objects.
    Detection(Box<DetectionSummary>),
    /// Localization of a single object.
    Locate(LocateSummary),
    /// Text.
    Text(TextSummary),
}

impl Metrics {
    /// Calibration of the scores. A box is correct if it is a hit at IoU 0.5, a word if the
    /// reference has it at this place.
    pub fn calibration(&self) -> &CalibrationSummary {
        match self {
            Self::Detection(summary) => &summary.calibration,
            Self::Locate(summary) => &summary.calibration,
            Self::Text(summary) => &summary.calibration,
        }
    }
}

/// Medians over the answers, in seconds. The stages need not add up to the total.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct StageSeconds {
    /// Preprocessing and encoding the image.
    pub encode: f64,
    /// Processing the prompt.
    pub prefill: f64,
    /// Generating the answer.
    pub decode: f64,
    /// All stages.
    pub total: f64,
}

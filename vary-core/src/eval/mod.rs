//! How good answers are. Boxes: the twelve COCO numbers, mean IoU, accuracy, confusion of classes.
//! Words: ANLS, relaxed accuracy, edit distance, error rates, word F1, BLEU. Scores: calibration.
//! [`Evaluation`] computes all that applies to a task and writes it down as JSON and as a page.

mod align;
mod calibration;
mod coco;
mod confusion;
mod detection;
mod report;
mod text;

pub use calibration::{Calibration, CalibrationBin, CalibrationSummary};
pub use coco::{CocoEval, CocoSummary, CocoTruth};
pub use confusion::Confusion;
pub use detection::{DetectionEval, DetectionSummary, GroundTruth, iou_accuracy};
pub use report::{
    Case, Evaluation, LocateSummary, Metrics, Report, StageSeconds, TaskReport, TextSummary, Truth,
};
pub use text::{
    WordScores, anls, bleu4, character_error_rate, normalized_edit_distance, relaxed_correct,
    word_error_rate, word_scores,
};

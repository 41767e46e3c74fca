//! Metrics of answers. Boxes: the twelve COCO metrics, mean IoU, accuracy, confusion of classes.
//! Text: ANLS, relaxed accuracy, edit distance, error rates, word F1, BLEU. Scores: calibration.
//! [`Evaluation`] computes all that apply to a task.

mod align;
mod calibration;
mod coco;
mod confusion;
mod detection;
mod evaluation;
mod locate;
mod summary;
mod text;
mod text_summary;
mod truth;

pub use align::common_words;
pub use calibration::{Calibration, CalibrationBin, CalibrationSummary};
pub use coco::{CocoEval, CocoSummary, CocoTruth};
pub use confusion::Confusion;
pub use detection::{DetectionEval, DetectionSummary, GroundTruth, iou_accuracy};
pub use evaluation::{Evaluation, ScoredAnswer};
pub use locate::LocateSummary;
pub use summary::{Metrics, StageSeconds, TaskSummary};
pub use text::{
    WordScores, anls, bleu4, character_error_rate, normalized_edit_distance, relaxed_correct,
    word_error_rate, word_scores,
};
pub use text_summary::{TextSummary, closest_reference};
pub use truth::Truth;

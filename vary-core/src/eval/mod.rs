//! How good answers are. Boxes: the twelve COCO numbers, mean IoU, accuracy, confusion of classes.
//! Words: ANLS, relaxed accuracy, edit distance, error rates, word F1, BLEU.

mod coco;
mod confusion;
mod detection;
mod text;

pub use coco::{CocoEval, CocoSummary, CocoTruth};
pub use confusion::Confusion;
pub use detection::{DetectionEval, DetectionSummary, GroundTruth, iou_accuracy};
pub use text::{
    WordScores, anls, bleu4, character_error_rate, normalized_edit_distance, relaxed_correct,
    word_error_rate, word_scores,
};

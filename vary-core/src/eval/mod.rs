//! How good detections are: the twelve COCO numbers, mean IoU, accuracy, confusion of classes.

mod coco;
mod confusion;
mod detection;

pub use coco::{CocoEval, CocoSummary, CocoTruth};
pub use confusion::Confusion;
pub use detection::{DetectionEval, DetectionSummary, GroundTruth, iou_accuracy};

use serde::{Deserialize, Serialize};

use super::detection::HIT_IOU;
use super::{Calibration, CalibrationSummary, iou_accuracy};
use crate::detection::{BoundingBox, Detection};

/// Metrics of the localization of single objects; the most confident box of an answer counts.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LocateSummary {
    /// Share of the answers with an IoU of at least 0.5, 0 to 1 (RefCOCO's accuracy@0.5); an answer
    /// without a box is wrong.
    pub accuracy: f64,
    /// Mean IoU, 0 to 1; that of an answer without a box is 0.
    pub mean_iou: f64,
    /// Share of the answers that have a box, 0 to 1.
    pub answered: f64,
    /// Calibration of the scores of the boxes; a box is correct from an IoU of 0.5 on.
    pub calibration: CalibrationSummary,
}

/// Collects true boxes and the most confident boxes of answers.
#[derive(Debug, Clone, Default)]
pub(super) struct LocateSums {
    pairs: Vec<(BoundingBox, Option<BoundingBox>)>,
    calibration: Calibration,
}

impl LocateSums {
    /// Adds an answer; returns its IoU.
    pub fn add(&mut self, truth: BoundingBox, best: Option<&Detection>) -> f64 {
        let found = best.map(|detection| detection.bbox);
        self.pairs.push((truth, found));
        let iou = iou(&(truth, found));
        if let Some(detection) = best {
            let hit = iou >= f64::from(HIT_IOU);
            self.calibration.add(detection.score, hit);
        }
        iou
    }

    /// The numbers over all answers added so far, of which there is at least one.
    pub fn summary(&self) -> LocateSummary {
        let mean = |sum: f64| sum / self.pairs.len().max(1) as f64;
        let answered = self.pairs.iter().filter(|(_, found)| found.is_some());
        LocateSummary {
            accuracy: iou_accuracy(&self.pairs, HIT_IOU),
            mean_iou: mean(self.pairs.iter().map(iou).sum()),
            answered: mean(answered.count() as f64),
            calibration: self.calibration.summary(),
        }
    }
}

/// IoU, 0 without a box or where edges are infinite.
fn iou((truth, found): &(BoundingBox, Option<BoundingBox>)) -> f64 {
    let iou = found.map_or(0.0, |bbox| f64::from(truth.iou(&bbox)));
    if iou.is_finite() { iou } else { 0.0 }
}

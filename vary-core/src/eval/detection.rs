use std::collections::HashMap;
use std::fmt;

use serde::{Deserialize, Serialize};

use super::{Calibration, CalibrationSummary, CocoEval, CocoSummary, CocoTruth, Confusion};
use crate::detection::{BoundingBox, Detection};

/// A true object of an image.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct GroundTruth {
    /// Name of the class.
    pub label: String,
    /// Box in pixels.
    pub bbox: BoundingBox,
    /// Covers a group of objects: detections inside are ignored.
    pub crowd: bool,
}

impl GroundTruth {
    /// A single object.
    pub fn new(label: impl Into<String>, bbox: BoundingBox) -> Self {
        Self {
            label: label.into(),
            bbox,
            crowd: false,
        }
    }
}

/// Collects detections and true objects image by image.
///
/// ```
/// # use vary_core::detection::{BoundingBox, Detection};
/// # use vary_core::eval::{DetectionEval, GroundTruth};
/// let bbox = BoundingBox::new(0.0, 0.0, 64.0, 64.0);
/// let mut eval = DetectionEval::new(["cat", "dog"]);
/// eval.add(
///     &[GroundTruth::new("cat", bbox)],
///     &[Detection::new("cat", 0.9, bbox)],
/// );
/// let summary = eval.summary();
/// assert!(summary.coco.ap50 > 0.999);
/// assert_eq!(summary.mean_iou, 1.0);
/// println!("{summary}");
/// ```
#[derive(Debug, Clone)]
pub struct DetectionEval {
    index: HashMap<String, usize>,
    min_score: f32,
    coco: CocoEval,
    confusion: Confusion,
    images: usize,
    truths: usize,
    hits: usize,
    /// Sum of the IoU of all hits.
    overlap: f64,
    /// Score of every counted detection, and whether it is a hit.
    scored: Vec<(f32, bool)>,
}

/// IoU from which a box counts as found.
pub(super) const HIT_IOU: f32 = 0.5;

impl DetectionEval {
    /// An evaluation over these classes.
    pub fn new<S: Into<String>>(classes: impl IntoIterator<Item = S>) -> Self {
        let classes: Vec<String> = classes.into_iter().map(Into::into).collect();
        Self {
            index: classes
                .iter()
                .cloned()
                .enumerate()
                .map(|(i, c)| (c, i))
                .collect(),
            min_score: 0.0,
            coco: CocoEval::default(),
            confusion: Confusion::new(classes),
            images: 0,
            truths: 0,
            hits: 0,
            overlap: 0.0,
            scored: vec![],
        }
    }

    /// Sets the minimum score of detections for precision, recall, calibration and confusion; 0 by
    /// default. The COCO metrics always rank all detections.
    #[must_use]
    pub fn with_min_score(mut self, min_score: f32) -> Self {
        self.min_score = min_score;
        self
    }

    /// Adds one image. True objects of other classes are left out; detections with other labels are
    /// left out of the COCO metrics only.
    pub fn add(&mut self, truths: &[GroundTruth], detections: &[Detection]) {
        let truths: Vec<(usize, &GroundTruth)> = truths
            .iter()
            .filter_map(|t| Some((*self.index.get(&t.label)?, t)))
            .collect();
        let detections: Vec<(Option<usize>, &Detection)> = detections
            .iter()
            .map(|d| (self.index.get(&d.label).copied(), d))
            .collect();
        self.images += 1;
        self.add_coco(&truths, &detections);
        let confident = |(_, d): &(Option<usize>, &Detection)| d.reaches(self.min_score);
        let confident: Vec<_> = detections.into_iter().filter(confident).collect();
        self.add_matches(&truths, &confident);
    }

    fn add_coco(
        &mut self,
        truths: &[(usize, &GroundTruth)],
        detections: &[(Option<usize>, &Detection)],
    ) {
        for class in 0..self.confusion.classes.len() {
            let truths: Vec<_> = truths
                .iter()
                .filter(|(c, _)| *c == class)
                .map(|(_, t)| {
                    let bbox = xywh(&t.bbox);
                    CocoTruth {
                        bbox,
                        area: bbox[2] * bbox[3],
                        crowd: t.crowd,
                    }
                })
                .collect();
            let found: Vec<_> = detections
                .iter()
                .filter(|(c, _)| *c == Some(class))
                .map(|(_, d)| (xywh(&d.bbox), f64::from(d.score)))
                .collect();
            self.coco.add(class, &truths, &found);
        }
    }

    /// Matches boxes one to one: pairs of the same class first, then by falling IoU. A second box
    /// with another label does not displace a correct one.
    fn add_matches(
        &mut self,
        truths: &[(usize, &GroundTruth)],
        detections: &[(Option<usize>, &Detection)],
    ) {
        let (crowds, truths): (Vec<_>, Vec<_>) = truths.iter().partition(|(_, t)| t.crowd);
        let mut pairs: Vec<(f32, usize, usize)> = truths
            .iter()
            .enumerate()
            .flat_map(|(i, (_, t))| {
                let ious = detections.iter().map(|(_, d)| t.bbox.iou(&d.bbox));
                ious.enumerate().map(move |(j, iou)| (iou, i, j))
            })
            .filter(|(iou, ..)| *iou >= HIT_IOU)
            .collect();
        let same = |&(_, i, j): &(f32, usize, usize)| Some(truths[i].0) == detections[j].0;
        pairs.sort_by(|a, b| same(b).cmp(&same(a)).then(b.0.total_cmp(&a.0)));

        let none = self.confusion.classes.len();
        let mut matched = vec![false; truths.len()];
        let mut used = vec![false; detections.len()];
        for (iou, i, j) in pairs {
            if matched[i] || used[j] {
                continue;
            }
            // A box with an unknown label is false and does not match an object.
            let (class, Some(found)) = (truths[i].0, detections[j].0) else {
                continue;
            };
            (matched[i], used[j]) = (true, true);
            self.confusion.counts[class][found] += 1;
            self.scored.push((detections[j].1.score, class == found));
            if class == found {
                self.hits += 1;
                self.overlap += f64::from(iou);
            }
        }
        self.truths += truths.len();
        for ((class, _), _) in truths
            .iter()
            .zip(&matched)
            .filter(|(_, matched)| !**matched)
        {
            self.confusion.counts[*class][none] += 1;
        }
        for ((class, d), _) in detections.iter().zip(&used).filter(|(_, used)| !**used) {
            if crowds
                .iter()
                .any(|(c, t)| Some(*c) == *class && inside(d, t))
            {
                continue;
            }
            self.scored.push((d.score, false));
            match class {
                Some(class) => self.confusion.counts[none][*class] += 1,
                None => {
                    self.confusion.counts[none][none] += 1;
                    self.confusion.unknown += 1;
                }
            }
        }
    }

    /// Panoptic quality of the boxes (arXiv 1801.00868), 0 to 1: the sum of the IoU of the hits
    /// over the mean number of objects and detections; 1 without objects and detections.
    pub(super) fn quality(&self) -> f64 {
        match self.truths + self.scored.len() {
            0 => 1.0,
            boxes => 2.0 * self.overlap / boxes as f64,
        }
    }

    /// The score of every detection outside of crowds, and whether it is a hit.
    pub fn scored(&self) -> &[(f32, bool)] {
        &self.scored
    }

    /// The metrics of all images added so far.
    pub fn summary(&self) -> DetectionSummary {
        let mut calibration = Calibration::default();
        for &(score, hit) in &self.scored {
            calibration.add(score, hit);
        }
        let ratio = |sum: f64, count: usize| if count == 0 { -1.0 } else { sum / count as f64 };
        let classes = 0..self.confusion.classes.len();
        DetectionSummary {
            images: self.images,
            truths: self.truths,
            detections: self.scored.len(),
            coco: self.coco.summary(),
            class_ap50: classes.map(|class| self.coco.class_ap50(class)).collect(),
            precision: ratio(self.hits as f64, self.scored.len()),
            recall: ratio(self.hits as f64, self.truths),
            mean_iou: ratio(self.overlap, self.hits),
            mean_iou_all: ratio(self.overlap, self.truths),
            calibration: calibration.summary(),
            confusion: self.confusion.clone(),
        }
    }
}

/// The results of a [`DetectionEval`]. Shares are in 0..=1, or -1 without objects or detections. A
/// hit is a box of the correct class with an IoU of at least 0.5. Detections have at least the
/// minimum score ([`DetectionEval::with_min_score`]), except for the COCO metrics.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DetectionSummary {
    /// Number of images.
    pub images: usize,
    /// Number of true objects without crowds.
    pub truths: usize,
    /// Number of detections outside of crowds.
    pub detections: usize,
    /// The COCO metrics.
    pub coco: CocoSummary,
    /// Average precision at IoU 0.5 of each class, in the order of [`Confusion::classes`].
    pub class_ap50: Vec<f64>,
    /// Share of the detections that are hits.
    pub precision: f64,
    /// Share of the objects that are hit.
    pub recall: f64,
    /// Mean IoU of the hits.
    pub mean_iou: f64,
    /// Mean IoU over all objects, with 0 for those not hit.
    pub mean_iou_all: f64,
    /// Calibration of the scores; a hit is correct.
    pub calibration: CalibrationSummary,
    /// Confusion of classes.
    pub confusion: Confusion,
}

impl fmt::Display for DetectionSummary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let c = &self.coco;
        writeln!(
            f,
            "{} images, {} objects, {} boxes found",
            self.images, self.truths, self.detections
        )?;
        writeln!(
            f,
            "AP {:.4}   AP50 {:.4}   AP75 {:.4}",
            c.ap, c.ap50, c.ap75
        )?;
        writeln!(
            f,
            "AP small {:.4}   medium {:.4}   large {:.4}   AR1 {:.4}   AR10 {:.4}   AR100 {:.4}",
            c.ap_small, c.ap_medium, c.ap_large, c.ar1, c.ar10, c.ar100
        )?;
        writeln!(
            f,
            "at IoU 0.5: precision {:.4}   recall {:.4}   mean IoU {:.4}   over all objects {:.4}",
            self.precision, self.recall, self.mean_iou, self.mean_iou_all
        )?;
        if let (Some(ece), Some(brier)) = (self.calibration.ece, self.calibration.brier) {
            writeln!(f, "scores: calibration error {ece:.4}   Brier {brier:.4}")?;
        }
        writeln!(f, "\n{:>7}{:>8}{:>8}  class", "AP50", "objects", "missed")?;
        let counts = &self.confusion.counts;
        for (i, (name, ap50)) in self
            .confusion
            .classes
            .iter()
            .zip(&self.class_ap50)
            .enumerate()
        {
            let objects: usize = counts[i].iter().sum();
            let missed = self.confusion.missed(i);
            writeln!(f, "{ap50:>7.4}{objects:>8}{missed:>8}  {name}")?;
        }
        write!(f, "\n{}", self.confusion)
    }
}

/// Share of the pairs (truth, answer) with an IoU of at least `threshold`, as in RefCOCO's
/// accuracy@0.5; an answer without a box is wrong. -1 without pairs. (Scripts differ between >= and
/// >.)
pub fn iou_accuracy(pairs: &[(BoundingBox, Option<BoundingBox>)], threshold: f32) -> f64 {
    if pairs.is_empty() {
        return -1.0;
    }
    let hit = |(truth, found): &&(BoundingBox, Option<BoundingBox>)| {
        found.is_some_and(|b| truth.iou(&b) >= threshold)
    };
    pairs.iter().filter(hit).count() as f64 / pairs.len() as f64
}

fn inside(detection: &Detection, crowd: &GroundTruth) -> bool {
    let (d, c) = (&detection.bbox, &crowd.bbox);
    let common = BoundingBox::new(
        d.x1.max(c.x1),
        d.y1.max(c.y1),
        d.x2.min(c.x2),
        d.y2.min(c.y2),
    );
    common.area() > 0.0 && common.area() >= HIT_IOU * d.area()
}

fn xywh(b: &BoundingBox) -> [f64; 4] {
    let [x1, y1, x2, y2] = [b.x1, b.y1, b.x2, b.y2].map(f64::from);
    [x1, y1, (x2 - x1).max(0.0), (y2 - y1).max(0.0)]
}

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

const RECALL_POINTS: usize = 101;
const MAX_DETECTIONS: [usize; 3] = [1, 10, 100];
/// All, small, medium, large; bounds in square pixels, both inclusive.
const AREA_RANGES: [[f64; 2]; 4] = [[0.0, 1e10], [0.0, 1024.0], [1024.0, 9216.0], [9216.0, 1e10]];

/// A true box, `[x, y, width, height]` in pixels as in COCO's files.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct CocoTruth {
    /// Left, top, width, height.
    pub bbox: [f64; 4],
    /// Area in square pixels, that of the object's mask where the data has one.
    pub area: f64,
    /// Covers a group of objects: finding it counts neither for nor against a model.
    pub crowd: bool,
}

/// The twelve metrics of COCO's box evaluation, -1 if there are no true boxes.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct CocoSummary {
    /// Average precision over IoU 0.50, 0.55 .. 0.95 and classes.
    pub ap: f64,
    /// Average precision at IoU 0.50.
    pub ap50: f64,
    /// Average precision at IoU 0.75.
    pub ap75: f64,
    /// `ap` for objects under 32 x 32 pixels.
    pub ap_small: f64,
    /// `ap` for objects between 32 x 32 and 96 x 96 pixels.
    pub ap_medium: f64,
    /// `ap` for objects over 96 x 96 pixels.
    pub ap_large: f64,
    /// Average recall with one detection per image and class.
    pub ar1: f64,
    /// Average recall with ten detections.
    pub ar10: f64,
    /// Average recall with a hundred detections.
    pub ar100: f64,
    /// `ar100` for small objects.
    pub ar_small: f64,
    /// `ar100` for medium objects.
    pub ar_medium: f64,
    /// `ar100` for large objects.
    pub ar_large: f64,
}

/// COCO's box evaluation, equal to pycocotools.
///
/// ```
/// # use vary_core::eval::{CocoEval, CocoTruth};
/// let mut eval = CocoEval::default();
/// let bbox = [10.0, 10.0, 50.0, 40.0];
/// eval.add(0, &[CocoTruth { bbox, area: 2000.0, crowd: false }], &[(bbox, 0.9)]);
/// assert!(eval.summary().ap50 > 0.999);
/// ```
#[derive(Debug, Clone, Default)]
pub struct CocoEval {
    /// Per class, the results of its images.
    classes: BTreeMap<usize, Vec<Pair>>,
}

/// One class in one image, matched for every area range.
type Pair = [AreaMatch; AREA_RANGES.len()];

#[derive(Debug, Clone)]
struct AreaMatch {
    /// True boxes that count.
    truths: usize,
    /// Detections by falling score, with their outcome at every IoU threshold.
    detections: Vec<(f64, [Outcome; 10])>,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Outcome {
    Hit,
    False,
    Ignored,
}

/// 0.50, 0.55 .. 0.95 as computed by numpy's `linspace`, which matters for an IoU of exactly 0.6.
fn iou_thresholds() -> [f64; 10] {
    let step = (0.95 - 0.5) / 9.0;
    std::array::from_fn(|i| if i == 9 { 0.95 } else { i as f64 * step + 0.5 })
}

impl CocoEval {
    /// Adds the boxes of one class in one image: the true ones, and those found with their scores.
    /// Boxes with equal scores rank in the order of addition.
    pub fn add(&mut self, class: usize, truths: &[CocoTruth], detections: &[([f64; 4], f64)]) {
        if truths.is_empty() && detections.is_empty() {
            return;
        }
        let mut detections = detections.to_vec();
        detections.sort_by(|a, b| b.1.total_cmp(&a.1));
        detections.truncate(MAX_DETECTIONS[2]);
        let matched = AREA_RANGES.map(|range| match_boxes(truths, &detections, range));
        self.classes.entry(class).or_default().push(matched);
    }

    /// The metrics of all images added so far.
    pub fn summary(&self) -> CocoSummary {
        let thresholds = 0..10;
        let precision = |area, thresholds: std::ops::Range<usize>| {
            mean(
                self.curves(area, 100, thresholds)
                    .flat_map(|curve| curve.precision),
            )
        };
        let recall = |area, max| mean(self.curves(area, max, 0..10).map(|curve| curve.recall));
        CocoSummary {
            ap: precision(0, thresholds.clone()),
            ap50: precision(0, 0..1),
            ap75: precision(0, 5..6),
            ap_small: precision(1, thresholds.clone()),
            ap_medium: precision(2, thresholds.clone()),
            ap_large: precision(3, thresholds),
            ar1: recall(0, MAX_DETECTIONS[0]),
            ar10: recall(0, MAX_DETECTIONS[1]),
            ar100: recall(0, MAX_DETECTIONS[2]),
            ar_small: recall(1, MAX_DETECTIONS[2]),
            ar_medium: recall(2, MAX_DETECTIONS[2]),
            ar_large: recall(3, MAX_DETECTIONS[2]),
        }
    }

    /// Average precision at IoU 0.50 of one class, -1 without true boxes.
    pub fn class_ap50(&self, class: usize) -> f64 {
        let pairs = self.classes.get(&class).map_or(&[][..], Vec::as_slice);
        mean(
            curve(pairs, 0, 100, 0)
                .into_iter()
                .flat_map(|curve| curve.precision),
        )
    }

    /// The curves of all classes that have true boxes.
    fn curves(
        &self,
        area: usize,
        max_detections: usize,
        thresholds: std::ops::Range<usize>,
    ) -> impl Iterator<Item = Curve> {
        self.classes.values().flat_map(move |pairs| {
            thresholds
                .clone()
                .filter_map(move |t| curve(pairs, area, max_detections, t))
        })
    }
}

/// Matches detections, sorted by falling score, with true boxes whose area counts.
fn match_boxes(
    truths: &[CocoTruth],
    detections: &[([f64; 4], f64)],
    [low, high]: [f64; 2],
) -> AreaMatch {
    let outside = |area: f64| area < low || area > high;
    // Boxes that don't count come last, so that a detection prefers one that does.
    let mut truths: Vec<(&CocoTruth, bool)> = truths
        .iter()
        .map(|t| (t, t.crowd || outside(t.area)))
        .collect();
    truths.sort_by_key(|(_, ignored)| *ignored);

    let thresholds = iou_thresholds();
    let mut taken = vec![[false; 10]; truths.len()];
    let detections = detections
        .iter()
        .map(|(bbox, score)| {
            let ious: Vec<f64> = truths
                .iter()
                .map(|(t, _)| iou(bbox, &t.bbox, t.crowd))
                .collect();
            let outcomes = std::array::from_fn(|i| {
                let mut best = thresholds[i].min(1.0 - 1e-10);
                let mut found: Option<usize> = None;
                for (j, (truth, ignored)) in truths.iter().enumerate() {
                    if taken[j][i] && !truth.crowd {
                        continue;
                    }
                    if *ignored && found.is_some_and(|f| !truths[f].1) {
                        break;
                    }
                    if ious[j] >= best {
                        best = ious[j];
                        found = Some(j);
                    }
                }
                match found {
                    Some(j) => {
                        taken[j][i] = true;
                        if truths[j].1 {
                            Outcome::Ignored
                        } else {
                            Outcome::Hit
                        }
                    }
                    None if outside(bbox[2] * bbox[3]) => Outcome::Ignored,
                    None => Outcome::False,
                }
            });
            (*score, outcomes)
        })
        .collect();
    AreaMatch {
        truths: truths.iter().filter(|(_, ignored)| !ignored).count(),
        detections,
    }
}

/// Intersection over union; over the area of the detection if the true box is a crowd.
fn iou(detection: &[f64; 4], truth: &[f64; 4], crowd: bool) -> f64 {
    let overlap = |axis: usize| {
        let end = (detection[axis] + detection[axis + 2]).min(truth[axis] + truth[axis + 2]);
        (end - detection[axis].max(truth[axis])).max(0.0)
    };
    let common = overlap(0) * overlap(1);
    let area = detection[2] * detection[3];
    let union = if crowd {
        area
    } else {
        area + truth[2] * truth[3] - common
    };
    if common > 0.0 { common / union } else { 0.0 }
}

struct Curve {
    /// Highest precision at each of 101 recalls from 0 to 1 or above.
    precision: [f64; RECALL_POINTS],
    recall: f64,
}

/// Precision over recall of one class, `None` without true boxes.
fn curve(pairs: &[Pair], area: usize, max_detections: usize, threshold: usize) -> Option<Curve> {
    let truths: usize = pairs.iter().map(|pair| pair[area].truths).sum();
    if truths == 0 {
        return None;
    }
    let mut ranked: Vec<(f64, Outcome)> = pairs
        .iter()
        .flat_map(|pair| pair[area].detections.iter().take(max_detections))
        .map(|(score, outcomes)| (*score, outcomes[threshold]))
        .collect();
    ranked.sort_by(|a, b| b.0.total_cmp(&a.0));

    let (mut hits, mut falses) = (0.0, 0.0);
    let mut points: Vec<(f64, f64)> = Vec::with_capacity(ranked.len());
    for (_, outcome) in ranked {
        match outcome {
            Outcome::Hit => hits += 1.0,
            Outcome::False => falses += 1.0,
            Outcome::Ignored => {}
        }
        points.push((hits / truths as f64, hits / (falses + hits + f64::EPSILON)));
    }
    for i in (1..points.len()).rev() {
        points[i - 1].1 = points[i - 1].1.max(points[i].1);
    }
    let precision = std::array::from_fn(|i| {
        let at_least = if i == RECALL_POINTS - 1 {
            1.0
        } else {
            i as f64 * 0.01
        };
        let first = points.partition_point(|(recall, _)| *recall < at_least);
        points.get(first).map_or(0.0, |(_, precision)| *precision)
    });
    Some(Curve {
        precision,
        recall: points.last().map_or(0.0, |(recall, _)| *recall),
    })
}

fn mean(values: impl Iterator<Item = f64>) -> f64 {
    let (sum, count) = values.fold((0.0, 0usize), |(sum, count), v| (sum + v, count + 1));
    if count == 0 { -1.0 } else { sum / count as f64 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn object_before_crowd() {
        let object = CocoTruth {
            bbox: [0.0, 0.0, 80.0, 100.0],
            area: 8000.0,
            crowd: false,
        };
        let crowd = CocoTruth {
            bbox: [0.0, 0.0, 300.0, 300.0],
            area: 90000.0,
            crowd: true,
        };
        let mut eval = CocoEval::default();
        // The crowd covers the detection fully (1.0), the object overlaps it by 0.8.
        eval.add(0, &[crowd, object], &[([0.0, 0.0, 100.0, 100.0], 0.5)]);
        let summary = eval.summary();
        assert!((summary.ap50 - 1.0).abs() < 1e-9 && (summary.ar100 - 0.7).abs() < 1e-9);
    }

    #[test]
    fn class_without_objects() {
        let mut eval = CocoEval::default();
        eval.add(3, &[], &[([0.0, 0.0, 10.0, 10.0], 0.5)]);
        assert_eq!(
            (eval.class_ap50(3), eval.class_ap50(0), eval.summary().ap),
            (-1.0, -1.0, -1.0)
        );
    }
}

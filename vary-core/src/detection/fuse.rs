use super::{BoundingBox, Detection};

/// Boxes of one label that overlap, from different readings.
struct Cluster {
    /// With the mean box, weighted by score.
    fused: Detection,
    /// Sum of the scores.
    weight: f32,
    /// The last reading that has a box in it.
    reading: usize,
}

/// Makes one list of what several readings of a picture found: boxes of one label that overlap with an
/// IoU above `iou` become one, at their mean weighted by score. Its score is the sum of theirs over
/// the number of readings, so that what only one of them has seen counts little. The surest first.
///
/// This is weighted boxes fusion (Solovyev, Wang and Gabruseva, arXiv 1910.13302) over readings
/// instead of models. Boxes of one reading are never joined.
///
/// ```
/// # use vary_core::detection::{BoundingBox, Detection, fuse};
/// let car = |score, x1| Detection {
///     label: "car".into(),
///     score,
///     bbox: BoundingBox::new(x1, 0.0, x1 + 100.0, 50.0),
/// };
/// let fused = fuse([vec![car(0.9, 0.0)], vec![car(0.9, 4.0), car(0.6, 70.0)]], 0.7);
/// assert_eq!(fused, [car(0.9, 2.0), car(0.3, 70.0)]);
/// ```
pub fn fuse(readings: impl IntoIterator<Item = Vec<Detection>>, iou: f32) -> Vec<Detection> {
    let mut clusters: Vec<Cluster> = vec![];
    let mut count = 0;
    for found in readings {
        for one in found {
            let overlap = |cluster: &Cluster| cluster.fused.bbox.iou(&one.bbox);
            let nearest = clusters
                .iter_mut()
                .filter(|c| c.reading != count && c.fused.label == one.label && overlap(c) > iou)
                .max_by(|a, b| overlap(a).total_cmp(&overlap(b)));
            match nearest {
                Some(cluster) => cluster.join(&one, count),
                None => clusters.push(Cluster {
                    weight: one.score,
                    fused: one,
                    reading: count,
                }),
            }
        }
        count += 1;
    }
    let scored = clusters.into_iter().map(|cluster| Detection {
        score: cluster.weight / count as f32,
        ..cluster.fused
    });
    let mut fused: Vec<Detection> = scored.collect();
    fused.sort_by(|a, b| b.score.total_cmp(&a.score));
    fused
}

impl Cluster {
    fn join(&mut self, one: &Detection, reading: usize) {
        self.weight += one.score;
        // Of boxes without any score the first one stays.
        let share = match self.weight > 0.0 {
            true => one.score / self.weight,
            false => 0.0,
        };
        let mean = |old: f32, new: f32| old + share * (new - old);
        let (old, new) = (self.fused.bbox, one.bbox);
        self.fused.bbox = BoundingBox::new(
            mean(old.x1, new.x1),
            mean(old.y1, new.y1),
            mean(old.x2, new.x2),
            mean(old.y2, new.y2),
        );
        self.reading = reading;
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn reading() -> impl Strategy<Value = Vec<Detection>> {
        let one = ("[ab]", 0f32..=1.0, 0f32..20.0, 0f32..20.0);
        let one = one.prop_map(|(label, score, x, y)| Detection {
            label,
            score,
            bbox: BoundingBox::new(x, y, x + 50.0, y + 50.0),
        });
        prop::collection::vec(one, 0..6)
    }

    proptest! {
        #[test]
        fn no_score_is_lost_and_none_is_above_one(
            readings in prop::collection::vec(reading(), 1..5),
            iou in 0.3f32..1.0,
        ) {
            let fused = fuse(readings.clone(), iou);
            prop_assert!(fused.is_sorted_by(|a, b| a.score >= b.score));
            prop_assert!(fused.iter().all(|one| (0.0..=1.0001).contains(&one.score)));
            let longest = readings.iter().map(Vec::len).max().unwrap_or(0);
            prop_assert!(fused.len() >= longest, "boxes of one reading were joined");
            let sum = |found: &[Detection]| found.iter().map(|one| one.score).sum::<f32>();
            let told: f32 = readings.iter().map(|found| sum(found)).sum();
            prop_assert!((sum(&fused) * readings.len() as f32 - told).abs() < 1e-3);
        }

        #[test]
        fn the_same_again_changes_nothing(found in reading(), times in 1usize..5) {
            // Apart, so that no box could as well be joined with another.
            let apart = |(i, one): (usize, Detection)| Detection {
                label: format!("{}{i}", one.label),
                ..one
            };
            let found: Vec<Detection> = found.into_iter().enumerate().map(apart).collect();
            let fused = fuse(vec![found.clone(); times], 0.7);
            prop_assert_eq!(fused.len(), found.len());
            for one in &found {
                let same = |other: &&Detection| other.label == one.label;
                let other = fused.iter().find(same);
                prop_assert!(other.is_some_and(|other| (other.score - one.score).abs() < 1e-5));
                prop_assert!(other.is_some_and(|other| other.bbox.iou(&one.bbox) > 0.9999));
            }
        }
    }
}

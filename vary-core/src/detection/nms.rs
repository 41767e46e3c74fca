use super::Detection;

/// Non-maximum suppression: sorts `detections` by falling score, then leaves out each that overlaps
/// a more confident one of the same label with an IoU above `iou`. From 1 on nothing is left out.
///
/// A language model that lists boxes sometimes lists one twice, with slightly different edges.
///
/// ```
/// # use vary_core::detection::{BoundingBox, Detection, nms};
/// let car = |score, x1| {
///     Detection::new("car", score, BoundingBox::new(x1, 0.0, x1 + 100.0, 50.0))
/// };
/// let kept = nms(vec![car(0.4, 0.0), car(0.9, 3.0), car(0.6, 60.0)], 0.7);
/// assert_eq!(kept, [car(0.9, 3.0), car(0.6, 60.0)]);
/// ```
pub fn nms(mut detections: Vec<Detection>, iou: f32) -> Vec<Detection> {
    detections.sort_by(|a, b| b.score.total_cmp(&a.score));
    let mut kept: Vec<Detection> = vec![];
    for new in detections {
        let double = |old: &Detection| old.label == new.label && old.bbox.iou(&new.bbox) > iou;
        if !kept.iter().any(double) {
            kept.push(new);
        }
    }
    kept
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::detection::BoundingBox;

    fn any() -> impl Strategy<Value = Vec<Detection>> {
        let one = ("[ab]", 0f32..1.0, 0f32..20.0, 0f32..20.0);
        let one = one.prop_map(|(label, score, x, y)| Detection {
            label,
            score,
            bbox: BoundingBox::new(x, y, x + 50.0, y + 50.0),
        });
        prop::collection::vec(one, 0..12)
    }

    proptest! {
        #[test]
        fn doubles_are_left_out(
            found in any(),
            iou in 0.3f32..1.0,
        ) {
            let kept = nms(found.clone(), iou);
            let doubles = |a: &Detection, b: &Detection| {
                a.label == b.label && a.bbox.iou(&b.bbox) > iou
            };
            prop_assert!(kept.is_sorted_by(|a, b| a.score >= b.score));
            for (i, one) in kept.iter().enumerate() {
                prop_assert!(found.contains(one));
                prop_assert!(!kept[..i].iter().any(|better| doubles(better, one)));
            }
            for lost in found.iter().filter(|d| !kept.contains(d)) {
                prop_assert!(kept.iter().any(|k| k.score >= lost.score && doubles(k, lost)));
            }
        }

        #[test]
        fn iou_of_one_keeps_all(found in any()) {
            prop_assert_eq!(nms(found.clone(), 1.0).len(), found.len());
        }
    }
}

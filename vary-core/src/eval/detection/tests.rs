use super::*;

fn square(x: f32, size: f32) -> BoundingBox {
    BoundingBox::new(x, 0.0, x + size, size)
}

fn found(label: &str, score: f32, bbox: BoundingBox) -> Detection {
    Detection {
        label: label.into(),
        score,
        bbox,
    }
}

#[test]
fn counts_every_outcome() {
    let mut eval = DetectionEval::new(["cat", "dog"]);
    eval.add(
        &[
            GroundTruth::new("cat", square(0.0, 100.0)),
            GroundTruth::new("cat", square(200.0, 100.0)),
            GroundTruth::new("dog", square(400.0, 100.0)),
            GroundTruth::new("not evaluated", square(900.0, 100.0)),
        ],
        &[
            found("cat", 0.9, BoundingBox::new(0.0, 0.0, 100.0, 80.0)),
            found("dog", 0.8, square(200.0, 100.0)),
            found("dog", 0.7, square(600.0, 100.0)),
            found("unicorn", 0.6, square(400.0, 100.0)),
        ],
    );
    let s = eval.summary();
    assert_eq!((s.images, s.truths, s.detections), (1, 3, 4));
    assert_eq!(s.confusion.counts, [[1, 1, 0], [0, 0, 1], [0, 1, 1]]);
    assert_eq!(
        (
            s.confusion.missed(1),
            s.confusion.false_boxes(1),
            s.confusion.unknown
        ),
        (1, 1, 1)
    );
    assert_eq!(s.confusion.worst(5), [("cat", "dog", 1)]);
    assert!((s.precision - 0.25).abs() < 1e-9 && (s.recall - 1.0 / 3.0).abs() < 1e-9);
    assert!((s.mean_iou - 0.8).abs() < 1e-6 && (s.mean_iou_all - 0.8 / 3.0).abs() < 1e-6);
    // One of two cats at a precision of one: 51 of 101 recall points.
    assert!((s.class_ap50[0] - 51.0 / 101.0).abs() < 1e-9);
    assert_eq!(s.class_ap50[1], 0.0);
    assert!((s.coco.ap50 - 51.0 / 202.0).abs() < 1e-9);
    let table = s.to_string();
    assert!(
        table.contains("AP50 0.2525") && table.contains("mean IoU 0.8000"),
        "{table}"
    );
}

#[test]
fn duplicate_boxes_are_false() {
    let mut eval = DetectionEval::new(["cat", "dog"]);
    eval.add(
        &[GroundTruth::new("cat", square(0.0, 100.0))],
        &[
            found("cat", 0.9, BoundingBox::new(0.0, 0.0, 100.0, 80.0)),
            found("dog", 0.3, square(0.0, 100.0)),
        ],
    );
    let s = eval.summary();
    assert_eq!((s.precision, s.recall), (0.5, 1.0));
    assert_eq!(s.confusion.counts, [[1, 0, 0], [0, 0, 0], [0, 1, 0]]);
}

#[test]
fn min_score_spares_coco() {
    let counted = |min_score| {
        let mut eval = DetectionEval::new(["cat"]).with_min_score(min_score);
        let cats = [0.0, 200.0].map(|x| GroundTruth::new("cat", square(x, 100.0)));
        let boxes = [(0.9, 0.0), (0.4, 600.0), (0.2, 200.0)];
        let boxes = boxes.map(|(score, x)| found("cat", score, square(x, 100.0)));
        eval.add(&cats, &boxes);
        eval.summary()
    };
    let (all, confident) = (counted(0.0), counted(0.25));
    assert_eq!(all.coco.ap50, confident.coco.ap50);
    assert_eq!((all.detections, confident.detections), (3, 2));
    assert_eq!((all.recall, confident.recall), (1.0, 0.5));
    assert_eq!((all.precision, confident.precision), (2.0 / 3.0, 0.5));
    assert_eq!((all.calibration.count, confident.calibration.count), (3, 2));
    assert_eq!(confident.confusion.missed(0), 1);
}

#[test]
fn crowds_are_neutral() {
    let mut eval = DetectionEval::new(["cat"]);
    let crowd = GroundTruth {
        crowd: true,
        ..GroundTruth::new("cat", square(0.0, 300.0))
    };
    eval.add(&[crowd], &[found("cat", 0.9, square(50.0, 50.0))]);
    let s = eval.summary();
    assert_eq!(
        (s.truths, s.detections, s.precision, s.mean_iou),
        (0, 0, -1.0, -1.0)
    );
    assert_eq!(s.confusion.counts, [[0, 0], [0, 0]]);
}

#[test]
fn one_match_per_object() {
    let mut eval = DetectionEval::new(["cat"]);
    eval.add(
        &[GroundTruth::new("cat", square(0.0, 100.0))],
        &[
            found("cat", 0.9, square(20.0, 100.0)),
            found("cat", 0.1, square(0.0, 100.0)),
        ],
    );
    let s = eval.summary();
    assert_eq!(s.confusion.counts, [[1, 0], [1, 0]]);
    assert_eq!((s.mean_iou, s.precision, s.recall), (1.0, 0.5, 1.0));
}

#[test]
fn iou_accuracy_thresholds() {
    let truth = square(0.0, 10.0);
    let half = BoundingBox::new(0.0, 0.0, 10.0, 5.0);
    let pairs = [(truth, Some(truth)), (truth, Some(half)), (truth, None)];
    assert!((iou_accuracy(&pairs, 0.5) - 2.0 / 3.0).abs() < 1e-9);
    assert!((iou_accuracy(&pairs, 0.51) - 1.0 / 3.0).abs() < 1e-9);
    assert_eq!(iou_accuracy(&[], 0.5), -1.0);
}

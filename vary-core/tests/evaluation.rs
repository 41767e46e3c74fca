//! Metrics of made-up answers.
#![allow(clippy::unwrap_used, clippy::panic)]

use std::time::Duration;

use serde_json::Value;
use vary_core::detection::{BoundingBox, Detection};
use vary_core::eval::{Evaluation, GroundTruth, Metrics, TaskSummary, Truth};
use vary_core::pipeline::{Answer, FinishReason, TokenScore};

/// An answer of text whose words all have this confidence.
fn text_answer(text: &str, score: f32) -> Answer {
    let mut answer = Answer::new(text);
    answer.usage.new_tokens = 1;
    answer.tokens = vec![TokenScore {
        range: 0..text.len(),
        log_confidence: score.ln(),
        bbox: None,
    }];
    answer
}

fn box_answer(detections: Vec<Detection>) -> Answer {
    let mut answer = text_answer("", 1.0);
    answer.detections = detections;
    answer
}

fn detection(label: &str, score: f32, bbox: BoundingBox) -> Detection {
    Detection::new(label, score, bbox)
}

fn square(x: f32) -> BoundingBox {
    BoundingBox::new(x, 0.0, x + 40.0, 40.0)
}

fn close(got: f64, want: f64) {
    assert!((got - want).abs() < 1e-6, "{got}, not {want}");
}

/// Compares all but the last digits of numbers, which serde_json reads less exactly than it writes.
fn same(a: &Value, b: &Value) {
    match (a, b) {
        (Value::Object(a), Value::Object(b)) => {
            assert!(a.keys().eq(b.keys()));
            a.values().zip(b.values()).for_each(|(a, b)| same(a, b));
        }
        (Value::Array(a), Value::Array(b)) => {
            assert_eq!(a.len(), b.len());
            a.iter().zip(b).for_each(|(a, b)| same(a, b));
        }
        (Value::Number(a), Value::Number(b)) => close(a.as_f64().unwrap(), b.as_f64().unwrap()),
        (a, b) => assert_eq!(a, b),
    }
}

/// One task of each kind.
fn mixed() -> Evaluation {
    let mut eval = Evaluation::default();
    let truths = Truth::Objects(vec![
        GroundTruth::new("bird", square(0.0)),
        GroundTruth::new("cat", square(80.0)),
    ]);
    let answer = box_answer(vec![
        detection("bird", 0.9, square(0.0)),
        detection("dog", f32::NAN, square(80.0)),
    ]);
    let scored = eval.add("detection", &truths, &answer);
    // One IoU of 1 over the mean of two objects and two boxes.
    assert_eq!((scored.task, scored.index, scored.quality), (0, 0, 0.5));
    let half = BoundingBox::new(0.0, 0.0, 40.0, 20.0);
    let truth = Truth::Object(square(0.0));
    let answers = [vec![detection("", 0.8, half)], vec![]];
    for (index, answer) in answers.into_iter().enumerate() {
        let scored = eval.add("locate", &truth, &box_answer(answer));
        assert_eq!((scored.task, scored.index), (1, index));
    }
    let truth = Truth::Text(vec!["the total is 12".into()]);
    eval.add("detection", &truth, &text_answer("the  total\nis 13", 0.5));
    eval
}

#[test]
fn detection_metrics() {
    let tasks = mixed().summary();
    let Metrics::Detection(s) = &tasks[0].metrics else {
        panic!("{tasks:?}")
    };
    assert_eq!((s.images, s.truths, s.detections), (1, 2, 2));
    assert_eq!((s.precision, s.recall, s.confusion.unknown), (0.5, 0.5, 1));
    // The other score is NaN.
    assert_eq!((s.calibration.count, s.calibration.skipped), (1, 1));
    close(s.calibration.ece.unwrap(), 0.1);
}

#[test]
fn locate_metrics() {
    let tasks = mixed().summary();
    let Metrics::Locate(s) = &tasks[1].metrics else {
        panic!("{tasks:?}")
    };
    assert_eq!((s.accuracy, s.mean_iou, s.answered), (0.5, 0.25, 0.5));
    assert_eq!(s.calibration.count, 1);
}

#[test]
fn kinds_of_truth_are_apart() {
    let tasks = mixed().summary();
    let names: Vec<(&str, usize)> = tasks.iter().map(|t| (t.name.as_str(), t.count)).collect();
    assert_eq!(names, [("detection", 1), ("locate", 2), ("detection", 1)]);
    assert!(matches!(tasks[2].metrics, Metrics::Text(_)));
}

#[test]
fn text_metrics() {
    let mut eval = Evaluation::default();
    let truth = Truth::Text(vec!["nothing alike".into(), " a b c d ".into()]);
    eval.add("ocr", &truth, &text_answer("a x c d", 0.75));
    let one = Truth::Text(vec!["100".into()]);
    let mut looped = text_answer("104", 0.5);
    looped.finish = FinishReason::Loop;
    eval.add("ocr", &one, &looped);
    let tasks = eval.summary();
    let task = &tasks[0];
    let Metrics::Text(s) = &task.metrics else {
        panic!("{tasks:?}")
    };
    close(s.edit_distance, (1.0 / 7.0 + 1.0 / 3.0) / 2.0);
    close(s.cer, (1.0 / 7.0 + 1.0 / 3.0) / 2.0);
    close(s.pooled_cer, 2.0 / 10.0);
    close(s.wer, (0.25 + 1.0) / 2.0);
    close(s.pooled_wer, 2.0 / 5.0);
    close(s.anls, (6.0 / 7.0 + 2.0 / 3.0) / 2.0);
    close(s.relaxed_accuracy, 0.5);
    close(s.word_f1, 0.75 / 2.0);
    close(s.bleu, 0.0);
    // Three of four words scored 0.75 are right, none of one scored 0.5 is.
    assert_eq!(s.calibration.count, 5);
    close(s.calibration.ece.unwrap(), 0.5 / 5.0);
    assert_eq!((task.loop_rate, task.length_rate), (0.5, 0.0));
}

#[test]
fn times_are_medians() {
    let mut eval = Evaluation::default();
    for i in 0..100u64 {
        let mut answer = box_answer(vec![]);
        answer.times.decode = Duration::from_millis(i * 37 % 100);
        eval.add("locate", &Truth::Object(square(0.0)), &answer);
    }
    let task = &eval.summary()[0];
    assert_eq!(task.count, 100);
    close(task.seconds.decode, 0.0495);
    close(task.seconds.total, 0.0495);
}

#[test]
fn json_round_trip() {
    let tasks = mixed().summary();
    let json = serde_json::to_string(&tasks).unwrap();
    let back: Vec<TaskSummary> = serde_json::from_str(&json).unwrap();
    let value: Value = serde_json::from_str(&json).unwrap();
    same(
        &serde_json::to_value(&back).unwrap(),
        &serde_json::to_value(&tasks).unwrap(),
    );
    assert_eq!(value[0]["metrics"]["kind"], "detection");
    assert_eq!(value[2]["count"], 1);
    assert!(value[1]["metrics"]["calibration"]["ece"].is_number());
}

#[test]
fn empty_answers() {
    assert!(
        Evaluation::default()
            .with_classes(["cat"])
            .summary()
            .is_empty()
    );
    let mut eval = Evaluation::default();
    // No objects, no boxes, no words.
    eval.add("a", &Truth::Objects(vec![]), &box_answer(vec![]));
    eval.add("b", &Truth::Text(vec![]), &text_answer("", 1.0));
    let tasks = eval.summary();
    let json = serde_json::to_string(&tasks).unwrap();
    let back: Vec<TaskSummary> = serde_json::from_str(&json).unwrap();
    same(
        &serde_json::to_value(&back).unwrap(),
        &serde_json::to_value(&tasks).unwrap(),
    );
    assert!(!json.contains("NaN"));
    assert!(tasks[0].metrics.calibration().ece.is_none());
}

#[test]
fn truth_from_reference() {
    let parse = |question, reference| Truth::parse(question, reference, 100, 200);
    let objects = parse(
        "Detect all objects in this image",
        "cat: [000, 000, 500, 500].",
    );
    let bbox = BoundingBox::new(0.0, 0.0, 50.0, 100.0);
    assert_eq!(objects, Truth::Objects(vec![GroundTruth::new("cat", bbox)]));
    assert_eq!(
        parse("Where is it?", "[0, 0, 500, 500]"),
        Truth::Object(bbox)
    );
    let Truth::Objects(two) = parse("?", "cat: [1, 2, 3, 4], [5, 6, 7, 8].") else {
        panic!("no objects")
    };
    assert_eq!(two.len(), 2);
    for text in ["", "See [1, 2, 3]", "The cat is at [1, 2, 3, 4], I think."] {
        assert_eq!(parse("?", text), Truth::Text(vec![text.into()]));
    }
}

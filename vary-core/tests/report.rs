//! Evaluations of answers that are made up: their numbers, JSON and page.
#![allow(clippy::unwrap_used, clippy::panic)]

use std::time::Duration;

use image::RgbImage;
use serde_json::Value;
use vary_core::detection::{BoundingBox, Detection};
use vary_core::eval::{Evaluation, GroundTruth, Metrics, Report, Truth};
use vary_core::pipeline::{Answer, FinishReason, Times, TokenScore, Usage};

/// An answer of words, all of them with this confidence.
fn said(text: &str, score: f32) -> Answer {
    Answer {
        text: text.into(),
        tokens: vec![TokenScore {
            range: 0..text.len(),
            log_confidence: score.ln(),
        }],
        detections: vec![],
        unparsed: vec![],
        finish: FinishReason::Stop,
        usage: Usage {
            image_tokens: 0,
            prompt_tokens: 0,
            new_tokens: 1,
        },
        times: Times::default(),
    }
}

fn found(detections: Vec<Detection>) -> Answer {
    Answer {
        detections,
        ..said("", 1.0)
    }
}

fn detection(label: &str, score: f32, bbox: BoundingBox) -> Detection {
    Detection {
        label: label.into(),
        score,
        bbox,
    }
}

fn square(x: f32) -> BoundingBox {
    BoundingBox::new(x, 0.0, x + 40.0, 40.0)
}

fn picture() -> RgbImage {
    RgbImage::from_fn(120, 60, |x, y| image::Rgb([2 * x as u8, 4 * y as u8, 90]))
}

/// One task of each kind, with markup in everything that data or model may write.
fn mixed() -> Evaluation {
    let mut eval = Evaluation::default();
    let markup = "<script>alert('x')</script>";
    let truths = Truth::Objects(vec![
        GroundTruth::new(markup, square(0.0)),
        GroundTruth::new("cat", square(80.0)),
    ]);
    let answer = found(vec![
        detection(markup, 0.9, square(0.0)),
        detection("\"dog\" & co", f32::NAN, square(80.0)),
    ]);
    eval.add("detection", &picture(), markup, &truths, &answer);
    let half = BoundingBox::new(0.0, 0.0, 40.0, 20.0);
    let truth = Truth::Object(square(0.0));
    let answers = [vec![detection("", 0.8, half)], vec![]];
    for answer in answers {
        eval.add("locate", &picture(), "a cat", &truth, &found(answer));
    }
    let truth = Truth::Text(vec![format!("the total is 12 {markup}")]);
    let text = format!("the  total {markup}\nis 13");
    eval.add(markup, &picture(), "?", &truth, &said(&text, 0.5));
    eval
}

fn close(got: f64, want: f64) {
    assert!((got - want).abs() < 1e-6, "{got}, not {want}");
}

#[test]
fn detection_counts_hits_and_scores() {
    let report = mixed().report("mixed");
    let Metrics::Detection(s) = &report.tasks[0].metrics else {
        panic!("{report}")
    };
    assert_eq!((s.images, s.truths, s.detections), (1, 2, 2));
    assert_eq!((s.precision, s.recall, s.confusion.unknown), (0.5, 0.5, 1));
    // The other score is no number.
    assert_eq!((s.calibration.count, s.calibration.skipped), (1, 1));
    close(s.calibration.ece.unwrap(), 0.1);
    close(report.tasks[0].worst.len() as f64, 0.0);
    // One IoU of 1 over the mean of two objects and two boxes.
    close(report.tasks[0].best[0].quality, 0.5);
}

#[test]
fn locating_counts_the_surest_box() {
    let report = mixed().report("mixed");
    let task = &report.tasks[1];
    let Metrics::Locate(s) = &task.metrics else {
        panic!("{report}")
    };
    assert_eq!((s.accuracy, s.mean_iou, s.answered), (0.5, 0.25, 0.5));
    assert_eq!(s.calibration.count, 1);
    assert_eq!((task.best[0].index, task.worst[0].index), (0, 1));
}

#[test]
fn text_is_scored_against_the_closest_reference() {
    let mut eval = Evaluation::default();
    let truth = Truth::Text(vec!["nothing alike".into(), " a b c d ".into()]);
    eval.add("ocr", &picture(), "?", &truth, &said("a x c d", 0.75));
    let one = Truth::Text(vec!["100".into()]);
    let mut looped = said("104", 0.5);
    looped.finish = FinishReason::Loop;
    eval.add("ocr", &picture(), "?", &one, &looped);
    let report = eval.report("text");
    let task = &report.tasks[0];
    let Metrics::Text(s) = &task.metrics else {
        panic!("{report}")
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
fn keeps_the_best_and_the_worst() {
    let mut eval = Evaluation::default();
    for i in 0..100u64 {
        // Every overlap from 0 to 0.99 once, in no order.
        let overlap = (i * 37 % 100) as f32 / 100.0;
        let bbox = BoundingBox::new(0.0, 0.0, 40.0, 40.0 * overlap);
        let mut answer = found(vec![detection("", 0.5, bbox)]);
        answer.times = Times {
            decode: Duration::from_millis(i),
            ..Times::default()
        };
        let truth = Truth::Object(square(0.0));
        eval.add("locate", &picture(), "it", &truth, &answer);
    }
    let task = &eval.report("").tasks[0];
    for (i, (best, worst)) in task.best.iter().zip(&task.worst).enumerate() {
        close(best.quality, 0.99 - 0.01 * i as f64);
        close(worst.quality, 0.01 * i as f64);
    }
    assert_eq!((task.count, task.best.len(), task.worst.len()), (100, 8, 8));
    close(task.seconds.decode, 0.0495);
    close(task.seconds.total, 0.0495);
}

/// Compares but for the last digits of numbers, which serde_json reads less exactly than it writes.
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

#[test]
fn json_can_be_read_back() {
    let folder = tempfile::tempdir().unwrap();
    let report = mixed().report("mixed");
    report.save(folder.path().join("new")).unwrap();
    let json = std::fs::read(folder.path().join("new/report.json")).unwrap();
    let back: Report = serde_json::from_slice(&json).unwrap();
    assert!(
        report
            .tasks
            .iter()
            .all(|task| !task.best[0].picture.is_empty())
    );
    let value: Value = serde_json::from_slice(&json).unwrap();
    same(
        &serde_json::to_value(&back).unwrap(),
        &serde_json::to_value(&report).unwrap(),
    );
    assert_eq!(value["tasks"][0]["metrics"]["kind"], "detection");
    assert_eq!(value["tasks"][2]["count"], 1);
    assert!(value["tasks"][1]["metrics"]["calibration"]["ece"].is_number());
    // A page of numbers alone.
    well_formed(&back.to_html());
}

#[test]
fn nothing_scored_is_a_report_too() {
    let report = Evaluation::default().with_classes(["cat"]).report("empty");
    assert!(report.to_html().contains("Nothing was scored"));
    assert!(report.to_string().contains("nothing was scored"));
    let mut eval = Evaluation::default();
    // No objects, no boxes, no words, a picture without pixels.
    let none = RgbImage::new(0, 0);
    eval.add("a", &none, "", &Truth::Objects(vec![]), &found(vec![]));
    eval.add("b", &none, "", &Truth::Text(vec![]), &said("", 1.0));
    let report = eval.report("next to nothing");
    let json = serde_json::to_string(&report).unwrap();
    let back: Report = serde_json::from_str(&json).unwrap();
    same(
        &serde_json::to_value(&back).unwrap(),
        &serde_json::to_value(&report).unwrap(),
    );
    assert!(!json.contains("NaN") && !report.to_string().contains("NaN"));
    assert!(report.tasks[0].metrics.calibration().ece.is_none());
    well_formed(&report.to_html());
}

/// Checks that all elements are closed in order.
fn well_formed(html: &str) {
    let mut open = vec![];
    for tag in html.split('<').skip(1) {
        let tag = tag.split_once('>').unwrap().0;
        let name = tag.split([' ', '/']).next().unwrap();
        match tag.strip_prefix('/') {
            Some(name) => assert_eq!(open.pop(), Some(name)),
            None if tag.starts_with('!') || tag.ends_with('/') => {}
            None => open.push(name),
        }
    }
    assert!(open.is_empty(), "{open:?}");
}

#[test]
fn page_is_safe_and_needs_no_other_file() {
    let html = mixed().report("<b>mixed</b> & more").to_html();
    well_formed(&html);
    assert!(!html.contains("<script") && !html.contains("<b>mixed"));
    assert!(html.contains("&lt;script&gt;alert(&#39;x&#39;)&lt;/script&gt;"));
    assert!(html.contains("&quot;dog&quot; &amp; co 0.00"));
    assert!(html.contains("data:image/jpeg;base64,/9j/"));
    assert!(!html.contains("http://") && !html.contains("https://"));
    assert!(!html.contains("NaN"));
    // Words that differ, with the blanks of the original between.
    assert!(html.contains("<del>is</del> <del>12</del>"), "{html}");
    assert!(html.contains("the  total"));
}

#[test]
fn reads_references_in_the_format_of_the_models() {
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

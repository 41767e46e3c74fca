//! Reports of made-up answers: best and worst cases, JSON and page.
#![allow(clippy::unwrap_used, clippy::panic)]

use image::RgbImage;
use serde_json::Value;
use vary_core::detection::{BoundingBox, Detection};
use vary_core::eval::{GroundTruth, Truth};
use vary_core::pipeline::{Answer, TokenScore};
use vary_vocab_train::report::{Report, ReportBuilder};

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

fn image() -> RgbImage {
    RgbImage::from_fn(120, 60, |x, y| image::Rgb([2 * x as u8, 4 * y as u8, 90]))
}

/// One task of each kind, with markup in all text from data or model.
fn mixed() -> ReportBuilder {
    let mut builder = ReportBuilder::default();
    let markup = "<script>alert('x')</script>";
    let truths = Truth::Objects(vec![
        GroundTruth::new(markup, square(0.0)),
        GroundTruth::new("cat", square(80.0)),
    ]);
    let answer = box_answer(vec![
        detection(markup, 0.9, square(0.0)),
        detection("\"dog\" & co", f32::NAN, square(80.0)),
    ]);
    builder.add("detection", &image(), markup, &truths, &answer);
    let half = BoundingBox::new(0.0, 0.0, 40.0, 20.0);
    let truth = Truth::Object(square(0.0));
    let answers = [vec![detection("", 0.8, half)], vec![]];
    for answer in answers {
        builder.add("locate", &image(), "a cat", &truth, &box_answer(answer));
    }
    let truth = Truth::Text(vec![format!("the total is 12 {markup}")]);
    let text = format!("the  total {markup}\nis 13");
    builder.add(markup, &image(), "?", &truth, &text_answer(&text, 0.5));
    builder
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

#[test]
fn best_and_worst_cases() {
    let mut builder = ReportBuilder::default();
    for i in 0..100u64 {
        // Every overlap from 0 to 0.99 once, in no order.
        let overlap = (i * 37 % 100) as f32 / 100.0;
        let bbox = BoundingBox::new(0.0, 0.0, 40.0, 40.0 * overlap);
        let answer = box_answer(vec![detection("", 0.5, bbox)]);
        builder.add(
            "locate",
            &image(),
            "it",
            &Truth::Object(square(0.0)),
            &answer,
        );
    }
    let task = &builder.report("").tasks[0];
    assert_eq!(
        (task.summary.count, task.best.len(), task.worst.len()),
        (100, 8, 8)
    );
    for (i, (best, worst)) in task.best.iter().zip(&task.worst).enumerate() {
        close(best.quality, 0.99 - 0.01 * i as f64);
        close(worst.quality, 0.01 * i as f64);
    }
}

#[test]
fn few_cases_are_shared_out() {
    let report = mixed().report("mixed");
    let [boxes, one, _] = &report.tasks[..] else {
        panic!("{report}")
    };
    assert_eq!((boxes.best.len(), boxes.worst.len()), (1, 0));
    assert_eq!((one.best[0].index, one.worst[0].index), (0, 1));
}

#[test]
fn json_round_trip() {
    let dir = tempfile::tempdir().unwrap();
    let report = mixed().report("mixed");
    report.save(dir.path().join("new")).unwrap();
    let json = std::fs::read(dir.path().join("new/report.json")).unwrap();
    let back: Report = serde_json::from_slice(&json).unwrap();
    assert!(
        report
            .tasks
            .iter()
            .all(|task| !task.best[0].image.is_empty())
    );
    let value: Value = serde_json::from_slice(&json).unwrap();
    same(
        &serde_json::to_value(&back).unwrap(),
        &serde_json::to_value(&report).unwrap(),
    );
    assert_eq!(value["tasks"][0]["metrics"]["kind"], "detection");
    assert_eq!(value["tasks"][2]["count"], 1);
    assert!(value["tasks"][1]["metrics"]["calibration"]["ece"].is_number());
    // A page without images.
    well_formed(&back.to_html());
}

#[test]
fn empty_reports() {
    let report = ReportBuilder::default().report("empty");
    assert!(report.to_html().contains("No answers"));
    assert!(report.to_string().contains("no answers"));
    let mut builder = ReportBuilder::default();
    // No objects, no boxes, no words, an image without pixels.
    let none = RgbImage::new(0, 0);
    builder.add("a", &none, "", &Truth::Objects(vec![]), &box_answer(vec![]));
    builder.add("b", &none, "", &Truth::Text(vec![]), &text_answer("", 1.0));
    let report = builder.report("nearly empty");
    let json = serde_json::to_string(&report).unwrap();
    let back: Report = serde_json::from_str(&json).unwrap();
    same(
        &serde_json::to_value(&back).unwrap(),
        &serde_json::to_value(&report).unwrap(),
    );
    assert!(!json.contains("NaN") && !report.to_string().contains("NaN"));
    well_formed(&report.to_html());
}

#[test]
fn skipped_records_are_listed() {
    let mut builder = mixed();
    builder.skip("a.json:3: <no image>");
    let report = builder.report("mixed");
    assert!(report.to_string().contains("skipped: a.json:3: <no image>"));
    let html = report.to_html();
    well_formed(&html);
    assert!(html.contains("<li>a.json:3: &lt;no image&gt;</li>"));
    let json = serde_json::to_string(&report).unwrap();
    let back: Report = serde_json::from_str(&json).unwrap();
    assert_eq!(back.skipped, report.skipped);
}

/// Asserts that all elements are closed in order.
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
fn page_escapes_markup() {
    let html = mixed().report("<b>mixed</b> & more").to_html();
    well_formed(&html);
    assert!(!html.contains("<script") && !html.contains("<b>mixed"));
    assert!(html.contains("&lt;script&gt;alert(&#39;x&#39;)&lt;/script&gt;"));
    assert!(html.contains("&quot;dog&quot; &amp; co 0.00"));
    assert!(html.contains("data:image/jpeg;base64,/9j/"));
    assert!(!html.contains("http://") && !html.contains("https://"));
    assert!(!html.contains("NaN"));
    // Words that differ, with the white space of the original.
    assert!(html.contains("<del>is</del> <del>12</del>"), "{html}");
    assert!(html.contains("the  total"));
}

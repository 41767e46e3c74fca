use std::collections::{BTreeSet, HashMap};

use serde_json::Value;
use vary_core::detection::BoundingBox;
use vary_core::eval::{
    CocoEval, CocoTruth, anls, bleu4, normalized_edit_distance, relaxed_correct, word_scores,
};

use crate::support::{items, json, read};

const TOLERANCE: f64 = 1e-6;

#[test]
fn iou() {
    let metrics = json("metrics", "metrics.json");
    for case in items(&metrics["iou"]) {
        let bbox = |key: &str| {
            let [x1, y1, x2, y2] = read::<[f32; 4]>(&case[key]);
            BoundingBox::new(x1, y1, x2, y2)
        };
        let iou = bbox("a").iou(&bbox("b"));
        assert!(
            (f64::from(iou) - read::<f64>(&case["iou"])).abs() < TOLERANCE,
            "{iou}: {case}"
        );
        assert_eq!(iou >= 0.5, read::<bool>(&case["hit_at_0_5"]), "{case}");
        assert_eq!(iou > 0.5, read::<bool>(&case["hit_strict"]), "{case}");
    }
}

fn assert_close(what: &str, got: f64, case: &Value) {
    let want: f64 = read(&case[what]);
    assert!((got - want).abs() < TOLERANCE, "{what} {got}: {case}");
}

#[test]
fn document_answers() {
    let metrics = json("metrics", "metrics.json");
    let cases = items(&metrics["anls"]["cases"]);
    let mut sum = 0.0;
    for case in cases {
        let answers: Vec<String> = read(&case["answers"]);
        let score = anls(case["pred"].as_str().unwrap(), &answers);
        assert_close("score", score, case);
        sum += score;
    }
    assert_close("mean", sum / cases.len() as f64, &metrics["anls"]);
}

#[test]
fn chart_answers() {
    let metrics = json("metrics", "metrics.json");
    for case in items(&metrics["chartqa_relaxed"]["cases"]) {
        let text = |key: &str| case[key].as_str().unwrap();
        let correct = relaxed_correct(text("pred"), text("target"));
        assert_eq!(correct, read::<bool>(&case["correct"]), "{case}");
    }
}

#[test]
fn pages() {
    let metrics = json("metrics", "metrics.json");
    for case in items(&metrics["text"]) {
        let (pred, truth) = (case["pred"].as_str().unwrap(), case["gt"].as_str().unwrap());
        let distance = normalized_edit_distance(pred, truth);
        assert_close("normalized_edit_distance", distance, case);
        let words = word_scores(pred, truth);
        assert_close("precision", words.precision, case);
        assert_close("recall", words.recall, case);
        assert_close("f_measure", words.f1, case);
        // Without a match of an order the original returns the smallest positive numbers.
        assert_close("bleu4", bleu4(pred, truth), case);
    }
}

#[test]
fn coco() {
    for case in items(&json("metrics", "coco.json")) {
        let got = serde_json::to_value(evaluate(case).summary()).unwrap();
        let mut compared = 0;
        for (name, want) in case["result"].as_object().unwrap() {
            let Some(want) = want.as_f64() else { continue };
            let got = got[name]
                .as_f64()
                .unwrap_or_else(|| panic!("no number named {name}"));
            assert!(
                (got - want).abs() < TOLERANCE,
                "{}: {name} {got} != {want}",
                case["name"]
            );
            compared += 1;
        }
        assert!(
            compared == 12 || items_len(&case["dt"]) == 0,
            "{}: {compared}",
            case["name"]
        );
    }
}

fn items_len(list: &Value) -> usize {
    list.as_array().unwrap().len()
}

/// Boxes of one image and class, in the order of the file.
fn by_image_and_class(list: &Value) -> HashMap<(u64, u64), Vec<&Value>> {
    let mut groups = HashMap::<_, Vec<_>>::new();
    for item in list.as_array().unwrap() {
        let key = (read(&item["image_id"]), read(&item["category_id"]));
        groups.entry(key).or_default().push(item);
    }
    groups
}

fn evaluate(case: &Value) -> CocoEval {
    let truths = by_image_and_class(&case["gt"]["annotations"]);
    let found = by_image_and_class(&case["dt"]);
    let ids = |key: &str| -> BTreeSet<u64> {
        items(&case["gt"][key])
            .iter()
            .map(|v| read(&v["id"]))
            .collect()
    };
    let mut eval = CocoEval::default();
    for class in ids("categories") {
        for image in ids("images") {
            let key = (image, class);
            let true_boxes: Vec<_> = truths
                .get(&key)
                .into_iter()
                .flatten()
                .map(|t| CocoTruth {
                    bbox: read(&t["bbox"]),
                    area: read(&t["area"]),
                    crowd: t["iscrowd"] == 1,
                })
                .collect();
            let found_boxes: Vec<_> = found
                .get(&key)
                .into_iter()
                .flatten()
                .map(|d| (read(&d["bbox"]), read(&d["score"])))
                .collect();
            eval.add(class as usize, &true_boxes, &found_boxes);
        }
    }
    eval
}

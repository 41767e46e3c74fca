use std::collections::{BTreeSet, HashMap};

use serde_json::Value;
use vary_core::detection::BoundingBox;
use vary_core::eval::{CocoEval, CocoTruth};

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

#[test]
fn coco() {
    for case in items(&json("metrics", "coco.json")) {
        let got = serde_json::to_value(evaluate(case).summary()).unwrap();
        let mut compared = 0;
        for (name, want) in case["result"].as_object().unwrap() {
            let Some(want) = want.as_f64() else { continue };
            let got = got[name]
                .as_f64()
                .unwrap_or_else(|| panic!("no number called {name}"));
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

/// Boxes of one picture and class, in the order of the file.
fn by_picture_and_class(list: &Value) -> HashMap<(u64, u64), Vec<&Value>> {
    let mut groups = HashMap::<_, Vec<_>>::new();
    for item in list.as_array().unwrap() {
        let key = (read(&item["image_id"]), read(&item["category_id"]));
        groups.entry(key).or_default().push(item);
    }
    groups
}

fn evaluate(case: &Value) -> CocoEval {
    let truths = by_picture_and_class(&case["gt"]["annotations"]);
    let found = by_picture_and_class(&case["dt"]);
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

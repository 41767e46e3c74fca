//! The embedded model on the default images of the examples.

#![allow(clippy::unwrap_used)]

use std::path::Path;

use vary_core::Pipeline;
use vary_core::detection::BoundingBox;
use vary_core::pipeline::{AnswerOptions, DecodeOptions, open};
use vary_core::prompt::Task;

fn shipped(name: &str) -> image::RgbImage {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("assets")
        .join(name);
    open(path, &DecodeOptions::default()).unwrap()
}

/// Labels and boxes that were drawn.
const SCENE: [(&str, [f32; 4]); 7] = [
    ("truck", [172.0, 233.0, 344.0, 360.0]),
    ("backpack", [93.0, 90.0, 187.0, 197.0]),
    ("watermelon", [346.0, 185.0, 500.0, 353.0]),
    ("car", [381.0, 73.0, 461.0, 121.0]),
    ("apple", [1.0, 72.0, 76.0, 149.0]),
    ("pizza", [198.0, 371.0, 265.0, 448.0]),
    ("bird", [14.0, 294.0, 100.0, 396.0]),
];

#[test]
fn scene_is_understood() {
    let vary = Pipeline::builder().build().unwrap();
    let scene = shipped("scene.png");
    let found = vary.detect(&scene).unwrap();
    assert_eq!(found.len(), SCENE.len(), "{found:?}");
    let drawn = |label: &str| {
        let (_, [x1, y1, x2, y2]) = *SCENE.iter().find(|(name, _)| *name == label).unwrap();
        BoundingBox::new(x1, y1, x2, y2)
    };
    for object in &found {
        let iou = object.bbox.iou(&drawn(&object.label));
        assert!(iou > 0.5 && object.score > 0.5, "{object:?}: {iou}");
    }
    let car = vary.locate(&scene, "the car").unwrap().unwrap();
    assert!(car.bbox.iou(&drawn("car")) > 0.5, "{car:?}");

    let mut chat = vary.chat(&scene).unwrap();
    let options = AnswerOptions::default();
    let all = chat
        .ask(&Task::DetectAll.question(vary.config().family()), &options)
        .unwrap();
    assert_eq!(all.detections, found);
    let count = "How many cars are in this image?";
    assert_eq!(chat.ask(count, &options).unwrap().text, "1");
}

#[test]
fn page_is_read() {
    let vary = Pipeline::builder().build().unwrap();
    let read = vary.read(&shipped("page.png")).unwrap();
    for part in [
        "# cd scons-4.2.0a0\n# python setup.py install",
        "1.3.1. Building and Installing Multiple Versions of SCons\nSide-by-Side",
        "it in a location of your choosing. For example, to install SCons in appropriate locations",
    ] {
        assert!(read.text.contains(part), "{part}\nin\n{}", read.text);
    }
}

#[test]
fn sign_is_read() {
    let vary = Pipeline::builder().build().unwrap();
    let read = vary.read(&shipped("sign.png")).unwrap();
    assert_eq!(read.text, "Group\nPaper deep\nHandle scale");
}

//! The embedded model on the pictures that the examples show by default: what a newcomer sees first.

#![allow(clippy::unwrap_used)]

use std::path::Path;

use vary_core::Pipeline;
use vary_core::detection::BoundingBox;
use vary_core::pipeline::{AnswerOptions, DecodeOptions, open};
use vary_core::prompt::Task;

fn picture(name: &str) -> image::RgbImage {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("assets")
        .join(name);
    open(path, &DecodeOptions::default()).unwrap()
}

/// Labels and boxes that were drawn.
const SCENE: [(&str, [f32; 4]); 6] = [
    ("sheep", [45.0, 248.0, 187.0, 444.0]),
    ("chair", [268.0, 122.0, 371.0, 246.0]),
    ("umbrella", [353.0, 387.0, 422.0, 457.0]),
    ("truck", [234.0, 361.0, 361.0, 482.0]),
    ("broccoli", [134.0, 164.0, 250.0, 292.0]),
    ("horse", [75.0, 63.0, 180.0, 161.0]),
];

#[test]
fn objects_phrases_and_turns_of_the_scene() {
    let vary = Pipeline::builder().build().unwrap();
    let scene = picture("scene.png");
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
    let horse = vary.locate(&scene, "the horse").unwrap().unwrap();
    assert!(horse.bbox.iou(&drawn("horse")) > 0.5, "{horse:?}");

    let mut chat = vary.chat(&scene).unwrap();
    let options = AnswerOptions::default();
    let all = chat
        .ask(&Task::DetectAll.question(vary.config().family()), &options)
        .unwrap();
    assert_eq!(all.detections, found);
    let count = "How many horses are in this image?";
    assert_eq!(chat.ask(count, &options).unwrap().text, "1");
}

#[test]
fn the_words_of_the_sign() {
    let vary = Pipeline::builder().build().unwrap();
    let read = vary.read(&picture("sign.png")).unwrap();
    assert_eq!(read.text, "Group\nPaper deep\nHandle scale");
}

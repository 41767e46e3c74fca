use proptest::prelude::*;
use vary_data::Error;
use vary_data::sets::{DetectionSet, GroundingSet, Issue, SetOptions};

use crate::Folder;

/// Numbers of every kind, with many near the edges of a small image.
fn number() -> impl Strategy<Value = f64> {
    prop_oneof![
        any::<f64>(),
        -20.0..120.0f64,
        (-20i32..120).prop_map(f64::from),
        Just(-0.0)
    ]
}

/// As JSON and CSV write it; what JSON can't write is `null`.
fn json(v: f64) -> String {
    serde_json::to_string(&v).unwrap()
}

fn check(bbox: [f32; 4]) {
    let [x1, y1, x2, y2] = bbox;
    assert!(0.0 <= x1 && x1 < x2 && x2 <= 1.0, "{bbox:?}");
    assert!(0.0 <= y1 && y1 < y2 && y2 <= 1.0, "{bbox:?}");
    assert!(bbox.iter().all(|v| v.is_sign_positive()), "{bbox:?}");
}

/// Checks the boxes that came out; those that didn't must have been counted.
fn all_accounted(set: Result<DetectionSet, Error>, given: usize) {
    let report = match set {
        Ok(set) => {
            set.iter()
                .flat_map(|image| image.objects)
                .for_each(|object| check(object.bbox));
            set.report().clone()
        }
        Err(Error::EmptySet { report, .. }) => *report,
        Err(other) => panic!("{other}"),
    };
    let kept_or_of_images = [Issue::Clipped, Issue::NoObjects];
    let dropped: u64 = report
        .issues
        .iter()
        .filter(|(issue, _)| !kept_or_of_images.contains(issue))
        .map(|(_, found)| found.count)
        .sum();
    assert_eq!(report.objects + dropped, given as u64, "{report}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn coco_boxes_are_valid(
        boxes in prop::collection::vec([number(), number(), number(), number()], 1..20),
        width in prop_oneof![0u32..120, any::<u32>()],
        height in 0u32..120,
    ) {
        let annotations: Vec<_> = boxes.iter().map(|v| format!(
            r#"{{"image_id": 1, "category_id": 1, "bbox": [{}]}}"#,
            v.map(json).join(",")
        )).collect();
        let text = format!(
            r#"{{"images": [{{"id": 1, "file_name": "a", "width": {width}, "height": {height}}}],
            "categories": [{{"id": 1, "name": "x"}}], "annotations": [{}]}}"#,
            annotations.join(",")
        );
        all_accounted(Folder::new().coco(&text), boxes.len());
    }

    #[test]
    fn open_images_boxes_are_valid(
        boxes in prop::collection::vec([number(), number(), number(), number()], 1..20),
        scale in prop_oneof![Just(1.0), Just(0.01)],
    ) {
        let folder = Folder::new();
        let mut text = "ImageID,LabelName,XMin,XMax,YMin,YMax,IsGroupOf\n".to_owned();
        for v in &boxes {
            text += &format!("a,/m/x,{},0\n", v.map(|v| (v * scale).to_string()).join(","));
        }
        let boxes_csv = folder.write("boxes.csv", text);
        let classes = folder.write("classes.csv", "/m/x,X\n");
        let options = SetOptions::default();
        let set = DetectionSet::open_open_images(boxes_csv, classes, folder.path(), &options);
        all_accounted(set, boxes.len());
    }

    #[test]
    fn grounding_boxes_are_valid(v in [number(), number(), number(), number()]) {
        let folder = Folder::new();
        let file = folder.write("refs.json", format!(
            r#"[{{"image": "a", "width": 100, "height": 90, "bbox": [{}], "expression": "x"}}]"#,
            v.map(json).join(",")
        ));
        match GroundingSet::open(file, folder.path()) {
            Ok(set) => check(set.get(0).unwrap().bbox),
            Err(Error::EmptySet { report, .. }) => prop_assert_eq!(report.issues.len(), 1),
            Err(other) => panic!("{other}"),
        }
    }

    /// Whatever bytes come, opening ends with a set or an error.
    #[test]
    fn nothing_panics_on_damaged_files(at in 0usize..200, byte: u8, cut in 0usize..200) {
        let folder = Folder::new();
        let mut text = br#"{"images":[{"id":1,"file_name":"a","width":9,"height":9}],"categories":[
            {"id":1,"name":"x"}],"annotations":[{"image_id":1,"category_id":1,"bbox":[0,0,9,9]}]}"#
            .to_vec();
        let at = at % text.len();
        text[at] = byte;
        text.truncate(text.len() - cut % 40);
        let file = folder.write("a.json", &text);
        let _ = DetectionSet::open_coco(&file, folder.path(), &SetOptions::default());
        let _ = GroundingSet::open(&file, folder.path());
        let _ = DetectionSet::open_open_images(&file, &file, "x", &SetOptions::default());
    }
}

use vary_data::sets::{DetectionSet, Issue, Object, SetOptions, SetReport};

use crate::{Folder, contains_all};

/// Two images and two classes, with categories last as in COCO's own files.
fn with_annotations(annotations: &str) -> String {
    format!(
        r#"{{"info": {{}}, "licenses": [{{"id": 1}}, {{"id": 2}}],
        "images": [
            {{"id": 42, "file_name": "a.jpg", "width": 200, "height": 100, "license": 2}},
            {{"id": 7, "file_name": "sub/b.jpg", "width": 50, "height": 80}}],
        "annotations": [{annotations}],
        "categories": [
            {{"id": 1, "name": "person", "supercategory": "x"}},
            {{"id": 90, "name": "brosse à dents"}}]}}"#
    )
}

fn annotation(bbox: &str) -> String {
    format!(r#"{{"id": 906, "image_id": 42, "category_id": 1, "bbox": {bbox}}}"#)
}

const GOOD: &str = r#"{"image_id": 7, "category_id": 1, "bbox": [0, 0, 25, 80]}"#;

#[test]
fn boxes_are_fractions() {
    let folder = Folder::new();
    let set = folder
        .coco(&with_annotations(
            r#"{"id": 1, "image_id": 7, "category_id": 90, "bbox": [5, 8, 10.0, 40], "iscrowd": 0,
                "segmentation": [[1, 2, 3, 4]], "area": 400},
            {"id": 2, "image_id": 42, "category_id": 1, "bbox": [0, 0, 200, 100], "iscrowd": 1,
                "segmentation": {"counts": [1], "size": [200, 100]}},
            {"id": 3, "image_id": 7, "category_id": 1, "bbox": [0, 0, 25, 80], "iscrowd": false}"#,
        ))
        .unwrap();
    assert_eq!(set.classes(), ["person", "brosse à dents"]);
    let images: Vec<_> = set.iter().collect();
    assert_eq!(images.len(), 2);
    assert_eq!(images[0].path, folder.path().join("a.jpg"));
    assert_eq!(images[0].size, Some((200, 100)));
    let object = |class, bbox, crowd| Object { class, bbox, crowd };
    assert_eq!(images[0].objects, [object(0, [0.0, 0.0, 1.0, 1.0], true)]);
    assert_eq!(images[1].path, folder.path().join("sub/b.jpg"));
    let objects = [
        object(1, [0.1, 0.1, 0.3, 0.6], false),
        object(0, [0.0, 0.0, 0.5, 1.0], false),
    ];
    assert_eq!(images[1].objects, objects);
    assert_eq!(set.get(2), None);
    assert_eq!(set.report().to_string(), "2 images and 3 boxes kept");
}

#[test]
fn box_faults_are_counted() {
    let cases = [
        ("[null, 0, 1, 1]", Issue::NotFinite),
        ("[0, 0, -3, 1]", Issue::NegativeSize),
        ("[5, 5, 1, -1e-30]", Issue::NegativeSize),
        ("[0, 0, 0, 1]", Issue::EmptyBox),
        ("[199, 0, 1e-9, 1]", Issue::EmptyBox),
        ("[200, 0, 10, 10]", Issue::OutsideImage),
        ("[-10, 0, 10, 10]", Issue::OutsideImage),
        ("[0, 1e9, 10, 10]", Issue::OutsideImage),
        ("[1e308, 0, 1e308, 10]", Issue::NotFinite),
    ];
    for (bbox, issue) in cases {
        let folder = Folder::new();
        let json = with_annotations(&format!("{GOOD}, {}", annotation(bbox)));
        let set = folder.coco(&json).unwrap();
        assert_eq!(set.report().count(issue), 1, "{bbox}: {}", set.report());
        assert_eq!(set.report().objects, 1);
        let place = &set.report().issues[&issue].first[0];
        assert_eq!(place.record, "annotations[1] (id 906)");
        assert!(place.file.ends_with("instances.json"));
        // The image that lost its only object is dropped, and counted as well.
        assert_eq!(set.len(), 1);
        assert_eq!(
            set.report().issues[&Issue::NoObjects].first[0].record,
            "a.jpg"
        );
    }
}

#[test]
fn boxes_are_clipped() {
    let folder = Folder::new();
    let set = folder
        .coco(&with_annotations(&annotation("[-10, 50, 110, 60]")))
        .unwrap();
    assert_eq!(set.get(0).unwrap().objects[0].bbox, [0.0, 0.5, 0.5, 1.0]);
    assert_eq!(set.report().count(Issue::Clipped), 1);
}

#[test]
fn unknown_ids_are_counted() {
    let folder = Folder::new();
    let json = with_annotations(&format!(
        r#"{GOOD}, {{"image_id": 8, "category_id": 1, "bbox": [0, 0, 1, 1]}},
        {{"image_id": 7, "category_id": 2, "bbox": [0, 0, 1, 1]}}, {}"#,
        annotation("[0, 0, 1, 1]")
    ));
    let set = folder
        .coco(&json.replace(r#""width": 200"#, r#""width": 0"#))
        .unwrap();
    for issue in [Issue::UnknownImage, Issue::UnknownCategory, Issue::ZeroSize] {
        assert_eq!(set.report().count(issue), 1, "{}", set.report());
    }
    assert_eq!(
        set.report().issues[&Issue::UnknownImage].first[0].record,
        "annotations[1]"
    );
}

#[test]
fn reports_keep_few_places() {
    let folder = Folder::new();
    let many = vec![annotation("[0, 0, 0, 0]"); 20].join(",");
    let set = folder
        .coco(&with_annotations(&format!("{GOOD}, {many}")))
        .unwrap();
    let found = &set.report().issues[&Issue::EmptyBox];
    assert_eq!((found.count, found.first.len()), (20, 5));
    assert!(
        set.report()
            .to_string()
            .contains("20 boxes without area, dropped; first: ")
    );
    let json = serde_json::to_string(set.report()).unwrap();
    assert!(json.contains(r#""empty_box":{"count":20"#), "{json}");
    assert_eq!(
        serde_json::from_str::<SetReport>(&json).unwrap(),
        *set.report()
    );
}

#[test]
fn empty_images_are_optional() {
    let folder = Folder::new();
    let file = folder.write("instances.json", with_annotations(GOOD));
    let options = SetOptions { keep_empty: true };
    let set = DetectionSet::open_coco(file, folder.path(), &options).unwrap();
    assert_eq!(set.len(), 2);
    assert!(set.get(0).unwrap().objects.is_empty());
    assert_eq!(set.get(1).unwrap().objects.len(), 1);
    assert_eq!(set.report().count(Issue::NoObjects), 0);
}

#[test]
fn bom_and_crlf_are_skipped() {
    let folder = Folder::new();
    let json = format!("\u{feff}{}", with_annotations(GOOD).replace('\n', "\r\n"));
    assert_eq!(folder.coco(&json).unwrap().len(), 1);
}

#[test]
fn errors_name_the_field() {
    let second = |bbox: &str| with_annotations(&format!("{GOOD}, {}", annotation(bbox)));
    let cases: [(String, &[&str]); 12] = [
        (
            second(r#"[0, 0, "wide", 1]"#),
            &["annotations[1].bbox[2]: invalid type: string \"wide\", expected f64 at line 5"],
        ),
        (
            second("[0, 0, 1]"),
            &["annotations[1].bbox: invalid length 3"],
        ),
        (
            second("[0, 0, NaN, 1]"),
            &["annotations[1].bbox[2]: expected value"],
        ),
        (second("{}"), &["annotations[1].bbox: invalid type: map"]),
        (
            with_annotations(r#"{"image_id": 7, "category_id": 1}"#),
            &["annotations[0]: missing field `bbox`"],
        ),
        (
            with_annotations(GOOD).replace(r#""width": 50"#, r#""width": "50""#),
            &["images[1].width: invalid type: string \"50\", expected u32"],
        ),
        (
            with_annotations(&GOOD.replace('}', r#", "iscrowd": 2}"#)),
            &["annotations[0].iscrowd: invalid value: integer `2`, expected 0, 1, true or false"],
        ),
        (
            with_annotations(GOOD).replace("categories", "x"),
            &["missing field `categories`"],
        ),
        (
            with_annotations(GOOD).replace("annotations", "x"),
            &["missing field `annotations`"],
        ),
        (with_annotations(GOOD) + "}", &["trailing characters"]),
        (
            with_annotations(GOOD).replace(r#""id": 7"#, r#""id": 42"#),
            &["images[1] has the id 42 of images[0]"],
        ),
        (
            with_annotations(GOOD).replace(r#""id": 90"#, r#""id": 1"#),
            &["categories[1] has the id 1 of categories[0]"],
        ),
    ];
    for (json, parts) in cases {
        let message = Folder::new().coco(&json).unwrap_err().to_string();
        contains_all(&message, parts);
        contains_all(&message, &["instances.json: "]);
    }
}

#[test]
fn leaving_paths_name_records() {
    for path in ["../b.jpg", "/b.jpg", "C:\\\\b.jpg", "a\\\\..\\\\b.jpg"] {
        let json = with_annotations(GOOD).replace("sub/b.jpg", path);
        let message = Folder::new().coco(&json).unwrap_err().to_string();
        contains_all(
            &message,
            &["instances.json: images[1]: the path", "stay inside it"],
        );
    }
}

#[test]
fn empty_sets_report_drops() {
    let message = Folder::new()
        .coco(&with_annotations(&annotation("[0, 0, 0, 0]")))
        .unwrap_err()
        .to_string();
    contains_all(
        &message,
        &[
            "instances.json: nothing usable",
            "1 boxes without area, dropped; first: ",
            "annotations[0] (id 906)",
            "2 images without a usable object",
        ],
    );
}

#[test]
fn a_missing_file_is_named() {
    let options = SetOptions::default();
    let message = DetectionSet::open_coco("none.json", "x", &options)
        .unwrap_err()
        .to_string();
    contains_all(&message, &["none.json: "]);
}

#[test]
fn objects365_layouts_open() {
    let name = "images/v1/patch8/objects365_v1_00420917.jpg";
    let json = r#"{"images": [{"id": 420917, "file_name": "NAME", "width": 512, "height": 256,
            "url": "", "license": 5}],
        "annotations": [{"id": 1, "iscrowd": 1, "isfake": 0, "isreflected": 0, "area": 1.5,
            "bbox": [0.0, 64.0, 256.0000001, 64.0], "image_id": 420917, "category_id": 365}],
        "categories": [{"name": "Table Tennis ", "id": 365}], "licenses": [{"id": 5}]}"#
        .replace("NAME", name);
    for layout in [
        name,
        "patch8/objects365_v1_00420917.jpg",
        "objects365_v1_00420917.jpg",
        "",
    ] {
        let folder = Folder::new();
        let file = folder.write("zhiyuan_objv2_val.json", &json);
        if !layout.is_empty() {
            folder.write(layout, "");
        }
        let set =
            DetectionSet::open_objects365(file, folder.path(), &SetOptions::default()).unwrap();
        let image = set.get(0).unwrap();
        let expected = if layout.is_empty() { name } else { layout };
        assert_eq!(image.path, folder.path().join(expected));
        let object = Object {
            class: 0,
            bbox: [0.0, 0.25, 0.5, 0.5],
            crowd: true,
        };
        assert_eq!(image.objects, [object]);
    }
}

use vary_data::sets::{GroundingSet, Issue};

use crate::{Folder, contains_all};

fn open(folder: &Folder, json: &str) -> vary_data::Result<GroundingSet> {
    let file = folder.write("refcoco.json", json);
    GroundingSet::open(file, folder.path())
}

#[test]
fn records_give_one_item_per_sentence() {
    let folder = Folder::new();
    folder.image("c.png", 20, 10);
    let set = open(
        &folder,
        r#"[{"image": "a.jpg", "width": 200, "height": 100, "bbox": [0, 25, 100, 50],
                "expression": " der rote Hut ", "split": "val"},
            {"file_name": "b.jpg", "width": 10, "height": 10, "bbox": [-5, 0, 10, 10],
                "sentences": ["left dog", {"sent": "dog", "raw": "Dog", "tokens": ["dog"]}, " "]},
            {"file_name": "c.png", "bbox": [5, 5, 5, 5], "expression": "犬"}]"#,
    )
    .unwrap();
    let all: Vec<_> = set.iter().collect();
    let texts: Vec<_> = all.iter().map(|r| r.expression.as_str()).collect();
    assert_eq!(texts, ["der rote Hut", "left dog", "dog", "犬"]);
    assert_eq!(all[0].path, folder.path().join("a.jpg"));
    assert_eq!(
        (all[0].size, all[0].bbox),
        ((200, 100), [0.0, 0.25, 0.5, 0.75])
    );
    assert_eq!(all[2].bbox, [0.0, 0.0, 0.5, 1.0]);
    assert_eq!(
        (all[3].size, all[3].bbox),
        ((20, 10), [0.25, 0.5, 0.5, 1.0])
    );
    assert_eq!(set.get(4), None);
    assert_eq!(set.report().count(Issue::Clipped), 1);
    assert_eq!(set.report().count(Issue::EmptyExpression), 1);
}

#[test]
fn unreadable_images_are_counted() {
    let folder = Folder::new();
    folder.write("broken.jpg", "no image");
    let set = open(
        &folder,
        r#"[{"image": "gone.jpg", "bbox": [0, 0, 1, 1], "expression": "a"},
            {"image": "broken.jpg", "bbox": [0, 0, 1, 1], "expression": "b"},
            {"image": "x.jpg", "width": 1, "height": 1, "bbox": [0, 0, 1, 1], "sentences": []},
            {"image": "x.jpg", "width": 1, "height": 0, "bbox": [0, 0, 1, 1], "expression": "c"},
            {"image": "x.jpg", "width": 1, "height": 1, "bbox": [0, 0, 1, 1], "expression": "d"}]"#,
    )
    .unwrap();
    assert_eq!(set.len(), 1);
    let issues = [
        Issue::MissingFile,
        Issue::BrokenFile,
        Issue::EmptyExpression,
        Issue::ZeroSize,
    ];
    for (i, issue) in issues.into_iter().enumerate() {
        let found = &set.report().issues[&issue];
        assert_eq!(
            (found.count, &*found.first[0].record),
            (1, &*format!("[{i}]"))
        );
    }
}

/// A file in the form of MDETR.
fn mdetr() -> String {
    let image = |id: u32, caption: &str| {
        format!(
            r#"{{"file_name": "a.jpg", "height": 100, "width": 200, "id": {id}, "original_id": 9,
                "caption": "{caption}", "dataset_name": "refcoco", "tokens_negative": [[0, 3]]}}"#
        )
    };
    let annotation = |id: u32, image: u32, bbox: &str| {
        format!(
            r#"{{"area": 1.0, "iscrowd": 0, "image_id": {image}, "category_id": 1, "id": {id},
                "bbox": {bbox}, "tokens_positive": [[0, 3]]}}"#
        )
    };
    format!(
        r#"{{"images": [{}], "annotations": [{}], "categories": [{{"id": 1, "name": "x"}}]}}"#,
        [
            image(0, "man"),
            image(1, "two boxes"),
            image(2, "no box"),
            image(3, ""),
            image(4, "bad box"),
            image(5, "hat"),
        ]
        .join(","),
        [
            annotation(10, 5, "[150, 0, 100, 50]"),
            annotation(11, 1, "[0, 0, 1, 1]"),
            annotation(12, 1, "[0, 0, 2, 2]"),
            annotation(13, 0, "[0, 0, 100, 100]"),
            annotation(14, 3, "[0, 0, 100, 100]"),
            annotation(15, 4, "[0, 0, 100, 0]"),
            annotation(16, 99, "[0, 0, 1, 1]"),
        ]
        .join(",")
    )
}

#[test]
fn mdetr_form_opens() {
    let json = mdetr();
    let folder = Folder::new();
    let set = open(&folder, &json).unwrap();
    let all: Vec<_> = set.iter().map(|r| (r.expression, r.bbox)).collect();
    let expected = [
        ("man", [0.0, 0.0, 0.5, 1.0]),
        ("hat", [0.75, 0.0, 1.0, 0.5]),
    ];
    assert_eq!(all, expected.map(|(text, bbox)| (text.to_owned(), bbox)));
    let records = [
        (Issue::SeveralBoxes, "images[1] (id 1)"),
        (Issue::NoObjects, "images[2] (id 2)"),
        (Issue::EmptyExpression, "images[3] (id 3)"),
        (Issue::EmptyBox, "annotations[5] (id 15)"),
        (Issue::UnknownImage, "annotations[6] (id 16)"),
        (Issue::Clipped, "images[5] (id 5)"),
    ];
    for (issue, record) in records {
        assert_eq!(set.report().issues[&issue].first[0].record, record);
    }
    let twice = json.replace(r#""id": 1, "original"#, r#""id": 0, "original"#);
    contains_all(
        &open(&folder, &twice).unwrap_err().to_string(),
        &["refcoco.json: images[1] has the id 0 of images[0]"],
    );
    let climbing = json.replacen("a.jpg", "../a.jpg", 1);
    contains_all(
        &open(&folder, &climbing).unwrap_err().to_string(),
        &["refcoco.json: images[0]: the path \"../a.jpg\" climbs"],
    );
}

#[test]
fn pickles_are_refused() {
    let folder = Folder::new();
    for start in [&b"\x80\x02]q\x01("[..], b"(lp1\n", b""] {
        let file = folder.write("refs(unc).p", start);
        let message = GroundingSet::open(file, folder.path())
            .unwrap_err()
            .to_string();
        contains_all(
            &message,
            &[
                "refs(unc).p: ",
                "pickle",
                "\"sentences\"",
                "finetune_refcoco_train.json",
            ],
        );
    }
}

#[test]
fn errors_name_the_record() {
    let record = |rest: &str| {
        format!(r#"[{{"image": "a.jpg", "width": 9, "height": 9, "bbox": [0, 0, 9, 9]{rest}}}]"#)
    };
    let cases = [
        (record(""), "[0]: needs `expression` or `sentences`"),
        (
            record(r#", "expression": "a", "sentences": []"#),
            "[0]: has both",
        ),
        (
            record(r#", "expression": 5"#),
            "[0].expression: invalid type: integer `5`",
        ),
        (
            record(r#", "sentences": ["a", 5]"#),
            "[0].sentences[1]: expected a string or an object with `sent`",
        ),
        (
            record(r#", "expression": "a""#).replace("a.jpg", "/a.jpg"),
            "[0]: the path \"/a.jpg\" is absolute",
        ),
        ("[]".to_owned(), "nothing usable is left"),
        (
            r#"{"images": [{"id": 1, "file_name": "a", "width": 1, "height": 1}]}"#.to_owned(),
            "images[0]: missing field `caption`",
        ),
    ];
    for (json, part) in cases {
        let message = open(&Folder::new(), &json).unwrap_err().to_string();
        contains_all(&message, &["refcoco.json: ", part]);
    }
}

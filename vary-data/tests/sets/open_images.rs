use vary_data::sets::{DetectionSet, Issue, Object, SetOptions};

use crate::{Folder, contains_all};

const HEADER: &str = "ImageID,Source,LabelName,Confidence,XMin,XMax,YMin,YMax,IsOccluded,\
                      IsTruncated,IsGroupOf,IsDepiction,IsInside\n";
const CLASSES: &str = "/m/0cmf2,Airplane\n/m/01g317,Person\n/m/0x,\"Häkelnadel, groß\"\n";

fn open(folder: &Folder, boxes: &str, classes: &str) -> vary_data::Result<DetectionSet> {
    let boxes = folder.write("train-annotations-bbox.csv", boxes);
    let classes = folder.write("class-descriptions-boxable.csv", classes);
    DetectionSet::open_open_images(boxes, classes, folder.path(), &SetOptions::default())
}

fn row(label: &str, corners: &str) -> String {
    format!("000a,xclick,{label},1,{corners},0,0,0,0,0\n")
}

#[test]
fn boxes_keep_image_order() {
    let folder = Folder::new();
    let boxes = format!(
        "{HEADER}{}0b,activemil,/m/0x,1,0,1,0.25,0.75,-1,-1,1,-1,-1\n{}",
        row("/m/01g317", "0.5,0.75,0,0.5"),
        row("/m/0cmf2", "0.25,0.5,-0.5,2"),
    );
    for (boxes, classes) in [
        (boxes.clone(), CLASSES.to_owned()),
        (
            format!("\u{feff}{}", boxes.replace('\n', "\r\n")),
            format!("\u{feff}{}", CLASSES.replace('\n', "\r\n")),
        ),
    ] {
        let set = open(&folder, &boxes, &classes).unwrap();
        assert_eq!(set.classes(), ["Airplane", "Person", "Häkelnadel, groß"]);
        let images: Vec<_> = set.iter().collect();
        assert_eq!(images[0].path, folder.path().join("000a.jpg"));
        assert_eq!(images[0].size, None);
        let object = |class, bbox, crowd| Object { class, bbox, crowd };
        let objects = [
            object(1, [0.5, 0.0, 0.75, 0.5], false),
            object(0, [0.25, 0.0, 0.5, 1.0], false),
        ];
        assert_eq!(images[0].objects, objects);
        assert_eq!(images[1].objects, [object(2, [0.0, 0.25, 1.0, 0.75], true)]);
        assert_eq!(set.report().count(Issue::Clipped), 1);
        assert_eq!(
            set.report().issues[&Issue::Clipped].first[0].record,
            "line 4 (image 000a)"
        );
    }
}

#[test]
fn column_order_is_free() {
    let boxes = "YMax,YMin,XMax,XMin,IsGroupOf,LabelName,XClick1X,ImageID\n\
                 0.75,0.5,1,0,0,/m/0cmf2,-1,0a\n";
    let set = open(&Folder::new(), boxes, CLASSES).unwrap();
    assert_eq!(set.get(0).unwrap().objects[0].bbox, [0.0, 0.5, 1.0, 0.75]);
}

#[test]
fn each_fault_is_counted() {
    let cases = [
        ("/m/unknown", "0,1,0,1", Issue::UnknownCategory),
        ("/m/0cmf2", "NaN,1,0,1", Issue::NotFinite),
        ("/m/0cmf2", "0,inf,0,1", Issue::NotFinite),
        ("/m/0cmf2", "0.5,0.25,0,1", Issue::NegativeSize),
        ("/m/0cmf2", "0.5,0.5,0,1", Issue::EmptyBox),
        ("/m/0cmf2", "1,1.5,0,1", Issue::OutsideImage),
    ];
    for (label, corners, issue) in cases {
        let good = row("/m/0cmf2", "0,1,0,1");
        let boxes = format!("{HEADER}{good}{}", row(label, corners));
        let set = open(&Folder::new(), &boxes, CLASSES).unwrap();
        assert_eq!(set.report().count(issue), 1, "{corners}");
        assert_eq!(
            set.report().issues[&issue].first[0].record,
            "line 3 (image 000a)"
        );
        assert_eq!(set.report().objects, 1);
    }
}

/// Boxes, classes and what the error must contain.
fn faulty() -> [(String, &'static str, &'static [&'static str]); 9] {
    let good = row("/m/0cmf2", "0,1,0,1");
    [
        (
            HEADER.replace("YMin", "YMn") + &good,
            CLASSES,
            &["train-annotations-bbox.csv: no column `YMin`", "YMn, YMax"],
        ),
        (
            format!("{HEADER}{good}{}", row("/m/0cmf2", "0,1,wide,1")),
            CLASSES,
            &["train-annotations-bbox.csv: line 3, column `YMin`: \"wide\" is not a number"],
        ),
        (
            format!("{HEADER}{}", good.replace("1,0,0,0,0,0", "1,0,0,yes,0,0")),
            CLASSES,
            &["line 2, column `IsGroupOf`: \"yes\" is not 1, 0 or -1"],
        ),
        (
            format!("{HEADER}{good}0b,xclick\n"),
            CLASSES,
            &[
                "train-annotations-bbox.csv: CSV error: record 2 (line: 3",
                "2 fields",
            ],
        ),
        (
            format!("{HEADER}{}", good.replace("000a", "../a")),
            CLASSES,
            &["train-annotations-bbox.csv: line 2: the path \"../a.jpg\" climbs"],
        ),
        (
            HEADER.to_owned(),
            CLASSES,
            &["train-annotations-bbox.csv: nothing usable"],
        ),
        (
            format!("{HEADER}{good}"),
            "LabelName,DisplayName\n",
            &[
                "class-descriptions-boxable.csv: line 1, column `label`: \"LabelName\"",
                "no header",
            ],
        ),
        (
            format!("{HEADER}{good}"),
            "/m/a,A\n/m/b,B\n/m/a,C\n",
            &["class-descriptions-boxable.csv: line 3 has the id /m/a of class 0"],
        ),
        (
            format!("{HEADER}{good}"),
            "/m/a\n",
            &["class-descriptions-boxable.csv: line 1, column `name`: \"\""],
        ),
    ]
}

#[test]
fn errors_name_line_and_column() {
    for (boxes, classes, parts) in faulty() {
        let message = open(&Folder::new(), &boxes, classes)
            .unwrap_err()
            .to_string();
        contains_all(&message, parts);
    }
}

use vary_data::sets::{DetectionSet, GroundingSet, Issue, SetOptions};

use crate::Folder;

#[test]
fn file_faults_are_counted() {
    let folder = Folder::new();
    folder.image("good.png", 20, 10);
    folder.image("turned.png", 10, 20);
    folder.write("broken.png", b"\x89PNG\r\n\x1a\nno header");
    folder.write("text.png", "not an image");
    // The format follows from the content, as image files with a wrong ending are common.
    let png = folder.image("x.png", 20, 10);
    std::fs::rename(png, folder.path().join("png.jpg")).unwrap();
    let names = [
        "good.png",
        "gone.png",
        "turned.png",
        "broken.png",
        "text.png",
        "png.jpg",
    ];
    let list =
        |item: &dyn Fn(usize) -> String| (0..names.len()).map(item).collect::<Vec<_>>().join(",");
    let json = format!(
        r#"{{"images": [{}], "annotations": [{}], "categories": [{{"id": 1, "name": "x"}}]}}"#,
        list(&|i| format!(
            r#"{{"id": {i}, "file_name": "{}", "width": 20, "height": 10}}"#,
            names[i]
        )),
        list(&|i| format!(r#"{{"image_id": {i}, "category_id": 1, "bbox": [0, 0, 1, 1]}}"#)),
    );
    let file = folder.write("instances.json", json);
    let set = DetectionSet::open_coco(file, folder.path(), &SetOptions::default()).unwrap();
    let report = set.check_images();
    assert_eq!(report.images, 2);
    assert_eq!(report.count(Issue::MissingFile), 1);
    assert_eq!(report.count(Issue::BrokenFile), 2);
    assert_eq!(report.count(Issue::SizeMismatch), 1);
    let place = &report.issues[&Issue::SizeMismatch].first[0];
    assert!(place.file.ends_with("turned.png"));
    assert_eq!(place.record, "10x20 in the file, 20x10 declared");
}

#[test]
fn images_are_checked_once() {
    let folder = Folder::new();
    folder.image("a.png", 9, 9);
    let file = folder.write(
        "refs.json",
        r#"[{"image": "a.png", "width": 9, "height": 9, "bbox": [0, 0, 9, 9],
            "sentences": ["a", "b"]}]"#,
    );
    let set = GroundingSet::open(file, folder.path()).unwrap();
    assert_eq!((set.len(), set.check_images().images), (2, 1));
}

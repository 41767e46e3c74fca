use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;
use std::time::Instant;

use vary_data::sets::{DetectionSet, SetOptions};

use crate::Folder;

/// The process's memory in MiB now, and the most it ever was; `None` where `/proc` isn't there.
fn memory() -> Option<(u64, u64)> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let field = |name: &str| -> Option<u64> {
        let line = status.lines().find(|line| line.starts_with(name))?;
        Some(line.split_whitespace().nth(1)?.parse::<u64>().ok()? / 1024)
    };
    Some((field("VmRSS:")?, field("VmHWM:")?))
}

fn write_large(file: &Path, images: usize, count: usize) {
    // Written piece by piece, so that the memory printed is the reader's.
    let mut text = BufWriter::new(File::create(file).unwrap());
    write!(text, r#"{{"images": ["#).unwrap();
    for i in 0..images {
        let comma = if i == 0 { "" } else { "," };
        let name = format!("images/v1/patch{}/objects365_v1_{i:08}.jpg", i % 50);
        write!(
            text,
            r#"{comma}{{"id": {i}, "file_name": "{name}", "width": 640, "height": 480}}"#
        )
        .unwrap();
    }
    write!(text, r#"], "annotations": ["#).unwrap();
    for i in 0..count {
        let comma = if i == 0 { "" } else { "," };
        // Scattered over the images, as annotations aren't sorted by image.
        let image = i * 7919 % images;
        write!(
            text,
            r#"{comma}{{"id": {i}, "iscrowd": 0, "isfake": 0, "isreflected": 0, "area": 1234.5678,
            "image_id": {image}, "bbox": [{}.25, 17.5036621, 99.1234567, 45.0],
            "category_id": {}}}"#,
            i % 500,
            i % 365
        )
        .unwrap();
    }
    write!(text, r#"], "categories": ["#).unwrap();
    for i in 0..365 {
        let comma = if i == 0 { "" } else { "," };
        write!(text, r#"{comma}{{"id": {i}, "name": "class {i}"}}"#).unwrap();
    }
    write!(text, "]}}").unwrap();
    text.flush().unwrap();
}

/// Time and memory are printed, not asserted: run alone with `large -- --nocapture`.
/// `VARY_SETS_LARGE` sets the number of annotations.
#[test]
fn large_files_stream() {
    let count: usize = std::env::var("VARY_SETS_LARGE")
        .ok()
        .and_then(|v| v.parse().ok())
        .unwrap_or(200_000);
    let images = count / 10;
    let folder = Folder::new();
    let file = folder.path().join("large.json");
    write_large(&file, images, count);
    let bytes = file.metadata().unwrap().len();

    let before = memory();
    let start = Instant::now();
    let set = DetectionSet::open_coco(file, folder.path(), &SetOptions::default()).unwrap();
    let seconds = start.elapsed().as_secs_f64();
    println!(
        "{count} annotations, {} MB: {seconds:.2} s, {:.0} annotations/s, memory (now, most) in \
         MiB before {before:?}, after {:?}",
        bytes / 1_000_000,
        count as f64 / seconds,
        memory()
    );
    assert_eq!(set.len(), images);
    assert_eq!(set.report().objects, count as u64);
    let object = set.get(0).unwrap().objects[0];
    assert_eq!(object.class, 0);
    assert_eq!(object.bbox[0], 0.25 / 640.0);
}

use std::fs;
use std::io::Cursor;
use std::path::Path;

use image::{ImageFormat, Rgb, RgbImage};
use vary_core::Error;
use vary_core::train::data::{Conversations, Dataset, WebDataset};
use vary_vision::preprocess::{DecodeOptions, open};

const TURNS: &str = r#""conversations": [{"from": "human", "value": "<image>\nWhat?"},
    {"from": "gpt", "value": "A ramp."}]"#;

/// A JPEG of 24 x 16 pixels whose EXIF data ask for a quarter turn clockwise.
fn turned_jpeg() -> Vec<u8> {
    let ramp = RgbImage::from_fn(24, 16, |x, y| Rgb([(x * 10) as u8, (y * 15) as u8, 60]));
    let mut jpeg = vec![];
    ramp.write_to(&mut Cursor::new(&mut jpeg), ImageFormat::Jpeg)
        .unwrap();
    let tiff = b"Exif\0\0MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0";
    let exif = [tiff.as_slice(), &[6, 0, 0, 0, 0, 0, 0]].concat();
    let length = (exif.len() as u16 + 2).to_be_bytes();
    [&jpeg[..2], &[0xFF, 0xE1], &length, &exif, &jpeg[2..]].concat()
}

fn shard(path: &Path, files: &[(&str, &[u8])]) {
    let mut tar = tar::Builder::new(fs::File::create(path).unwrap());
    for (name, bytes) in files {
        let mut header = tar::Header::new_gnu();
        header.set_size(bytes.len() as u64);
        header.set_mode(0o644);
        header.set_cksum();
        tar.append_data(&mut header, name, *bytes).unwrap();
    }
    tar.finish().unwrap();
}

#[test]
fn exif_orientation_is_applied() {
    let dir = tempfile::tempdir().unwrap();
    let jpeg = turned_jpeg();
    let path = dir.path().join("photo.jpg");
    fs::write(&path, &jpeg).unwrap();
    // What a pipeline sees of the same file.
    let expected = open(&path, &DecodeOptions::default()).unwrap();
    assert_eq!(expected.dimensions(), (16, 24));

    let json = dir.path().join("train.json");
    fs::write(&json, format!(r#"[{{"image": "photo.jpg", {TURNS}}}]"#)).unwrap();
    let set = Conversations::open(&json, dir.path()).unwrap();
    assert!(set.get(0, 0).unwrap().images == [expected.clone()]);

    let tar = dir.path().join("0.tar");
    let record = format!("{{{TURNS}}}");
    shard(&tar, &[("0.jpg", &jpeg), ("0.json", record.as_bytes())]);
    let set = WebDataset::open([&tar]).unwrap();
    assert!(set.get(0, 0).unwrap().images == [expected]);
}

#[test]
fn oversized_images_are_skipped() {
    let dir = tempfile::tempdir().unwrap();
    // The header of a BMP of 60,000 x 60,000 pixels, and nothing more.
    let mut header = [0; 54];
    header[..2].copy_from_slice(b"BM");
    let fields = [
        (10, 54),
        (14, 40),
        (18, 60_000),
        (22, 60_000),
        (26, 1 | 24 << 16),
    ];
    for (at, value) in fields {
        header[at..at + 4].copy_from_slice(&u32::to_le_bytes(value));
    }
    fs::write(dir.path().join("huge.bmp"), header).unwrap();
    let json = dir.path().join("train.json");
    fs::write(&json, format!(r#"[{{"image": "huge.bmp", {TURNS}}}]"#)).unwrap();
    let set = Conversations::open(&json, dir.path()).unwrap();
    let error = set.get(0, 0).unwrap_err();
    let Error::Image { source, .. } = &error else {
        panic!("{error}")
    };
    assert!(
        matches!(source, vary_vision::Error::TooManyPixels { .. }),
        "{error}"
    );
}

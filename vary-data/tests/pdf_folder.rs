//! Folders of PDF files: counts, reasons, and going on after a stop.
#![cfg(feature = "pdf")]
#![allow(clippy::unwrap_used)]

#[path = "pdf/writer.rs"]
#[allow(dead_code)]
mod writer;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use tempfile::TempDir;
use vary_data::Error;
use vary_data::pdf::{Manifest, PdfOptions, PdfRecord, Skip, extract_folder};
use writer::{FULL_IMAGE, PageSource, encrypted_pdf, line, pdf};

fn page(text: &str) -> PageSource {
    PageSource::new(line(72.0, 700.0, 11.0, text))
}

fn input() -> TempDir {
    let folder = TempDir::new().unwrap();
    let many: Vec<PageSource> = (0..20).map(|i| page(&format!("Page {i}"))).collect();
    let mixed = [
        page("Words"),
        PageSource::new(""),
        PageSource::new(FULL_IMAGE),
    ];
    for (name, bytes) in [
        ("a.pdf", pdf(&many)),
        ("a.PDF", pdf(&[page("Other file")])),
        ("b/a.pdf", pdf(&mixed)),
        ("b/locked.pdf", encrypted_pdf(&mixed)),
        ("b/c/garbage.pdf", b"garbage".to_vec()),
        ("b/c/notes.txt", b"no PDF".to_vec()),
    ] {
        let path = folder.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
    }
    folder
}

fn options() -> PdfOptions {
    PdfOptions {
        edge: 200,
        ..PdfOptions::default()
    }
}

/// Every file below a folder with its bytes.
fn tree(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut files = BTreeMap::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files.extend(tree(&path));
        } else {
            files.insert(path.clone(), fs::read(&path).unwrap());
        }
    }
    files
}

#[test]
fn counts_and_reasons() {
    let (input, output) = (input(), TempDir::new().unwrap());
    let manifest = extract_folder(input.path(), output.path(), &options()).unwrap();
    assert_eq!(
        (manifest.files, manifest.pages, manifest.written),
        (5, 24, 22)
    );
    assert_eq!((manifest.words, manifest.left_out), (43, 0));
    let skipped: Vec<_> = manifest
        .skipped
        .iter()
        .map(|s| (s.file.as_str(), s.page, s.reason.name()))
        .collect();
    assert_eq!(
        skipped,
        [
            ("b/a.pdf", Some(2), "no_text"),
            ("b/a.pdf", Some(3), "scanned"),
            ("b/c/garbage.pdf", None, "broken"),
            ("b/locked.pdf", None, "encrypted"),
        ]
    );
    assert_eq!(manifest.skipped[3].reason, Skip::Encrypted);
    assert_eq!(manifest.skipped_pages["scanned"], 1);
    assert_eq!(manifest.skipped_files["broken"], 1);
    let written = fs::read(output.path().join("manifest.json")).unwrap();
    assert_eq!(
        serde_json::from_slice::<Manifest>(&written).unwrap(),
        manifest
    );

    let record = fs::read(output.path().join("b/a-0001.json")).unwrap();
    let record: PdfRecord = serde_json::from_slice(&record).unwrap();
    assert_eq!((record.file.as_str(), record.page), ("b/a.pdf", 1));
    assert_eq!((record.text.as_str(), record.words.len()), ("Words", 1));
    let image = image::open(output.path().join("b/a-0001.png")).unwrap();
    assert_eq!(
        (image.width(), image.height()),
        (record.width, record.height)
    );
    assert!(output.path().join("a.PDF-0001.png").exists());
    assert!(output.path().join("a-0020.png").exists());
    assert_eq!(tree(output.path()).len(), 2 * 22 + 2);
}

#[test]
fn a_stopped_run_goes_on() {
    let (input, output) = (input(), TempDir::new().unwrap());
    let first = extract_folder(input.path(), output.path(), &options()).unwrap();
    let complete = tree(output.path());
    for gone in [
        "a-0003.png",
        "a-0003.json",
        "a-0009.png",
        "a-0011.json",
        "manifest.json",
    ] {
        fs::remove_file(output.path().join(gone)).unwrap();
    }
    fs::write(output.path().join("a-0004.json"), "{\"file\": ").unwrap();
    fs::write(output.path().join("b/.vary-part-x1y2"), "half").unwrap();
    let kept = output.path().join("a-0001.png");
    let before = fs::metadata(&kept).unwrap().modified().unwrap();
    let second = extract_folder(input.path(), output.path(), &options()).unwrap();
    assert_eq!(first, second);
    assert_eq!(tree(output.path()), complete);
    assert_eq!(fs::metadata(&kept).unwrap().modified().unwrap(), before);
}

#[test]
fn thread_count_is_irrelevant() {
    let input = input();
    let trees = [1, 2, 5].map(|threads| {
        let output = TempDir::new().unwrap();
        let pool = rayon::ThreadPoolBuilder::new()
            .num_threads(threads)
            .build()
            .unwrap();
        pool.install(|| extract_folder(input.path(), output.path(), &options()))
            .unwrap();
        let files = tree(output.path()).into_iter();
        let relative = |path: PathBuf| path.strip_prefix(output.path()).unwrap().to_owned();
        files
            .map(|(path, bytes)| (relative(path), bytes))
            .collect::<Vec<_>>()
    });
    assert!(trees.windows(2).all(|pair| pair[0] == pair[1]));
}

#[test]
fn other_options_are_refused() {
    let (input, output) = (input(), TempDir::new().unwrap());
    extract_folder(input.path(), output.path(), &options()).unwrap();
    let other = PdfOptions {
        edge: 100,
        ..options()
    };
    let refused = extract_folder(input.path(), output.path(), &other);
    assert!(matches!(refused, Err(Error::PdfOptionsChanged { .. })));
}

#[test]
fn changed_files_are_read_again() {
    let (input, output) = (input(), TempDir::new().unwrap());
    let options = PdfOptions {
        max_pages: 2,
        ..options()
    };
    let manifest = extract_folder(input.path(), output.path(), &options).unwrap();
    assert_eq!((manifest.written, manifest.left_out), (4, 19));
    fs::write(input.path().join("b/a.pdf"), pdf(&[page("New text here")])).unwrap();
    extract_folder(input.path(), output.path(), &options).unwrap();
    let record = fs::read_to_string(output.path().join("b/a-0001.json")).unwrap();
    assert!(record.contains("New text here"));
}

#[test]
fn missing_folder_is_an_error() {
    let output = TempDir::new().unwrap();
    let missing = output.path().join("missing");
    assert!(matches!(
        extract_folder(&missing, output.path().join("out"), &options()),
        Err(Error::Io { .. })
    ));
}

//! The readers of `vary_data::sets` on small files written here.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod check;
mod coco;
mod grounding;
mod large;
mod numbers;
mod open_images;

use std::fs;
use std::path::{Path, PathBuf};

use vary_data::sets::{DetectionSet, SetOptions};

/// A folder of its own with files in it.
struct Folder(tempfile::TempDir);

impl Folder {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn path(&self) -> &Path {
        self.0.path()
    }

    fn write(&self, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, content).unwrap();
        path
    }

    fn image(&self, name: &str, width: u32, height: u32) -> PathBuf {
        let path = self.write(name, "");
        image::RgbImage::new(width, height).save(&path).unwrap();
        path
    }

    fn coco(&self, json: &str) -> vary_data::Result<DetectionSet> {
        let file = self.write("instances.json", json);
        DetectionSet::open_coco(file, self.path(), &SetOptions::default())
    }
}

fn contains_all(message: &str, parts: &[&str]) {
    for part in parts {
        assert!(message.contains(part), "no {part:?} in: {message}");
    }
}

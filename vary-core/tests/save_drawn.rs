//! A test of its own process: burn draws from one generator for all threads.
#![allow(clippy::unwrap_used)]

use std::fs;

use burn::prelude::*;
use vary_core::checkpoint::{SaveOptions, save, save_drawn};
use vary_core::model::{FamilyConfig, FamilyModel, VaryToyConfig};

#[test]
fn drawn_and_saved_files_match() {
    let dir = tempfile::tempdir().unwrap();
    let write = |name: &str, drawn: bool| {
        let device = Device::flex();
        device.seed(3);
        let model = VaryToyConfig::tiny(300).init(&device);
        let (map, options) = (model.key_map(), SaveOptions::default());
        let path = dir.path().join(name);
        match drawn {
            true => save_drawn(model, &map, &path, &options).unwrap(),
            false => save(&model, &map, &path, &options).unwrap(),
        }
        fs::read(path).unwrap()
    };
    let drawn = write("drawn", true);
    assert!(
        drawn == write("again", true),
        "the same seed, the same bytes"
    );
    assert!(drawn == write("saved", false));
}

//! Inputs that were made to exhaust memory or time. The program has 4 GB of address space.

use std::path::Path;
use std::process::{Command, Output};

use image::{GrayImage, ImageFormat, Luma};

use super::{asset, error, path, vary};

/// Runs the program with 4 GB of address space and a minute of processor time.
fn limited(args: &[&str]) -> Output {
    let vary = vary();
    let mut shell = Command::new("sh");
    shell.args(["-c", "ulimit -v 4000000 -t 60; exec \"$0\" \"$@\""]);
    shell.arg(vary.get_program()).args(args);
    for (name, value) in vary.get_envs() {
        match value {
            Some(value) => shell.env(name, value),
            None => shell.env_remove(name),
        };
    }
    shell.output().unwrap()
}

/// A white image with a black line around it.
fn image(dir: &Path, width: u32, height: u32) -> String {
    let edge = |x, y| x == 0 || y == 0 || x + 1 == width || y + 1 == height;
    let image = GrayImage::from_fn(width, height, |x, y| {
        Luma([if edge(x, y) { 0 } else { 255 }])
    });
    let file = dir.join(format!("{width}x{height}.png"));
    image.save_with_format(&file, ImageFormat::Png).unwrap();
    path(&file)
}

#[test]
fn images_of_extreme_shapes() {
    let dir = tempfile::tempdir().unwrap();
    for [width, height] in [
        [1, 1],
        [1, 65_535],
        [65_535, 1],
        [300, 65_535],
        [65_535, 300],
        [9000, 9000],
    ] {
        let image = image(dir.path(), width, height);
        for args in [["read", &image], ["detect", &image]] {
            let output = limited(&args);
            assert!(output.status.success(), "{args:?}: {}", error(&output));
        }
    }
    let long = image(dir.path(), 1, 70_000);
    let output = limited(&["read", &long]);
    assert_eq!(output.status.code(), Some(1));
    assert!(error(&output).contains("max_edge"), "{}", error(&output));
}

#[test]
fn pipes_and_devices_are_refused() {
    let dir = tempfile::tempdir().unwrap();
    let pipe = dir.path().join("pipe.png");
    let made = Command::new("mkfifo").arg(&pipe).status();
    assert!(made.unwrap().success());
    let pipe = path(&pipe);
    for args in [
        &["read", &pipe][..],
        &["read", "/dev/zero"],
        &["detect", &pipe],
        &["detect", "/dev/zero"],
        &["inspect", "/dev/zero"],
        &["read", &asset("page.png"), "--model", "/dev/zero"],
    ] {
        let output = limited(args);
        assert_eq!(output.status.code(), Some(1), "{args:?}");
        let ended = error(&output).lines().count();
        assert_eq!(ended, 1, "{args:?}: {}", error(&output));
    }
}

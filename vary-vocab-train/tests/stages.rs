//! The second stage sees with the vision vocabulary of the first.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::path::Path;
use std::process::{Command, Output};

use burn::prelude::*;
use vary_core::model::{Family, read_vocabulary};
use vary_core::{Pipeline, Weights};
use vary_vision::vocab::VisionVocabulary;
use vary_vocab_train::SceneRecipe;

fn scenes(preset: &str, out: &Path, more: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_vary-vocab-train"))
        .args(["scenes", "--preset", preset, "--steps", "3", "--out"])
        .arg(out)
        .args(more)
        .output()
        .unwrap()
}

fn finished(output: &Output) {
    let message = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{message}");
}

/// Image tokens of a fixed image.
fn seen(dir: &Path) -> Vec<f32> {
    let device = Device::flex();
    let (tower, config): (VisionVocabulary, _) = read_vocabulary(dir, &device).unwrap();
    let size = config.img_size as i64;
    let ramp = Tensor::<1, Int>::arange(0..3 * size * size, &device).float();
    let pixels = (ramp / 99.0).sin().reshape([1, 3, size, size]);
    tower.forward(pixels).into_data().try_to_vec().unwrap()
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let (path, to) = (entry.path(), to.join(entry.file_name()));
        match path.is_dir() {
            true => copy(&path, &to),
            false => drop(std::fs::copy(&path, &to).unwrap()),
        }
    }
}

#[test]
fn toy_trains_in_one_command() {
    let dirs = tempfile::tempdir().unwrap();
    let [first, second, again] = ["first", "second", "again"].map(|name| dirs.path().join(name));
    finished(&scenes("tiny", &first, &[]));
    let vocabulary = first.join("last");
    let see = ["--vocabulary", vocabulary.to_str().unwrap()];
    finished(&scenes("toy-tiny", &second, &see));

    // The tower was frozen.
    let toy = second.join("last");
    assert_eq!(seen(&toy), seen(&vocabulary));
    // It learned to caption before, in a run of its own.
    let log = std::fs::read_to_string(second.join("captions/log.jsonl")).unwrap();
    assert!(log.contains("loss"), "{log}");

    let vary = Pipeline::builder()
        .weights(Weights::dir(&toy))
        .build()
        .unwrap();
    assert_eq!(vary.config().family(), Family::VaryToy);
    let image = image::RgbImage::from_pixel(40, 40, image::Rgb([200, 30, 30]));
    vary.ask(&image, "What is it?").unwrap();

    // Captions that were learned by another process count as well.
    let resumed = dirs.path().join("resumed");
    copy(&second.join("captions"), &resumed.join("captions"));
    finished(&scenes("toy-tiny", &resumed, &see));
    let weights = |dir: &Path| std::fs::read(dir.join("last/model.safetensors")).unwrap();
    assert!(weights(&resumed) == weights(&second));

    // A run that is over stays as it is, and another one of the same seed is the same.
    let before = weights(&second);
    finished(&scenes("toy-tiny", &second, &see));
    finished(&scenes("toy-tiny", &again, &see));
    assert!(weights(&second) == before && weights(&again) == before);
}

#[test]
fn toy_takes_a_new_vocabulary() {
    let dirs = tempfile::tempdir().unwrap();
    let dir = |name: &str| dirs.path().join(name);
    let text = |path: &Path| path.to_str().unwrap().to_string();
    finished(&scenes("tiny", &dir("tiny"), &[]));
    let before = text(&dir("tiny/last"));
    finished(&scenes("toy-tiny", &dir("toy"), &["--vocabulary", &before]));

    let [tiny, toy] = ["tiny", "toy"].map(|run| text(&dir(run).join("trained.safetensors")));
    let more = ["--seed", "5", "--from", &tiny];
    finished(&scenes("tiny", &dir("more"), &more));
    let after = text(&dir("more/last"));
    let on = ["--seed", "5", "--from", &toy, "--vocabulary", &after];
    finished(&scenes("toy-tiny", &dir("on"), &on));
    assert_ne!(seen(&dir("tiny/last")), seen(&dir("more/last")));
    assert_eq!(seen(&dir("on/last")), seen(&dir("more/last")));
}

#[test]
fn misfits_are_refused() {
    let dirs = tempfile::tempdir().unwrap();
    let out = dirs.path().join("run");
    let nano = dirs.path().join("nano.json");
    let recipe = serde_json::to_string(&SceneRecipe::nano()).unwrap();
    std::fs::write(
        &nano,
        recipe
            .replace("\"dense_share\":0.4", "\"dense_share\":0.0")
            .replace("\"frozen_share\":0.2", "\"frozen_share\":0.0"),
    )
    .unwrap();
    let nano = nano.to_str().unwrap();
    for (preset, more, named) in [
        ("toy-tiny", &[][..], "other sizes"),
        (
            "tiny",
            &["--vocabulary", "nowhere"][..],
            "is for a Vary-toy",
        ),
        ("toy-nano", &["--recipe", nano][..], "no `captions`"),
    ] {
        let output = scenes(preset, &out, more);
        let message = String::from_utf8_lossy(&output.stderr);
        assert!(
            !output.status.success() && message.contains(named),
            "{message}"
        );
        assert!(!out.exists());
    }
}

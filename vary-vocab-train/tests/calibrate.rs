//! The program's `calibrate` on a copy of the embedded model.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use vary_core::pipeline::InferenceConfig;

fn calibrate(dir: &Path, scenes: &str) -> Output {
    Command::new(env!("CARGO_BIN_EXE_vary-vocab-train"))
        .args(["calibrate", "--scenes", scenes, "--weights"])
        .arg(dir)
        .env("RAYON_NUM_THREADS", "2")
        .output()
        .unwrap()
}

/// ECE and Brier score of the line that begins so.
fn numbers(output: &str, name: &str) -> [f64; 2] {
    let line = output.lines().find(|line| line.starts_with(name)).unwrap();
    let words = line.split([' ', ',']).filter_map(|word| word.parse().ok());
    words.collect::<Vec<f64>>().try_into().unwrap()
}

#[test]
fn scores_become_probabilities() {
    let dir = tempfile::tempdir().unwrap();
    let nano = Path::new(env!("CARGO_MANIFEST_DIR")).join("../vary-nano/assets");
    for name in ["config.json", "model.safetensors", "tokenizer.json"] {
        fs::copy(nano.join(name), dir.path().join(name)).unwrap();
    }
    let path = dir.path().join("inference_config.json");

    let output = calibrate(dir.path(), "2");
    assert!(!output.status.success());
    let message = String::from_utf8(output.stderr).unwrap();
    assert!(message.contains("--scenes"), "{message}");
    assert!(!path.exists());

    let output = calibrate(dir.path(), "60");
    let message = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{message}");
    let message = String::from_utf8(output.stdout).unwrap();
    let ([ece, brier], after) = (numbers(&message, "before"), numbers(&message, "after"));
    assert!(after[0] < ece && after[1] < brier, "{message}");
    let written = InferenceConfig::read(dir.path()).unwrap();
    assert!(written.calibration_map.is_some());

    // The second time from the raw scores again.
    assert!(calibrate(dir.path(), "60").status.success());
    assert_eq!(InferenceConfig::read(dir.path()).unwrap(), written);
}

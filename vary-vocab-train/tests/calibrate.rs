//! The program's `calibrate` on a copy of the embedded model.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use vary_core::model::ModelConfig;

fn calibrate(dir: &Path, scenes: &str, more: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_vary-vocab-train"))
        .args(["calibrate", "--scenes", scenes, "--weights"])
        .arg(dir)
        .args(more)
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
    for name in ["model.safetensors", "tokenizer.json"] {
        fs::copy(nano.join(name), dir.path().join(name)).unwrap();
    }
    // With a field of another program.
    let path = dir.path().join("config.json");
    let text = fs::read_to_string(nano.join("config.json")).unwrap();
    let mut config: serde_json::Value = serde_json::from_str(&text).unwrap();
    config["torch_dtype"] = "float16".into();
    fs::write(&path, config.to_string()).unwrap();
    let before = fs::read(&path).unwrap();

    let output = calibrate(dir.path(), "2", &[]);
    assert!(!output.status.success());
    let told = String::from_utf8(output.stderr).unwrap();
    assert!(told.contains("--scenes"), "{told}");
    assert_eq!(fs::read(&path).unwrap(), before);

    let output = calibrate(dir.path(), "60", &["--readings", "2"]);
    let told = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{told}");
    let told = String::from_utf8(output.stdout).unwrap();
    let ([ece, brier], after) = (numbers(&told, "before"), numbers(&told, "after"));
    assert!(after[0] < ece && after[1] < brier, "{told}");
    assert!(told.contains("read 2 times"), "{told}");
    let written = ModelConfig::read(dir.path()).unwrap();
    assert!(written.score_map().is_some());
    assert_eq!(written.readings().get(), 2);
    let calibrated = fs::read(&path).unwrap();
    let mut file: serde_json::Value = serde_json::from_slice(&calibrated).unwrap();
    for field in ["score_map", "readings"] {
        file.as_object_mut().unwrap().remove(field);
        config.as_object_mut().unwrap().remove(field);
    }
    assert_eq!(file, config);

    // The second time from the raw scores again, read as often.
    assert!(calibrate(dir.path(), "60", &[]).status.success());
    assert_eq!(fs::read(&path).unwrap(), calibrated);
}

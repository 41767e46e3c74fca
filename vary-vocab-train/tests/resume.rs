//! A run that is killed and resumes ends as one that was never interrupted.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Instant;

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

const STEPS: u64 = 24;

fn run(dir: &Path) -> Child {
    Command::new(env!("CARGO_BIN_EXE_vary-vocab-train"))
        .args(["scenes", "--preset", "tiny", "--save-every", "1"])
        .args(["--steps", &STEPS.to_string()])
        .arg("--out")
        .arg(dir)
        .env("RAYON_NUM_THREADS", "2")
        .stdout(Stdio::null())
        .spawn()
        .unwrap()
}

fn finish(dir: &Path) {
    assert!(run(dir).wait().unwrap().success());
}

/// Steps in the log, and each line's loss to the last bit.
fn losses(dir: &Path) -> Vec<(u64, u64)> {
    let log = std::fs::read_to_string(dir.join("log.jsonl")).unwrap_or_default();
    let number = |line: &serde_json::Value, name: &str| line[name].as_f64().unwrap();
    log.lines()
        .filter_map(|line| serde_json::from_str(line).ok())
        .map(|line| {
            (
                number(&line, "step") as u64,
                number(&line, "loss").to_bits(),
            )
        })
        .collect()
}

/// Every checkpoint that has its final name is whole.
fn check_checkpoints(dir: &Path) -> usize {
    let Ok(entries) = std::fs::read_dir(dir.join("checkpoints")) else {
        return 0;
    };
    let names = entries.map(|entry| entry.unwrap().path());
    let whole = names.filter(|path| {
        let name = path.file_name().unwrap().to_string_lossy();
        name.starts_with("step-")
    });
    whole
        .map(|path| {
            let state = std::fs::read(path.join("state.json")).unwrap();
            let state: serde_json::Value = serde_json::from_slice(&state).unwrap();
            assert!(state["step"].as_u64().is_some(), "{}", path.display());
            for name in ["model.bpk", "optimizer.bpk"] {
                let size = std::fs::metadata(path.join(name)).unwrap().len();
                assert!(size > 1000, "{}/{name}: {size}", path.display());
            }
        })
        .count()
}

#[test]
fn killed_runs_are_bit_equal() {
    let dirs = tempfile::tempdir().unwrap();
    let whole = dirs.path().join("whole");
    let start = Instant::now();
    finish(&whole);
    let time = start.elapsed();
    let weights = |dir: &Path| std::fs::read(dir.join("last/model.safetensors")).unwrap();
    let check = |dir: &Path| {
        assert!(weights(dir) == weights(&whole), "weights differ");
        assert_eq!(losses(dir), losses(&whole), "losses differ");
    };

    // Killed at random moments, many of them in the middle of writing, as there is a
    // checkpoint after every step. A run that reaches its end is followed by a new one.
    let mut rng = ChaCha8Rng::seed_from_u64(20);
    let (mut kills, mut checkpoints, mut runs) = (0, 0, 0);
    let mut dir = dirs.path().join("killed-0");
    while kills < 20 {
        let mut child = run(&dir);
        std::thread::sleep(time.mul_f64(rng.random_range(0.02..0.5)));
        child.kill().unwrap();
        if child.wait().unwrap().success() {
            check(&dir);
            runs += 1;
            assert!(runs < 20, "hardly any run is interrupted");
            dir = dirs.path().join(format!("killed-{runs}"));
            continue;
        }
        kills += 1;
        checkpoints += usize::from(check_checkpoints(&dir) > 0);
    }
    println!(
        "{kills} kills, {checkpoints} of them after a checkpoint, {runs} runs came to their end"
    );
    assert!(checkpoints >= 5, "{checkpoints} kills after a checkpoint");
    finish(&dir);
    check(&dir);
    assert!(whole.join("loss.svg").exists());
}

#[test]
fn other_settings_are_refused() {
    let dirs = tempfile::tempdir().unwrap();
    let dir = dirs.path().join("run");
    finish(&dir);
    let output = Command::new(env!("CARGO_BIN_EXE_vary-vocab-train"))
        .args(["scenes", "--preset", "tiny", "--steps", "30", "--out"])
        .arg(&dir)
        .output()
        .unwrap();
    assert!(!output.status.success());
    let message = String::from_utf8_lossy(&output.stderr);
    assert!(message.contains("other settings"), "{message}");
}

#[test]
fn run_starts_from_another() {
    let dirs = tempfile::tempdir().unwrap();
    let (first, second) = (dirs.path().join("first"), dirs.path().join("second"));
    finish(&first);
    let weights = |dir: &Path| dir.join("trained.safetensors");
    // The rate of the first step is zero: what is written after it is what the run started from.
    let output = Command::new(env!("CARGO_BIN_EXE_vary-vocab-train"))
        .args(["scenes", "--preset", "tiny", "--steps", "1", "--seed", "3"])
        .arg("--from")
        .arg(weights(&first))
        .arg("--out")
        .arg(&second)
        .output()
        .unwrap();
    let message = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{message}");
    let read = |dir: &Path| std::fs::read(weights(dir)).unwrap();
    assert!(read(&first) == read(&second), "weights differ");
}

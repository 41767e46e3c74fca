//! A run that is killed and goes on ends as one that was never interrupted.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

const STEPS: u64 = 24;

fn run(dir: &Path) -> Child {
    Command::new(env!("CARGO_BIN_EXE_vary-vocab-train"))
        .args(["scenes", "--preset", "tiny", "--save-every", "3"])
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

#[test]
fn a_killed_run_ends_bit_for_bit_as_an_uninterrupted_one() {
    let dirs = tempfile::tempdir().unwrap();
    let whole = dirs.path().join("whole");
    let start = Instant::now();
    finish(&whole);
    let time = start.elapsed();
    let weights = |dir: &Path| std::fs::read(dir.join("last/model.safetensors")).unwrap();

    // Killed three times, each a little further on, wherever it then is.
    let killed = dirs.path().join("killed");
    let mut kills = 0;
    for share in [0.35, 0.5, 0.6] {
        let mut child = run(&killed);
        std::thread::sleep(time.mul_f64(share).max(Duration::from_millis(20)));
        child.kill().unwrap();
        kills += u32::from(!child.wait().unwrap().success());
        assert!(!killed.join("checkpoints/step-00000024").exists() || kills > 0);
    }
    assert!(kills > 0, "no run was interrupted");
    finish(&killed);

    assert!(weights(&killed) == weights(&whole), "weights differ");
    assert_eq!(losses(&killed), losses(&whole), "losses differ");
    assert!(whole.join("loss.svg").exists());
}

#[test]
fn a_run_directory_of_other_settings_is_refused() {
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

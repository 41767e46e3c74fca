use std::fs;
use std::io::Write;
use std::process::Stdio;

use serde_json::Value;

use crate::{asset, error, path, run, text, vary};

#[test]
fn objects_are_found_and_drawn() {
    let dir = tempfile::tempdir().unwrap();
    let drawn = dir.path().join("boxes.png");
    let table = text(&["detect", &asset("scene.png"), "-o", &path(&drawn)]);
    assert!(
        table.lines().count() > 5 && table.starts_with("label\tscore"),
        "{table}"
    );
    let (before, after) = (image::open(asset("scene.png")), image::open(&drawn));
    assert_ne!(before.unwrap().to_rgb8(), after.unwrap().to_rgb8());
    let json: Value =
        serde_json::from_str(&text(&["detect", &asset("scene.png"), "--json"])).unwrap();
    assert_eq!(
        json["detections"].as_array().unwrap().len(),
        table.lines().count() - 1
    );

    let found = text(&["locate", "the car", &asset("scene.png")]);
    assert_eq!(found.lines().count(), 2, "{found}");
    let output = run(&["detect", &asset("scene.png"), "-o", &asset("scene.png")]);
    assert_eq!(output.status.code(), Some(1));
    assert!(
        error(&output).contains("is the image itself"),
        "{}",
        error(&output)
    );
}

#[test]
fn questions_are_answered() {
    let question = "How many cars are in this image?";
    let answer = text(&["ask", question, &asset("scene.png")]);
    // The README's answer, and the truth.
    assert_eq!(answer, "1\n");
    let json: Value =
        serde_json::from_str(&text(&["ask", question, &asset("scene.png"), "--json"])).unwrap();
    assert_eq!(json["text"].as_str(), Some(answer.trim()));
    assert_eq!(json["finish"], "stop");

    let mut command = vary();
    command
        .args(["chat", &asset("scene.png")])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let lines = format!("{question}\n/undo\n{question}\n");
    child
        .stdin
        .take()
        .unwrap()
        .write_all(lines.as_bytes())
        .unwrap();
    let output = child.wait_with_output().unwrap();
    let said = String::from_utf8(output.stdout).unwrap();
    assert_eq!(said, format!("{answer}removed: {question}\n{answer}"));
}

#[test]
fn checkpoints_are_inspected_and_converted() {
    let dir = tempfile::tempdir().unwrap();
    let nano = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../vary-nano/assets");
    let said = text(&["inspect", &path(&nano), "--summary"]);
    assert!(
        said.contains("family: VaryToy") && said.ends_with("no problems\n"),
        "{said}"
    );
    let said = text(&["inspect", &path(&nano.join("recognizer"))]);
    assert!(said.contains("text recognizer"), "{said}");
    let out = dir.path().join("model.safetensors");
    text(&["convert", &path(&nano), &path(&out), "--stored", "f16"]);
    assert!(out.is_file());
    fs::write(&out, "no weights").unwrap();
    assert_eq!(run(&["inspect", &path(&out)]).status.code(), Some(1));
}

#[test]
fn help_completions_and_man_page() {
    for command in [
        "read", "detect", "locate", "ask", "describe", "chat", "inspect", "convert",
    ] {
        let help = text(&[command, "--help"]);
        assert!(help.contains("Usage: vary"), "{help}");
        assert!(
            text(&["man"]).contains(&format!("vary\\-{command}")),
            "{command}"
        );
    }
    for shell in ["bash", "zsh", "fish", "powershell", "elvish"] {
        assert!(text(&["completions", shell]).contains("detect"), "{shell}");
    }
}

#[test]
fn wrong_arguments_and_settings() {
    for args in [
        &["read"][..],
        &["nothing"],
        &["read", "a.png", "--dpi", "5"],
        &["read", "a.png", "--resume"],
        &["read", "a.pdf", "--pages", "0"],
    ] {
        assert_eq!(run(args).status.code(), Some(2), "{args:?}");
    }
    let page = asset("page.png");
    for (args, message) in [
        (&["read", "nowhere.png"][..], "nowhere.png: cannot be read"),
        (&["detect", "nowhere.png"], "nowhere.png"),
        (&["read", &page, "--model", "nowhere"], "no model `nowhere`"),
        (&["read", &page, "--device", "tpu"], "`tpu`"),
        (&["read", &page, "--precision", "int3"], "`int3`"),
    ] {
        let output = run(args);
        assert_eq!(output.status.code(), Some(1), "{args:?}");
        assert!(
            error(&output).contains(message),
            "{args:?}: {}",
            error(&output)
        );
        assert!(output.stdout.is_empty());
    }
}

/// Options come before the environment, and that before the file.
#[test]
fn defaults_have_an_order() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("config.toml");
    let page = asset("page.png");
    let run = |environment: Option<&str>, option: Option<&str>| {
        let mut command = vary();
        command.env("VARY_CONFIG", &file).args(["read", &page]);
        if let Some(model) = environment {
            command.env("VARY_MODEL", model);
        }
        if let Some(model) = option {
            command.args(["--model", model]);
        }
        error(&command.output().unwrap())
    };
    fs::write(&file, "model = \"of-the-file\"").unwrap();
    assert!(run(None, None).contains("of-the-file"));
    assert!(run(Some("of-the-environment"), None).contains("of-the-environment"));
    assert!(run(Some("of-the-environment"), Some("of-the-option")).contains("of-the-option"));
    fs::write(&file, "modle = \"nano\"").unwrap();
    assert!(run(None, None).contains("modle"));
}

#[test]
fn closed_pipes_are_no_failure() {
    let nano = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../vary-nano/assets");
    for args in [
        vec!["inspect".into(), path(&nano)],
        vec!["read".into(), asset("page.png")],
        vec![
            "read".into(),
            asset("page.png"),
            "--format".into(),
            "json".into(),
        ],
        vec!["detect".into(), asset("scene.png"), "--json".into()],
        vec![
            "ask".into(),
            "How many cars are in this image?".into(),
            asset("scene.png"),
        ],
        vec!["man".into()],
    ] {
        let mut command = vary();
        let mut child = command
            .args(&args)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        drop(child.stdout.take());
        let output = child.wait_with_output().unwrap();
        assert_eq!(
            output.status.code(),
            Some(0),
            "{args:?}: {}",
            error(&output)
        );
        assert!(output.stderr.is_empty(), "{args:?}: {}", error(&output));
    }
}

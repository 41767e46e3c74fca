//! The program's `finetune`, `export-vocabulary` and `eval --data` on small sets of every kind.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use image::{Rgb, RgbImage};
use vary_vocab_train::finetune::Recipe;

fn program(args: &[&str], dir: &Path) -> Output {
    Command::new(env!("CARGO_BIN_EXE_vary-vocab-train"))
        .args(args)
        .current_dir(dir)
        .env("RAYON_NUM_THREADS", "2")
        .output()
        .unwrap()
}

fn succeeds(args: &[&str], dir: &Path) -> String {
    let output = program(args, dir);
    let text = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{args:?}: {text}");
    String::from_utf8(output.stdout).unwrap()
}

fn fails(args: &[&str], dir: &Path) -> String {
    let output = program(args, dir);
    assert!(!output.status.success(), "{args:?}");
    String::from_utf8(output.stderr).unwrap()
}

const TURNS: &str =
    r#"[{"from": "human", "value": "<image>\nWhat?"}, {"from": "gpt", "value": "A square."}]"#;

/// A mixture of the data sets in the folder.
const RECIPE: &str = r#"
[trained.lora]
rank = 2

[train]
steps = 6
batch_size = 6
micro_batch_size = 2
save_every = 2

[validation]
kind = "llava"
files = ["llava.json"]

[[data]]
kind = "llava"
files = ["llava.json"]

[[data]]
kind = "coco"
files = ["coco.json"]

[[data]]
kind = "refcoco"
files = ["refs.json"]

[[data]]
kind = "open-images"
files = ["boxes.csv", "classes.csv"]

[[data]]
kind = "pages"
files = ["pages"]
weight = 2.0
"#;

/// A data set of each kind, one image of them broken, and a recipe that mixes them.
fn folder() -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| fs::write(dir.path().join(name), text).unwrap();
    fs::create_dir(dir.path().join("pages")).unwrap();
    for (i, name) in ["a.png", "b.png", "pages/p.png"].into_iter().enumerate() {
        let colour = Rgb([(i * 90) as u8, 80, 200]);
        RgbImage::from_pixel(40, 30, colour)
            .save(dir.path().join(name))
            .unwrap();
    }
    write("broken.png", "not an image");
    write("pages/p.json", r##"{"text": "One", "markdown": "# One"}"##);
    write(
        "llava.json",
        &format!(
            r#"[{{"image": "a.png", "conversations": {TURNS}}},
                {{"image": "broken.png", "conversations": {TURNS}}}]"#
        ),
    );
    write(
        "coco.json",
        r#"{"images": [{"id": 1, "file_name": "a.png", "width": 40, "height": 30}],
            "annotations": [{"id": 1, "image_id": 1, "category_id": 5, "bbox": [4, 3, 20, 15],
                    "iscrowd": 0},
                {"id": 2, "image_id": 1, "category_id": 5, "bbox": [400, 3, 20, 15],
                    "iscrowd": 0}],
            "categories": [{"id": 5, "name": "cat"}]}"#,
    );
    write(
        "refs.json",
        r#"[{"file_name": "b.png", "width": 40, "height": 30, "bbox": [4, 3, 20, 15],
            "sentences": ["the left one"]}]"#,
    );
    write(
        "boxes.csv",
        "ImageID,Source,LabelName,Confidence,XMin,XMax,YMin,YMax,\
         IsOccluded,IsTruncated,IsGroupOf,IsDepiction,IsInside\n\
         b,x,/m/1,1,0.1,0.5,0.2,0.6,0,0,0,0,0\n",
    );
    write("classes.csv", "/m/1,Dog\n");
    fs::copy(dir.path().join("b.png"), dir.path().join("b.jpg")).unwrap();
    write("recipe.toml", RECIPE);
    dir
}

/// The recipe that `docs/training.md` shows.
#[test]
fn documented_recipe_is_one() {
    let page = include_str!("../../docs/training.md");
    let recipe = page
        .split("```")
        .find_map(|block| block.strip_prefix("toml\n"));
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("recipe.toml");
    fs::write(&file, recipe.unwrap()).unwrap();
    let recipe = Recipe::read(file.to_str().unwrap()).unwrap();
    assert_eq!(recipe.train.lr_groups.len(), 1);
}

#[test]
fn mistakes_leave_nothing() {
    let dir = folder();
    let wrong = [
        "finetune",
        "recipe.toml",
        "--weights",
        "nowhere",
        "--out",
        "fresh",
    ];
    assert!(fails(&wrong, dir.path()).contains("nowhere"));
    let corrected = ["finetune", "recipe.toml", "--steps", "1", "--out", "fresh"];
    succeeds(&corrected, dir.path());

    let other = ["finetune", "recipe.toml", "--steps", "9", "--out", "fresh"];
    assert!(fails(&other, dir.path()).contains("other settings"));
}

#[test]
fn all_kinds_train_and_resume() {
    let dir = folder();
    let args = ["finetune", "recipe.toml", "--out", "run"];
    let output = succeeds(&args, dir.path());
    // The recipe as it is resolved, defaults and all.
    assert!(
        output.contains("betas = [0.9, 0.999]") && output.contains("kind = \"pages\""),
        "{output}"
    );
    // The broken image, and the box outside its image.
    assert!(
        output.contains("broken.png") && output.contains("left out: 1 "),
        "{output}"
    );
    let weights = |run: &str| last_weights(&dir, run);

    // Of the three models the one with the lowest loss is kept. The data are trained on, so that
    // is the last.
    let validation = fs::read_to_string(dir.path().join("run/validation.jsonl")).unwrap();
    assert_eq!(validation.lines().count(), 3, "{validation}");
    let best = fs::read(dir.path().join("run/best/model.safetensors")).unwrap();
    assert!(best == weights("run"), "the last is the best: {validation}");
    // The adapters alone: a fraction of the model.
    let adapters = dir.path().join("run/adapters/adapter_model.safetensors");
    let size = fs::metadata(adapters).unwrap().len();
    assert!(size > 0 && size * 20 < best.len() as u64, "{size}");
    assert!(dir.path().join("run/loss.svg").exists());

    // As if it had been killed after four steps.
    succeeds(&["finetune", "recipe.toml", "--out", "again"], dir.path());
    fs::remove_dir_all(dir.path().join("again/checkpoints/step-00000006")).unwrap();
    fs::remove_dir_all(dir.path().join("again/last")).unwrap();
    succeeds(&["finetune", "recipe.toml", "--out", "again"], dir.path());
    assert!(
        weights("again") == weights("run"),
        "a resumed run ends the same"
    );
    let again = fs::read_to_string(dir.path().join("again/validation.jsonl")).unwrap();
    assert_eq!(again, validation);
    checkpoint_is_used(&dir);
}

fn last_weights(dir: &tempfile::TempDir, run: &str) -> Vec<u8> {
    fs::read(dir.path().join(run).join("last/model.safetensors")).unwrap()
}

/// The tuned model is a checkpoint: it can be scored, and exports its vocabulary.
fn checkpoint_is_used(dir: &tempfile::TempDir) {
    let eval = [
        "eval",
        "--weights",
        "run/last",
        "--data",
        "llava.json",
        "--images",
        ".",
        "--json",
    ];
    let report: serde_json::Value = serde_json::from_str(&succeeds(&eval, dir.path())).unwrap();
    assert_eq!(report["tasks"][0]["count"], 1);
    succeeds(&["export-vocabulary", "run/last", "vocabulary"], dir.path());
    let reuse = [
        "finetune",
        "recipe.toml",
        "--vocabulary",
        "vocabulary",
        "--out",
        "reused",
    ];
    succeeds(&reuse, dir.path());
    assert!(
        last_weights(dir, "reused") == last_weights(dir, "run"),
        "it is the same vocabulary"
    );
}

#[test]
fn mistakes_are_reported() {
    let dir = folder();
    let write = |name: &str, text: &str| fs::write(dir.path().join(name), text).unwrap();
    let data = |file: &str| fails(&["finetune", "lora", "--data", file], dir.path());
    assert!(fails(&["finetune", "lora"], dir.path()).contains("no data"));
    assert!(data("missing.json").contains("missing.json"));
    write(
        "out.json",
        &format!(r#"[{{"image": "../a.png", "conversations": {TURNS}}}]"#),
    );
    assert!(data("out.json").contains("record 0: field `image`"));
    write(
        "type.json",
        r#"[{"conversations": [{"from": "human", "value": 3}]}]"#,
    );
    assert!(data("type.json").contains("`conversations[0].value`"));
    write("empty.json", "[]");
    assert!(data("empty.json").contains("no records"));
    write(
        "question.json",
        r#"[{"conversations": [{"from": "human", "value": "?"}]}]"#,
    );
    assert!(data("question.json").contains("nothing to learn"));
    write("bad.toml", "trained = \"everything\"\nepoch = 3\n");
    let output = fails(&["finetune", "bad.toml"], dir.path());
    assert!(
        output.contains("epoch") && output.contains("bad.toml"),
        "{output}"
    );
    let coco = ["finetune", "lora", "--kind", "coco", "--data", "type.json"];
    assert!(fails(&coco, dir.path()).contains("type.json"));
}

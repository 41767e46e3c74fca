//! Inputs that were made to exhaust memory or time. The program has 4 GB of address space.

use std::path::Path;
use std::process::{Command, Output};
use std::time::{Duration, Instant};

use image::{GrayImage, ImageFormat, Luma};

use super::pdf::{Sheet, pdf};
use super::{asset, error, path, vary};

/// Runs the program with 4 GB of address space and a minute of processor time.
fn limited(args: &[&str]) -> Output {
    let vary = vary();
    let mut shell = Command::new("sh");
    shell.args(["-c", "ulimit -v 4000000; ulimit -t 60; exec \"$0\" \"$@\""]);
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

/// Sizes in a `config.json` are not allocated before they are compared with the weights.
#[test]
fn configurations_beyond_the_weights() {
    let dir = tempfile::tempdir().unwrap();
    let nano = Path::new(env!("CARGO_MANIFEST_DIR")).join("../vary-nano/assets");
    for name in ["model.safetensors", "tokenizer.json"] {
        std::fs::copy(nano.join(name), dir.path().join(name)).unwrap();
    }
    let config = std::fs::read(nano.join("config.json")).unwrap();
    let config: serde_json::Value = serde_json::from_slice(&config).unwrap();
    for (field, value) in [
        ("/num_hidden_layers", 10_000_000),
        ("/num_hidden_layers", 1000),
        ("/vocab_size", 1 << 24),
        ("/hidden_size", 1 << 24),
        ("/sam_config/depth", 10_000_000),
        ("/sam_config/img_size", 65_536),
        ("/sam_config/window_size", 65_536),
        ("/clip_config/num_hidden_layers", 1000),
        ("/clip_config/image_size", 8192),
    ] {
        let mut config = config.clone();
        *config.pointer_mut(field).unwrap() = value.into();
        std::fs::write(dir.path().join("config.json"), config.to_string()).unwrap();
        let output = limited(&["inspect", &path(dir.path()), "--summary"]);
        assert_eq!(
            output.status.code(),
            Some(1),
            "{field} {value}: {}",
            error(&output)
        );
        assert!(
            error(&output).contains("1 problem"),
            "{field}: {}",
            error(&output)
        );
    }
}

/// Beside a page that takes for ever the others are read, and nothing is left running.
#[test]
fn endless_pages_are_given_up() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("-endless.pdf");
    let text = Sheet::Lines(&["A page of text that is", "long enough to be sound"]);
    let more = Sheet::Lines(&["Another page of text, which", "is long enough as well"]);
    std::fs::write(&file, pdf(&[text, Sheet::Forms, more])).unwrap();
    let start = Instant::now();
    let output = vary()
        .current_dir(dir.path())
        .args(["read", "--page-timeout", "1", "--", "-endless.pdf"])
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    assert_eq!(output.status.code(), Some(1), "{}", error(&output));
    assert!(
        error(&output).contains("page 2: it takes more than 1 s"),
        "{}",
        error(&output)
    );
    assert!(
        text.contains("A page of text") && text.contains("Another page"),
        "{text}"
    );
    assert!(
        start.elapsed() < Duration::from_secs(30),
        "{:?}",
        start.elapsed()
    );
}

/// The process that reads a PDF file ends with the one that started it.
#[test]
fn killed_program_leaves_no_process() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("endless.pdf");
    std::fs::write(&file, pdf(&[Sheet::Forms])).unwrap();
    let mut child = vary().args(["read", &path(&file)]).spawn().unwrap();
    let children = format!("/proc/{0}/task/{0}/children", child.id());
    let worker = wait(|| {
        let worker = std::fs::read_to_string(&children).ok()?;
        worker.trim().parse::<u32>().ok()
    });
    child.kill().unwrap();
    child.wait().unwrap();
    wait(|| (!running(worker)).then_some(()));
}

/// Whether a process runs, and is no zombie.
fn running(process: u32) -> bool {
    let state = std::fs::read_to_string(format!("/proc/{process}/stat"));
    state.is_ok_and(|state| !state.contains(") Z"))
}

fn wait<T>(ready: impl Fn() -> Option<T>) -> T {
    for _ in 0..600 {
        if let Some(value) = ready() {
            return value;
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    panic!("not within 30 s")
}

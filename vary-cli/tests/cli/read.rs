use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::pdf::{Sheet, pdf};
use crate::{asset, error, path, run, text, vary};

const LETTER: Sheet<'_> = Sheet::Lines(&["Annual report", "Total 12.50 euros", "Thank you"]);

fn page() -> Vec<u8> {
    fs::read(asset("page.png")).unwrap()
}

#[test]
fn image_as_text_json_and_hocr() {
    let read = text(&["read", &asset("page.png")]);
    assert!(read.contains("SCons"), "{read}");
    let json: Value =
        serde_json::from_str(&text(&["read", &asset("page.png"), "--format", "json"])).unwrap();
    let page = &json["pages"][0];
    assert_eq!(
        (&page["page"], &page["source"]),
        (&1.into(), &"image".into())
    );
    let (width, height) = (
        page["width"].as_f64().unwrap(),
        page["height"].as_f64().unwrap(),
    );
    let lines = page["lines"].as_array().unwrap();
    assert!(lines.len() > 10);
    for line in lines {
        let bbox: Vec<f64> = serde_json::from_value(line["bbox"].clone()).unwrap();
        assert!(
            bbox[0] < bbox[2] && bbox[2] <= width && bbox[3] <= height,
            "{line}"
        );
        assert!(
            (0.4..=1.0).contains(&line["confidence"].as_f64().unwrap()),
            "{line}"
        );
        let words = line["words"].as_array().unwrap();
        let joined: Vec<&str> = words
            .iter()
            .filter_map(|word| word["text"].as_str())
            .collect();
        let whole: Vec<&str> = line["text"].as_str().unwrap().split_whitespace().collect();
        assert_eq!(joined, whole);
    }
    let hocr = text(&["read", &asset("page.png"), "--format", "hocr"]);
    assert_eq!(hocr.matches("ocr_line\"").count(), lines.len());
    assert!(hocr.contains("x_wconf") && hocr.ends_with("</html>\n"));
}

#[test]
fn pdf_with_text_scan_and_nothing_to_read() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("mixed.pdf");
    let page = page();
    fs::write(&file, pdf(&[LETTER, Sheet::Scan(&page), LETTER])).unwrap();
    let file = path(&file);

    let read = text(&["read", &file]);
    let pages: Vec<&str> = read.split('\u{c}').collect();
    assert_eq!(pages.len(), 3);
    assert_eq!(
        pages[0].split_whitespace().collect::<Vec<_>>().join(" "),
        "Annual report Total 12.50 euros Thank you"
    );
    assert!(pages[1].contains("SCons"), "{}", pages[1]);

    let markdown = text(&["read", &file, "--pages", "3", "--format", "markdown"]);
    assert!(
        markdown.starts_with("# Annual report\n\nTotal 12.50 euros"),
        "{markdown}"
    );

    let output = run(&["read", &file, "--ocr", "never"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(
        error(&output).contains("mixed.pdf, page 2: it is a scanned image"),
        "{}",
        error(&output)
    );
    assert!(String::from_utf8_lossy(&output.stdout).contains("Annual report"));

    let read = text(&["read", &file, "--ocr", "always", "--pages", "1"]);
    assert!(
        read.contains("Annual report") && read.contains("12.50"),
        "{read}"
    );
    let output = run(&["read", &file, "--pages", "9"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(error(&output).contains("3 pages"), "{}", error(&output));
}

#[test]
fn broken_file_does_not_stop_the_others() {
    let dir = tempfile::tempdir().unwrap();
    let (from, to) = (dir.path().join("in"), dir.path().join("out"));
    fs::create_dir(&from).unwrap();
    fs::write(from.join("a.pdf"), pdf(&[LETTER])).unwrap();
    fs::write(from.join("b.png"), "no image").unwrap();
    fs::write(from.join("c.pdf"), "%PDF-1.4 cut off").unwrap();
    fs::write(from.join("d.png"), page()).unwrap();
    let output = run(&["read", &path(&from), "-o", &path(&to)]);
    assert_eq!(output.status.code(), Some(1));
    let said = error(&output);
    assert!(said.contains("b.png") && said.contains("c.pdf"), "{said}");
    assert!(said.contains("2 of 4 inputs failed"), "{said}");
    assert!(
        fs::read_to_string(to.join("a.txt"))
            .unwrap()
            .starts_with("Annual report")
    );
    assert!(
        fs::read_to_string(to.join("d.txt"))
            .unwrap()
            .contains("SCons")
    );
    assert_eq!(fs::read_dir(&to).unwrap().count(), 2);
}

#[test]
fn standard_input_is_read() {
    for (bytes, expected) in [(page(), "SCons"), (pdf(&[LETTER]), "Annual report")] {
        let mut command = vary();
        command
            .args(["read", "-"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped());
        let mut child = command.spawn().unwrap();
        child.stdin.take().unwrap().write_all(&bytes).unwrap();
        let output = child.wait_with_output().unwrap();
        assert!(output.status.success());
        assert!(String::from_utf8_lossy(&output.stdout).contains(expected));
    }
}

#[test]
fn existing_outputs_are_kept() {
    let dir = tempfile::tempdir().unwrap();
    let (from, to) = (dir.path().join("a.pdf"), dir.path().join("a.txt"));
    fs::write(&from, pdf(&[LETTER])).unwrap();
    fs::write(&to, "mine").unwrap();
    let args = ["read", &path(&from), "-o", &path(&to), "--resume"];
    text(&args);
    assert_eq!(fs::read_to_string(&to).unwrap(), "mine");
    text(&args[..4]);
    assert!(fs::read_to_string(&to).unwrap().starts_with("Annual"));
    // The input itself, and the standard input, which can't be known again.
    let before = fs::read(&from).unwrap();
    for args in [
        ["read", &path(&from), "-o", &path(&from)].to_vec(),
        ["read", "-", "-o", &path(&to), "--resume"].to_vec(),
    ] {
        assert_eq!(run(&args).status.code(), Some(1), "{args:?}");
    }
    assert_eq!(fs::read(&from).unwrap(), before);
}

/// Interrupts the program when it has read two pages, and resumes.
#[cfg(unix)]
#[test]
fn interrupted_run_resumes() {
    let dir = tempfile::tempdir().unwrap();
    let page = page();
    let file = dir.path().join("long.pdf");
    let scans: Vec<Sheet<'_>> = (0..12).map(|_| Sheet::Scan(&page)).collect();
    fs::write(&file, pdf(&scans)).unwrap();
    let (whole, resumed) = (
        dir.path().join("whole.json"),
        dir.path().join("resumed.json"),
    );
    let args = |to: &Path| {
        [
            "read",
            &path(&file),
            "--format",
            "json",
            "--resume",
            "-o",
            &path(to),
        ]
        .map(String::from)
    };
    assert!(vary().args(args(&whole)).status().unwrap().success());

    let mut child = vary()
        .args(args(&resumed))
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let part = dir.path().join("resumed.json.part");
    let lines = || {
        fs::read_to_string(&part)
            .unwrap_or_default()
            .lines()
            .count()
    };
    let start = Instant::now();
    while lines() < 3 {
        assert!(
            start.elapsed() < Duration::from_secs(120),
            "no page was read"
        );
        std::thread::sleep(Duration::from_millis(10));
    }
    let pid = child.id().to_string();
    assert!(
        std::process::Command::new("kill")
            .args(["-INT", &pid])
            .status()
            .unwrap()
            .success()
    );
    assert_eq!(child.wait().unwrap().code(), Some(130));
    assert!(!resumed.exists());
    let read = lines();
    assert!((3..13).contains(&read), "{read}");

    // As if the last line had been cut off within a character.
    let bytes = fs::read(&part).unwrap();
    fs::write(&part, [&bytes[..bytes.len() - 20], &[0xe2][..]].concat()).unwrap();
    assert!(vary().args(args(&resumed)).status().unwrap().success());
    assert!(!part.exists());
    assert_eq!(fs::read(&resumed).unwrap(), fs::read(&whole).unwrap());
}

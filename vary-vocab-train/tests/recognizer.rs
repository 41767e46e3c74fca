//! The programs `cut-lines` and `recognizer`, from pages to a recognizer that opens.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use vary_core::burn::prelude::Device;
use vary_core::recognition::{Recognizer, RecognizerConfig};
use vary_data::lines::write_pdf_lines;
use vary_data::{Page, Word, write_page};
use vary_vocab_train::LinesRecipe;

fn program(args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_vary-vocab-train"))
        .args(args)
        .env("RAYON_NUM_THREADS", "2")
        .output()
        .unwrap()
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

/// Pages of two lines with a block of ink for each word.
fn write_pages(folder: &Path) {
    let words = [("abc", 20, 10), ("bad", 70, 10), ("cab", 20, 40)];
    let words: Vec<Word> = words
        .iter()
        .map(|(word, x, y)| Word {
            text: (*word).into(),
            bbox: [*x, *y, *x + 40, *y + 20].map(|edge| edge as f32),
        })
        .collect();
    let image = image::RgbImage::from_fn(160, 70, |x, y| {
        let (x, y) = (x as f32, y as f32);
        let inked = words.iter().any(|word| {
            let [left, top, right, bottom] = word.bbox;
            (left..right).contains(&x) && (top + 4.0..bottom - 4.0).contains(&y) && x % 5.0 < 3.0
        });
        image::Rgb([if inked { 10 } else { 240 }; 3])
    });
    for i in 0..3 {
        let page = Page {
            image: image.clone(),
            text: "abc bad\ncab".into(),
            markdown: None,
            words: words.clone(),
        };
        write_page(folder, &format!("{i}"), &page, &[]).unwrap();
    }
}

/// A PDF file of five pages with two lines each.
fn write_pdf(file: &Path) {
    let text = "BT /F 11 Tf 72 700 Td (First line of text) Tj 0 -20 Td (and the second) Tj ET";
    let kids: Vec<String> = (5..10).map(|page| format!("{page} 0 R")).collect();
    let mut objects = vec![
        "<< /Type /Catalog /Pages 2 0 R >>".to_owned(),
        format!("<< /Type /Pages /Kids [{}] /Count 5 >>", kids.join(" ")),
        "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>".into(),
        format!("<< /Length {} >>\nstream\n{text}\nendstream", text.len()),
    ];
    for _ in 0..5 {
        let resources = "/Resources << /Font << /F 3 0 R >> >>";
        let page = "/Type /Page /Parent 2 0 R /MediaBox [0 0 600 800] /Contents 4 0 R";
        objects.push(format!("<< {page} {resources} >>"));
    }
    let mut bytes = b"%PDF-1.7\n".to_vec();
    for (i, object) in objects.iter().enumerate() {
        bytes.extend(format!("{} 0 obj\n{object}\nendobj\n", i + 1).bytes());
    }
    bytes.extend(b"trailer\n<< /Root 1 0 R >>\n%%EOF\n");
    fs::write(file, bytes).unwrap();
}

/// The program reads PDF files in child processes, the library in its own.
#[test]
fn lines_of_pdf_files_do_not_depend_on_the_process() {
    let dir = tempfile::tempdir().unwrap();
    let [input, children, own] = ["pdf", "children", "own"].map(|name| dir.path().join(name));
    fs::create_dir(&input).unwrap();
    write_pdf(&input.join("a.pdf"));
    fs::write(input.join("b.pdf"), "no PDF file").unwrap();
    let output = program(&["cut-lines", "--pdf", text(&input), "--out", text(&children)]);
    assert!(output.status.success(), "{output:?}");
    let found = String::from_utf8_lossy(&output.stdout);
    assert!(found.starts_with("10 lines"), "{found}");
    assert_eq!(write_pdf_lines(&input, &own, 24, 0).unwrap(), 10);
    let shard = |folder: &Path| fs::read(folder.join("0000.tar")).unwrap();
    assert!(shard(&children) == shard(&own));
}

fn recipe() -> LinesRecipe {
    let mut recipe = LinesRecipe::nano();
    recipe.model = RecognizerConfig::tiny("abcd ");
    recipe.batches.pixels = 512;
    recipe.batches.widths = [64, 128, 256];
    recipe.validation_lines = 4;
    recipe.train.steps = 4;
    recipe.train.save_every = 2;
    recipe.train.log_every = 1;
    recipe
}

#[test]
fn a_recognizer_from_pages() {
    let dir = tempfile::tempdir().unwrap();
    let [pages, lines, run, path] =
        ["pages", "lines", "run", "recipe.json"].map(|name| dir.path().join(name));
    write_pages(&pages);
    let output = program(&["cut-lines", "--pages", text(&pages), "--out", text(&lines)]);
    assert!(output.status.success(), "{output:?}");
    assert!(
        String::from_utf8_lossy(&output.stdout).starts_with("6 lines"),
        "{output:?}"
    );

    fs::write(&path, serde_json::to_string(&recipe()).unwrap()).unwrap();
    let train = |data: &str| {
        let (recipe, lines, run) = (text(&path), text(&lines), text(&run));
        program(&[
            "recognizer",
            "--recipe",
            recipe,
            "--data",
            data,
            "--validation",
            lines,
            "--out",
            run,
        ])
    };
    let output = train(&format!("{}=0", text(&lines)));
    assert!(!output.status.success());
    assert!(
        String::from_utf8_lossy(&output.stderr).contains("a number above 0"),
        "{output:?}"
    );

    let output = train(text(&lines));
    assert!(output.status.success(), "{output:?}");
    for name in ["best", "last"] {
        let found = Recognizer::open(run.join(name), &Device::flex()).unwrap();
        assert_eq!(*found.config(), recipe().model);
    }
    let validation = fs::read_to_string(run.join("validation.jsonl")).unwrap();
    assert_eq!(validation.lines().count(), 2, "{validation}");
}

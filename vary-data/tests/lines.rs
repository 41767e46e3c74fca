//! Text lines cut from pages, and runs of words drawn from them.
#![cfg(feature = "lines")]
#![allow(clippy::unwrap_used)]

#[path = "pdf/writer.rs"]
#[allow(dead_code)]
mod writer;

use std::path::Path;

use image::{Rgb, RgbImage};
use vary_data::WordRecord;
use vary_data::lines::{
    Line, LineSampler, Lines, Shards, cut_page, write_page_lines, write_pdf_lines,
};
use writer::{PageSource, lines, pdf};

const ALPHABET: &str = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ ,.";

fn word(text: &str, bbox: [f32; 4]) -> WordRecord {
    WordRecord {
        text: text.into(),
        bbox,
    }
}

/// A page with a block of ink in place of each word.
fn page(words: &[WordRecord]) -> RgbImage {
    RgbImage::from_fn(300, 80, |x, y| {
        let inked = words.iter().any(|word| {
            let [left, top, right, bottom] = word.bbox.map(|edge| edge as u32);
            (left..right).contains(&x) && (top + 4..bottom - 4).contains(&y)
        });
        Rgb([if inked { 10 } else { 230 }; 3])
    })
}

fn texts(line: &Line) -> Vec<&str> {
    line.words.iter().map(|word| word.text.as_str()).collect()
}

#[test]
fn wide_gaps_separate_lines() {
    let words = [
        word("ﬁrst", [20.0, 20.0, 60.0, 40.0]),
        word("cafe\u{301}", [66.0, 20.0, 100.0, 40.0]),
        word("12.50", [200.0, 20.0, 240.0, 40.0]),
        word("next", [20.0, 50.0, 60.0, 70.0]),
    ];
    let found = cut_page(&page(&words), "ﬁrst cafe\u{301} 12.50\nnext", &words);
    let found: Vec<_> = found.iter().map(texts).collect();
    assert_eq!(found, [vec!["first", "café"], vec!["12.50"], vec!["next"]]);
    // Text and words that contradict each other teach nothing.
    assert!(cut_page(&page(&words), "first other", &words).is_empty());
}

#[test]
fn a_whole_line_is_close_to_its_ink() {
    let words = [
        word("abc", [20.0, 20.0, 60.0, 40.0]),
        word("de", [66.0, 20.0, 90.0, 40.0]),
    ];
    let line = &cut_page(&page(&words), "abc de", &words)[0];
    let run = line.whole().unwrap();
    assert_eq!(run.text, "abc de");
    // Ink of 70 x 12 px, and 2.4 px of paper on each side.
    let (width, height) = run.image.dimensions();
    assert!(
        (72..=78).contains(&width) && (15..=18).contains(&height),
        "{width} x {height}"
    );
}

fn write_pdf(dir: &Path) {
    std::fs::create_dir(dir.join("pdf")).unwrap();
    let content = lines(
        72.0,
        700.0,
        &[
            "Some words of a first line, to be cut",
            "and a second line.",
        ],
    );
    std::fs::write(dir.join("pdf/a.pdf"), pdf(&[PageSource::new(content)])).unwrap();
    std::fs::write(dir.join("pdf/broken.pdf"), "%PDF-1.7").unwrap();
}

#[test]
fn shards_of_pdf_files() {
    let dir = tempfile::tempdir().unwrap();
    write_pdf(dir.path());
    let out = dir.path().join("lines");
    assert_eq!(
        write_pdf_lines(&dir.path().join("pdf"), &out, 3, 1).unwrap(),
        2
    );
    let found = Lines::open(&out).unwrap();
    assert_eq!(found.len(), 2);
    let second = found.get(1).unwrap();
    assert_eq!(texts(&second), ["and", "a", "second", "line."]);
    for word in &second.words {
        assert!(word.columns[0] < word.columns[1], "{word:?}");
        assert!(
            word.columns[1] <= second.image.width() as f32 + 1.0,
            "{word:?}"
        );
    }
    // Nothing is written over, and a folder without lines is an error.
    let again = write_pdf_lines(&dir.path().join("pdf"), &out, 3, 1).unwrap_err();
    assert!(again.to_string().contains("shards"), "{again}");
    assert!(Lines::open(&dir.path().join("pdf")).is_err());
}

#[test]
fn shards_of_pages() {
    let dir = tempfile::tempdir().unwrap();
    let words = [word("abc", [20.0, 20.0, 60.0, 40.0])];
    page(&words).save(dir.path().join("a.png")).unwrap();
    let json = r#"{"text": "abc", "words": [{"text": "abc", "bbox": [20, 20, 60, 40]}]}"#;
    std::fs::write(dir.path().join("a.json"), json).unwrap();
    let out = dir.path().join("lines");
    assert_eq!(write_page_lines(dir.path(), &out).unwrap(), 1);
    let line = Lines::open(&out).unwrap().get(0).unwrap();
    assert_eq!(line, cut_page(&page(&words), "abc", &words)[0]);
}

#[test]
fn a_cut_shard_is_an_error() {
    let dir = tempfile::tempdir().unwrap();
    let words = [word("abc", [20.0, 20.0, 60.0, 40.0])];
    let line = cut_page(&page(&words), "abc", &words).remove(0);
    let mut shards = Shards::create(dir.path()).unwrap();
    shards.add(&line).unwrap();
    assert_eq!(shards.finish().unwrap(), 1);
    let lines = Lines::open(dir.path()).unwrap();
    let shard = dir.path().join("0000.tar");
    let bytes = std::fs::read(&shard).unwrap();
    std::fs::write(&shard, &bytes[..600]).unwrap();
    assert!(lines.get(0).is_err());
}

#[test]
fn runs_are_a_function_of_their_index() {
    let dir = tempfile::tempdir().unwrap();
    write_pdf(dir.path());
    let out = dir.path().join("lines");
    write_pdf_lines(&dir.path().join("pdf"), &out, 3, 1).unwrap();
    let sampler = |seed| {
        let sources = vec![(Lines::open(&out).unwrap(), 1.0)];
        LineSampler::new(sources, ALPHABET, seed).unwrap()
    };
    let (one, same, other) = (sampler(1), sampler(1), sampler(2));
    let line = "Some words of a first line, to be cut";
    let mut differ = false;
    for index in 0..40 {
        let run = one.run(index, 5.0).unwrap();
        assert_eq!(run, same.run(index, 5.0).unwrap());
        differ |= run != other.run(index, 5.0).unwrap();
        assert!(
            line.contains(&run.text) || "and a second line.".contains(&run.text),
            "{}",
            run.text
        );
        let (width, height) = run.image.dimensions();
        // Stretching may add an eighth.
        assert!(
            width as f32 <= 5.0 * 1.2 * height as f32,
            "{width} x {height}: {}",
            run.text
        );
    }
    assert!(differ);
}

#[test]
fn rare_characters_are_drawn_more_often() {
    let dir = tempfile::tempdir().unwrap();
    let mut shards = Shards::create(dir.path()).unwrap();
    for i in 0..200 {
        let text = if i == 77 { "Zoo" } else { "abc" };
        let words = [word(text, [20.0, 20.0, 60.0, 40.0])];
        shards
            .add(&cut_page(&page(&words), text, &words)[0])
            .unwrap();
    }
    shards.finish().unwrap();
    let sources = vec![(Lines::open(dir.path()).unwrap(), 1.0)];
    let sampler = LineSampler::new(sources, ALPHABET, 1).unwrap();
    let texts = (0..500).map(|index| sampler.run(index, 5.0).unwrap().text);
    let rare = texts.filter(|text| text == "Zoo").count();
    // One line in 200, and as much as fourteen of the others.
    assert!((15..60).contains(&rare), "{rare} of 500");
}

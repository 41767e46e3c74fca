//! Text, order and boxes of single pages.
#![cfg(feature = "pdf")]
#![allow(clippy::unwrap_used, clippy::panic)]

#[path = "pdf/writer.rs"]
#[allow(dead_code)]
mod writer;

use vary_data::pdf::{PdfFile, PdfOptions, Skip};
use vary_data::{Error, Page, Word};
use writer::{FULL_IMAGE, PageSource, encrypted_pdf, line, lines, pdf};

fn open(bytes: &[u8], options: &PdfOptions) -> Result<PdfFile, Error> {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), bytes).unwrap();
    PdfFile::open(file.path(), options)
}

fn read(page: PageSource) -> Result<Page, Skip> {
    open(&pdf(&[page]), &PdfOptions::default()).unwrap().page(0)
}

fn word<'a>(page: &'a Page, text: &str) -> &'a Word {
    page.words.iter().find(|w| w.text == text).unwrap()
}

fn assert_near(actual: [f32; 4], expected: [f32; 4], within: f32) {
    let near = actual
        .iter()
        .zip(expected)
        .all(|(a, e)| (a - e).abs() <= within);
    assert!(near, "{actual:?} is not {expected:?}");
}

/// Every pixel that is not white is in a box, or a pixel beside one.
fn assert_ink_is_boxed(page: &Page) {
    for (x, y, pixel) in page.image.enumerate_pixels() {
        let (x, y) = (x as f32 + 0.5, y as f32 + 0.5);
        let boxed = page.words.iter().any(|w| {
            let [x0, y0, x1, y1] = w.bbox;
            (x0 - 1.0..=x1 + 1.0).contains(&x) && (y0 - 1.0..=y1 + 1.0).contains(&y)
        });
        assert!(boxed || pixel.0.iter().all(|c| *c > 200), "ink at {x}, {y}");
    }
}

const LEFT: [&str; 6] = [
    "The left column has text that fills",
    "its lines nearly to the gutter, as",
    "papers in two columns have it, and",
    "goes on for some lines until it has",
    "come to the end of its part of the",
    "page, where the right one goes on.",
];
const RIGHT: [&str; 6] = [
    "Here the right column starts, which",
    "has to be read after the left one is",
    "read to its end, and not line by line",
    "across the gutter, which would mix",
    "sentences that have nothing at all to",
    "do with each other on this page.",
];

#[test]
fn one_column_reads_in_order() {
    let mut content = lines(72.0, 700.0, &["First line of text", "second line."]);
    content += &lines(72.0, 600.0, &["Another paragraph."]);
    let page = read(PageSource::new(content)).unwrap();
    assert_eq!(
        page.text,
        "First line of text\nsecond line.\n\nAnother paragraph."
    );
    assert_eq!(page.words.len(), 8);
    assert_eq!((page.image.width(), page.image.height()), (768, 1024));
    assert_ink_is_boxed(&page);
}

#[test]
fn two_columns_read_in_order() {
    // In any order of drawing, and with baselines that don't match.
    let title = line(150.0, 740.0, 20.0, "A title across both columns");
    let left = lines(72.0, 700.0, &LEFT);
    let right = lines(320.0, 695.0, &RIGHT);
    let foot = line(296.0, 40.0, 11.0, "12");
    let expected = format!(
        "A title across both columns\n\n{}\n\n{}\n\n12",
        LEFT.join("\n"),
        RIGHT.join("\n")
    );
    for content in [
        [&title, &left, &right, &foot],
        [&right, &foot, &left, &title],
    ] {
        let page = read(PageSource::new(content.map(String::as_str).concat())).unwrap();
        assert_eq!(page.text, expected);
    }
}

#[test]
fn full_lines_split_columns() {
    // On the same baselines, as on pages with a grid.
    let both =
        |y: f32, left: &[&str], right: &[&str]| lines(72.0, y, left) + &lines(320.0, y, right);
    let across = "A caption that goes across both of the columns, below a figure for example.";
    let content = both(700.0, &LEFT, &RIGHT) + &line(100.0, 560.0, 11.0, across);
    let page = read(PageSource::new(content + &both(500.0, &RIGHT, &LEFT))).unwrap();
    let (left, right) = (LEFT.join("\n"), RIGHT.join("\n"));
    let expected = [left.as_str(), &right, across, &right, &left].join("\n\n");
    assert_eq!(page.text, expected);
}

#[test]
fn three_columns_read_in_order() {
    let mut wide = PageSource::new(
        lines(40.0, 700.0, &LEFT) + &lines(430.0, 700.0, &LEFT) + &lines(235.0, 700.0, &RIGHT),
    );
    wide.entries = "/MediaBox [0 0 660 800]".into();
    let (left, right) = (LEFT.join("\n"), RIGHT.join("\n"));
    let expected = [left.as_str(), &right, &left].join("\n\n");
    assert_eq!(read(wide).unwrap().text, expected);
}

#[test]
fn tables_read_by_row() {
    let names = lines(
        72.0,
        700.0,
        &["Iron", "Copper", "Silver", "Gold", "Lead", "Tin"],
    );
    let symbols = lines(
        300.0,
        700.0,
        &["Fe 26", "Cu 29", "Ag 47", "Au 79", "Pb 82", "Sn 50"],
    );
    let page = read(PageSource::new(names + &symbols)).unwrap();
    let rows = "Iron Fe 26\nCopper Cu 29\nSilver Ag 47\nGold Au 79\nLead Pb 82\nTin Sn 50";
    assert_eq!(page.text, rows);
}

#[test]
fn offset_lines_stay_apart() {
    let list = ["push element", "append array", "delete all"];
    let page = read(PageSource::new(
        list.iter()
            .enumerate()
            .map(|(i, text)| line(72.0, 700.0 - 8.0 * i as f32, 11.0, text))
            .chain([line(300.0, 696.0, 11.0, "halfway")])
            .collect::<String>(),
    ))
    .unwrap();
    let words: Vec<&str> = page.text.split_whitespace().collect();
    let expected = [
        "push", "element", "halfway", "append", "array", "delete", "all",
    ];
    assert_eq!(words, expected);
}

#[test]
fn boxes_match_words() {
    // `H` reaches from the baseline 0.718 em up; at 100 points that is 71.8.
    let page = read(PageSource::new(line(100.0, 400.0, 100.0, "H"))).unwrap();
    let scale = 1024.0 / 800.0;
    let [left, right] = [100.0 + 7.7, 100.0 + 64.6].map(|x| x * scale);
    let [top, bottom] = [800.0 - 400.0 - 71.8, 800.0 - 400.0].map(|y| y * scale);
    assert_near(word(&page, "H").bbox, [left, top, right, bottom], 3.0);
    assert_ink_is_boxed(&page);
}

#[test]
fn turned_pages_are_read_upright() {
    let upright = read(PageSource::new(line(100.0, 700.0, 20.0, "Turned words"))).unwrap();
    for (turn, size) in [(90, (1024, 768)), (180, (768, 1024)), (270, (1024, 768))] {
        // The content is turned against the page, so that its reader sees it upright or not at all.
        let mut source = PageSource::new(line(100.0, 700.0, 20.0, "Turned words"));
        source.entries += &format!(" /Rotate {turn}");
        let page = read(source).unwrap();
        assert_eq!((page.image.width(), page.image.height()), size);
        assert_eq!(page.text, upright.text);
        let [x0, y0, x1, y1] = word(&upright, "Turned").bbox;
        let (w, h) = (768.0, 1024.0);
        let turned = match turn {
            90 => [h - y1, x0, h - y0, x1],
            180 => [w - x1, h - y1, w - x0, h - y0],
            _ => [y0, w - x1, y1, w - x0],
        };
        assert_near(word(&page, "Turned").bbox, turned, 1.0);
        assert_ink_is_boxed(&page);
    }
}

#[test]
fn margin_labels_come_last() {
    let stamp = "BT /F1 11 Tf 0 1 -1 0 40 300 Tm (up the margin) Tj ET\n";
    let content = stamp.to_owned() + &lines(72.0, 700.0, &["Text of the page", "in two lines."]);
    let page = read(PageSource::new(content)).unwrap();
    assert_eq!(
        page.text,
        "Text of the page\nin two lines.\n\nup the margin"
    );
    let [x0, y0, x1, y1] = word(&page, "margin").bbox;
    assert!(y1 - y0 > 2.0 * (x1 - x0));
}

#[test]
fn gaps_split_words() {
    let content = "BT /F1 10 Tf 72 700 Td [(ker) 30 (ned) -400 (wide)] TJ ET\n\
                   BT /F1 10 Tf 72 650 Td (x) Tj 5 4 Td /F1 7 Tf (2) Tj ET\n";
    let page = read(PageSource::new(content)).unwrap();
    assert_eq!(page.text, "kerned wide\n\nx2");
}

#[test]
fn text_is_normal() {
    // Letters beyond ASCII, and text drawn twice to make it bold.
    let bold = "BT /F1 11 Tf 72 600 Td (bold) Tj 0.2 0 Td (bold) Tj ET\n";
    let content = "BT /F1 11 Tf 72 700 Td (caf\\351) Tj ET\n".to_owned() + bold;
    let page = read(PageSource::new(content)).unwrap();
    assert_eq!(page.text, "caf\u{e9}\n\nbold");
}

#[test]
fn hidden_text_is_left_out() {
    let clipped = "q 0 0 50 50 re W n BT /F1 11 Tf 72 500 Td (clipped) Tj ET Q\n";
    let hidden = "BT 3 Tr /F1 11 Tf 72 400 Td (hidden) Tj ET\n";
    let outside = line(700.0, 700.0, 11.0, "outside");
    let content = format!(
        "{}{clipped}{hidden}{outside}",
        line(72.0, 700.0, 11.0, "seen")
    );
    let page = read(PageSource::new(content)).unwrap();
    assert_eq!(page.text, "seen");
    let half = line(590.0, 700.0, 30.0, "o");
    let page = read(PageSource::new(half)).unwrap();
    assert!(
        page.words
            .iter()
            .all(|w| w.bbox[2] <= page.image.width() as f32)
    );
}

#[test]
fn reasons_for_skipped_pages() {
    let text = line(72.0, 700.0, 11.0, "A page number");
    let hidden = format!("3 Tr\n{}", lines(72.0, 700.0, &LEFT));
    for (content, reason) in [
        (String::new(), Skip::NoText),
        ("0 0 100 100 re f\n".into(), Skip::NoText),
        (FULL_IMAGE.into(), Skip::Scanned),
        (format!("{FULL_IMAGE}{hidden}"), Skip::Scanned),
        (format!("{FULL_IMAGE}{text}"), Skip::Scanned),
        (
            "BT /T3 20 Tf 72 700 Td (ABBA) Tj ET\n".into(),
            Skip::Garbled {
                unknown: 2,
                glyphs: 4,
            },
        ),
    ] {
        assert_eq!(read(PageSource::new(content)).unwrap_err(), reason);
    }
    let on_background = format!("{FULL_IMAGE}{}", lines(72.0, 700.0, &LEFT));
    assert_eq!(
        read(PageSource::new(on_background)).unwrap().text,
        LEFT.join("\n")
    );
}

#[test]
fn type3_letters_are_read() {
    let page = read(PageSource::new("BT /T3 20 Tf 72 700 Td (AAA) Tj ET\n")).unwrap();
    assert_eq!(page.text, "AAA");
    assert_ink_is_boxed(&page);
}

#[test]
fn odd_sizes_are_skipped() {
    let mut huge = PageSource::new(line(72.0, 700.0, 11.0, "text"));
    huge.entries = "/MediaBox [0 0 20000 30000]".into();
    let reason = read(huge).unwrap_err();
    assert_eq!(reason.name(), "page_too_large");
    for odd in ["0 0 0 0", "0 0 1e30 5", "100 100 0 0", "0 0 0.001 2000"] {
        let mut page = PageSource::new(line(72.0, 700.0, 11.0, "text"));
        page.entries = format!("/MediaBox [{odd}]");
        // Whatever comes of it, it must not panic.
        if let Ok(file) = open(&pdf(&[page]), &PdfOptions::default()) {
            let _ = file.page(0);
        }
    }
}

#[test]
fn reasons_for_files() {
    let options = PdfOptions::default();
    let good = pdf(&[PageSource::new(line(72.0, 700.0, 11.0, "text"))]);
    let reason = |bytes: &[u8], options: &PdfOptions| match open(bytes, options) {
        Err(Error::Pdf { reason, .. }) => reason,
        Err(error) => panic!("{error}"),
        Ok(_) => panic!("no error"),
    };
    let encrypted = encrypted_pdf(&[PageSource::new("")]);
    assert_eq!(reason(&encrypted, &options), Skip::Encrypted);
    assert_eq!(reason(b"garbage", &options).name(), "broken");
    assert_eq!(reason(b"", &options).name(), "broken");
    assert_eq!(reason(&good[..100], &options).name(), "broken");
    let small = PdfOptions {
        max_file_bytes: 100,
        ..options.clone()
    };
    assert_eq!(reason(&good, &small).name(), "file_too_large");
    let wrong = PdfOptions { edge: 0, ..options };
    assert!(matches!(
        open(&good, &wrong),
        Err(Error::PdfOption { option: "edge", .. })
    ));
}

#[test]
fn damaged_files_never_panic() {
    let pages = [
        PageSource::new(lines(72.0, 700.0, &LEFT)),
        PageSource::new(FULL_IMAGE),
    ];
    let good = pdf(&pages);
    let mut state = 1_u32;
    for round in 0..200 {
        let mut bytes = good.clone();
        for _ in 0..1 + round % 8 {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            let at = (state >> 8) as usize % bytes.len();
            bytes[at] = state as u8;
        }
        bytes.truncate(good.len() - round);
        let options = PdfOptions {
            edge: 64,
            ..PdfOptions::default()
        };
        if let Ok(file) = open(&bytes, &options) {
            let mut reader = file.reader();
            for i in 0..file.page_count() + 1 {
                let _ = reader.page(i);
            }
        }
    }
}

#[test]
fn reader_equals_single_pages() {
    let pages = [
        PageSource::new(lines(72.0, 700.0, &LEFT)),
        PageSource::new(lines(72.3, 700.4, &RIGHT)),
        PageSource::new(lines(72.0, 700.0, &LEFT)),
    ];
    let file = open(&pdf(&pages), &PdfOptions::default()).unwrap();
    let mut reader = file.reader();
    for i in [0, 1, 2, 1] {
        let (one, other) = (reader.page(i).unwrap(), file.page(i).unwrap());
        assert_eq!(one.image, other.image);
        assert_eq!(one.words, other.words);
    }
}

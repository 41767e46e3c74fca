//! Whether text, words, Markdown and ink agree.

#![allow(clippy::unwrap_used)]

use std::path::PathBuf;
use std::sync::LazyLock;

use image::RgbImage;
use proptest::prelude::*;
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

use super::*;
use crate::{Error, Page, Word};

static TYPESETTER: LazyLock<Typesetter> = LazyLock::new(|| Typesetter::new(&[]).unwrap());

/// Levels below are ink on white paper; the rasteriser leaves single pixels of up to 4% besides.
const INK: u8 = 240;

const SPECIAL: &str = "office affluent waffle -- dashes --- \"quotes\" 'single' #set $x$ $1 *b* \
    _i_ `c` <tag> @ref [box] [a](b) {br} ~tilde~ \\back \\n // /* = + - 1. 2) & &amp; | a|b \
    C:\\dir snake_case **x __y__ ### http://example.org/a_b?c=d&e=f naïve Zürich €5 50% \
    \u{201c}curly\u{201d} #import \"x\" ]] [[ )) (( ;; #{ } \u{a0}x \u{200b}y \
    so\u{ad}ft é e\u{301}";

fn tokens(text: &str) -> Vec<&str> {
    text.split_whitespace().collect()
}

fn words(page: &Page) -> Vec<&str> {
    page.words.iter().map(|w| w.text.as_str()).collect()
}

fn all_tokens(pages: &[Page]) -> Vec<String> {
    pages
        .iter()
        .flat_map(|p| tokens(&p.text))
        .map(str::to_owned)
        .collect()
}

/// Boxes in whole pixels that hold all of a word.
fn whole(word: &Word, slack: f32) -> [u32; 4] {
    let [left, top, right, bottom] = word.bbox;
    [
        (left - slack).floor().max(0.0) as u32,
        (top - slack).floor().max(0.0) as u32,
        (right + slack).ceil() as u32,
        (bottom + slack).ceil() as u32,
    ]
}

fn is_ink(image: &RgbImage, x: u32, y: u32, below: u8) -> bool {
    image
        .get_pixel_checked(x, y)
        .is_some_and(|p| p.0[0] < below)
}

fn has_ink(image: &RgbImage, [left, top, right, bottom]: [u32; 4], below: u8) -> bool {
    (top..bottom).any(|y| (left..right).any(|x| is_ink(image, x, y, below)))
}

/// Every box has ink and all ink is in boxes.
fn check_ink(page: &Page) {
    let mut rest = page.image.clone();
    for word in &page.words {
        let bbox = whole(word, 0.0);
        assert!(has_ink(&page.image, bbox, INK), "no ink in {word:?}");
        for y in bbox[1]..bbox[3].min(rest.height()) {
            for x in bbox[0]..bbox[2].min(rest.width()) {
                rest.put_pixel(x, y, image::Rgb([255; 3]));
            }
        }
    }
    let stray = rest.enumerate_pixels().find(|(.., p)| p.0[0] < INK);
    assert!(stray.is_none(), "ink outside of the boxes: {stray:?}");
}

fn check(page: &Page) {
    assert_eq!(words(page), tokens(&page.text));
    check_ink(page);
}

#[test]
fn special_characters_survive() {
    let wide = PageStyle {
        size: 12.0,
        ..PageStyle::default()
    };
    for columns in [1, 2] {
        let style = PageStyle {
            columns,
            ..wide.clone()
        };
        let pages = TYPESETTER.typeset(&plain_text(SPECIAL), &style).unwrap();
        check(&pages[0]);
        let expected = SPECIAL.replace(['\u{200b}', '\u{ad}'], "");
        // Lines break within addresses and after hyphens, hence without blanks.
        assert_eq!(
            pages[0].text.split_whitespace().collect::<String>(),
            expected.split_whitespace().collect::<String>()
        );
        let markdown = pages[0].markdown.clone().unwrap();
        assert_eq!(
            parse_markdown(&markdown).unwrap(),
            block::normalise(&plain_text(SPECIAL))
        );
    }
}

#[test]
fn random_documents_are_exact() {
    let corpus = Corpus::builtin();
    for index in 0..40 {
        let (blocks, mut style) = document(3, index, &corpus, TYPESETTER.families());
        style.paper = [255; 3];
        style.table_lines = TableLines::None;
        let pages = TYPESETTER.typeset(&blocks, &style).unwrap();
        let markdown: Vec<_> = pages.iter().map(|p| p.markdown.clone().unwrap()).collect();
        for page in &pages {
            check(page);
            let markdown = page.markdown.as_ref().unwrap();
            assert_eq!(&to_markdown(&parse_markdown(markdown).unwrap()), markdown);
        }
        if let [markdown] = &markdown[..] {
            assert_eq!(markdown, &to_markdown(&blocks));
        }
    }
}

#[test]
fn documents_are_reproducible() {
    let corpus = Corpus::builtin();
    let make = |seed, index| document(seed, index, &corpus, TYPESETTER.families());
    assert_eq!(make(1, 2), make(1, 2));
    assert_ne!(make(1, 2), make(1, 3));
    assert_ne!(make(1, 2), make(2, 2));
    let (blocks, style) = make(1, 2);
    let [a, b] = [(); 2].map(|()| TYPESETTER.typeset(&blocks, &style).unwrap());
    assert_eq!(a[0].image, b[0].image);
    assert_eq!(a[0].words, b[0].words);
}

#[test]
fn documents_span_pages() {
    let numbers: Vec<String> = (0..2400).map(|n| format!("w{n}")).collect();
    let text = numbers
        .chunks(300)
        .map(|c| c.join(" "))
        .collect::<Vec<_>>()
        .join("\n\n");
    for columns in [1, 2, 3] {
        let style = PageStyle {
            columns,
            ..PageStyle::default()
        };
        let pages = TYPESETTER.typeset(&plain_text(&text), &style).unwrap();
        assert!(pages.len() > 1);
        assert_eq!(all_tokens(&pages), numbers);
        let markdown = pages
            .iter()
            .flat_map(|p| tokens(p.markdown.as_ref().unwrap()));
        assert_eq!(markdown.collect::<Vec<_>>(), numbers);
        pages.iter().for_each(check);
        // In reading order a column is left only for the one to its right.
        let mut lefts: Vec<usize> = Vec::new();
        for word in &pages[0].words {
            let sides = style.column_sides();
            lefts.push(sides.iter().filter(|s| s[0] - 2.0 <= word.bbox[0]).count());
        }
        assert!(lefts.is_sorted());
        assert_eq!(lefts.last(), Some(&usize::from(columns)));
    }
}

#[test]
fn long_blocks_break_between_parts() {
    let items: Vec<String> = (1..120)
        .map(|i| format!("{i}. item{i} of *many* here"))
        .collect();
    let rows: Vec<String> = (1..120).map(|i| format!("| r{i} | v{i} |")).collect();
    let lines: Vec<String> = (1..120).map(|i| format!("line{i}   =  {i}")).collect();
    let markdown = format!(
        "{}\n\n| Row | Value |\n| --- | --- |\n{}\n\n```\n{}\n```",
        items.join("\n"),
        rows.join("\n"),
        lines.join("\n")
    );
    let blocks = parse_markdown(&markdown).unwrap();
    let style = PageStyle {
        table_lines: TableLines::None,
        ..PageStyle::default()
    };
    let pages = TYPESETTER.typeset(&blocks, &style).unwrap();
    assert!(pages.len() > 4);
    pages.iter().for_each(check);
    let joined = pages
        .iter()
        .map(|p| p.markdown.clone().unwrap())
        .collect::<Vec<_>>()
        .join("\n");
    for line in items.iter().chain(&rows).chain(&lines) {
        assert!(joined.lines().any(|l| l == line), "{line} is missing");
    }
    assert_eq!(joined.matches("| Row | Value |").count(), 1);
    // The same where it goes on in the next column of the same page.
    let style = PageStyle {
        columns: 2,
        ..style
    };
    let pages = TYPESETTER.typeset(&blocks, &style).unwrap();
    pages.iter().for_each(check);
}

#[test]
fn markdown_has_tables_and_formulas() {
    let markdown = "# A *b* `c`\n\nLet $x^{2}+\\alpha y$, then **bold**.\n\n\
        | A | B |\n| --- | --- |\n| 1 | a\\|b |\n| $\\frac{1}{2}$ |  |\n\n\
        $$\\sum_{i=1}^{n}\\sqrt{i}\\ge\\int_{0}^{1}\\hat{f}\\left(x\\right)dx$$\n\n\
        3. three\n4. four\n\n```\nif x {\n    y\n}\n```";
    let blocks = parse_markdown(markdown).unwrap();
    assert_eq!(to_markdown(&blocks), markdown);
    let style = PageStyle {
        table_lines: TableLines::None,
        header: "Head # line".into(),
        page_numbers: true,
        ..PageStyle::default()
    };
    let pages = TYPESETTER.typeset(&blocks, &style).unwrap();
    assert_eq!(pages[0].markdown.as_deref(), Some(markdown));
    check(&pages[0]);
    let text = &pages[0].text;
    assert!(
        text.starts_with(
            "Head # line\n\nA b c\n\nLet x^{2}+\\alpha{}y, then bold.\n\nA B\n1 a|b\n"
        ),
        "{text}"
    );
    assert!(
        text.ends_with("3. three\n4. four\n\nif x {\ny\n}\n\n1"),
        "{text}"
    );
    // A page with lines has the same words.
    let lined = PageStyle {
        table_lines: TableLines::Grid,
        ..style
    };
    let lined = TYPESETTER.typeset(&blocks, &lined).unwrap();
    assert_eq!(words(&lined[0]), words(&pages[0]));
}

#[test]
fn scanned_boxes_hold_their_ink() {
    let blocks = plain_text(&"Words on a turned page, office and all. ".repeat(40));
    let page = TYPESETTER
        .typeset(&blocks, &PageStyle::default())
        .unwrap()
        .remove(0);
    for skew_degrees in [-3.0, 1.5, 20.0] {
        let scan = Scan {
            blur: 0.0,
            noise: 0.0,
            skew_degrees,
            contrast: 1.0,
            shade: 0.0,
            seed: 1,
        };
        let scanned = scan.apply(&page);
        assert_eq!(scanned.image.dimensions(), page.image.dimensions());
        let inside = |w: &&Word| w.bbox[0] > 0.0 && w.bbox[2] < 724.0;
        for word in scanned.words.iter().filter(inside) {
            assert!(has_ink(&scanned.image, whole(word, 0.0), 200), "{word:?}");
        }
        if skew_degrees.abs() < 4.0 {
            let rest = Page {
                words: scanned
                    .words
                    .iter()
                    .map(|w| Word {
                        // Interpolation spreads ink by a pixel.
                        bbox: whole(w, 1.0).map(|v| v as f32),
                        ..w.clone()
                    })
                    .collect(),
                ..scanned
            };
            check_ink(&rest);
        }
    }
    let mut rng = ChaCha8Rng::seed_from_u64(4);
    let scans: Vec<Scan> = (0..4).map(|_| Scan::draw(&mut rng)).collect();
    for scan in &scans {
        assert_eq!(scan.apply(&page).image, scan.apply(&page).image);
    }
    assert_ne!(scans[0].apply(&page).image, scans[1].apply(&page).image);
}

#[test]
fn missing_glyphs_are_errors() {
    let style = PageStyle::default();
    let missing = TYPESETTER.typeset(&plain_text("known \u{4e2d}\u{6587} words"), &style);
    assert!(matches!(missing, Err(Error::NoGlyph { chars }) if chars == "\u{4e2d}\u{6587}"));
    assert_eq!(TYPESETTER.missing("a\u{4e2d}b"), vec!['\u{4e2d}']);
    let wide = TYPESETTER.typeset(&plain_text(&"w".repeat(400)), &style);
    assert!(matches!(wide, Err(Error::DoesNotFit { .. })));
    let unknown = PageStyle {
        font: "No Such".into(),
        ..PageStyle::default()
    };
    let unknown = TYPESETTER.typeset(&plain_text("a"), &unknown);
    assert!(matches!(unknown, Err(Error::PageStyle(_))));
    let broken = PageStyle {
        size: f32::NAN,
        ..PageStyle::default()
    };
    assert!(matches!(
        TYPESETTER.typeset(&[], &broken),
        Err(Error::PageStyle(_))
    ));
    assert!(Typesetter::new(&[PathBuf::from("no-such-font.ttf")]).is_err());
    for latex in [
        "",
        "x^",
        "{x",
        "x}",
        "\\foo",
        "\\left( x",
        "x^2^3",
        "\\frac{}{}",
        "#x",
        "\\",
    ] {
        assert!(
            matches!(Formula::parse(latex), Err(Error::Formula { .. })),
            "{latex}"
        );
    }
    assert!(Formula::parse(&"{".repeat(100_000)).is_err());
    assert!(Formula::parse(&"\\hat".repeat(100_000)).is_err());
}

#[test]
fn empty_document_is_empty_page() {
    let pages = TYPESETTER.typeset(&[], &PageStyle::default()).unwrap();
    assert_eq!(pages.len(), 1);
    assert!(pages[0].words.is_empty() && pages[0].text.is_empty());
}

/// Chinese needs a font, which is too large to be in the repository.
#[test]
fn chinese_with_a_given_font() {
    let Some(font) = std::env::var_os("VARY_CJK_FONT") else {
        eprintln!("skipped: VARY_CJK_FONT names no font with Chinese characters");
        return;
    };
    let typesetter = Typesetter::new(&[font.into()]).unwrap();
    let text = "视觉语言模型可以阅读文档。第3章介绍了 OCR 的方法,包括“引号”和标点!".repeat(20);
    for font in [
        typesetter.families().last().unwrap().as_str(),
        "Libertinus Serif",
    ] {
        let style = PageStyle {
            font: font.into(),
            ..PageStyle::default()
        };
        let page = &typesetter.typeset(&plain_text(&text), &style).unwrap()[0];
        let solid = |text: &str| text.split_whitespace().collect::<String>();
        assert_eq!(words(page).concat(), solid(&text));
        assert_eq!(solid(&page.text), solid(&text));
        assert_eq!(page.markdown.as_deref(), Some(text.as_str()));
        assert!(words(page).contains(&"模") && words(page).contains(&"OCR"));
        check_ink(page);
    }
    let corpus = Corpus::new(&text, &typesetter).unwrap();
    let (blocks, style) = document(1, 1, &corpus, typesetter.families());
    typesetter.typeset(&blocks, &style).unwrap();
}

fn any_words() -> impl Strategy<Value = String> {
    let word = "[a-zA-Z0-9!-/:-@\\[-`{-~é–]{1,6}";
    prop::collection::vec(word, 1..6).prop_map(|words| words.join(" "))
}

fn any_inlines() -> impl Strategy<Value = Vec<Inline>> {
    // Styles change at blanks, and emphasis of punctuation alone is not Markdown.
    let text = (any_words(), 0..4_u8).prop_map(|(text, style)| match style {
        3 => Inline::Code(text),
        style => Inline::Text {
            text: if style == 0 {
                text
            } else {
                format!("a{text}z")
            },
            strong: style == 1,
            emphasis: style == 2,
        },
    });
    let join = |pieces: Vec<Inline>| {
        let blank = std::iter::repeat_with(|| Inline::plain(" "));
        pieces
            .into_iter()
            .zip(blank)
            .flat_map(|(a, b)| [a, b])
            .collect()
    };
    prop::collection::vec(text, 1..4).prop_map(join)
}

fn any_block() -> impl Strategy<Value = Block> {
    prop_oneof![
        (1..=6_u8, any_inlines()).prop_map(|(level, text)| Block::Heading { level, text }),
        any_inlines().prop_map(Block::Paragraph),
        (
            prop::option::of(0..50_u64),
            prop::collection::vec(any_inlines(), 1..4)
        )
            .prop_map(|(start, items)| Block::List { start, items }),
        prop::collection::vec(prop::collection::vec(any_inlines(), 2), 1..4).prop_map(Block::Table),
        prop::collection::vec("[ -~]{0,12}", 1..4).prop_map(Block::Code),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn markdown_roundtrips(blocks in prop::collection::vec(any_block(), 1..5)) {
        let blocks = block::normalise(&blocks);
        let markdown = to_markdown(&blocks);
        prop_assert_eq!(parse_markdown(&markdown).unwrap(), blocks, "{}", markdown);
    }

    #[test]
    fn anything_can_be_read(text in "\\PC{0,80}", latex in "[ -~]{0,20}") {
        let _ = parse_markdown(&text);
        if let Ok(formula) = Formula::parse(&latex) {
            let again = Formula::parse(&formula.latex()).unwrap();
            prop_assert_eq!(again.latex(), formula.latex());
            prop_assert!(!formula.word().contains(' '));
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn anything_is_typeset_exactly(blocks in prop::collection::vec(any_block(), 1..5)) {
        let style = PageStyle { table_lines: TableLines::None, ..PageStyle::default() };
        for page in TYPESETTER.typeset(&blocks, &style).unwrap() {
            check(&page);
        }
    }
}

#![allow(clippy::unwrap_used)]

use std::collections::BTreeSet;

use super::number::number;
use super::*;
use crate::{Error, Page, Result};

type Draw = fn(u64, u64, &DrawnConfig) -> Result<Drawn>;
const BOTH: [Draw; 2] = [chart, form];

#[test]
fn drawings_are_reproducible() {
    let config = DrawnConfig::new(320, 256).unwrap();
    for draw in BOTH {
        let mut seen = BTreeSet::new();
        for (seed, index) in [(0, 0), (0, 1), (1, 0), (u64::MAX, u64::MAX), (0, 1 << 40)] {
            let (a, b) = (
                draw(seed, index, &config).unwrap(),
                draw(seed, index, &config).unwrap(),
            );
            assert_eq!(a.page.image, b.page.image);
            assert_eq!(a.page.words, b.page.words);
            assert_eq!((a.kind, &a.questions), (b.kind, &b.questions));
            assert!(seen.insert(a.page.image.into_raw()), "{seed} {index}");
        }
    }
}

#[test]
fn words_lie_apart() {
    let sizes = [
        (256, 256),
        (256, 512),
        (512, 256),
        (384, 384),
        (512, 512),
        (640, 480),
        (1024, 1024),
    ];
    for (width, height) in sizes {
        let config = DrawnConfig::new(width, height).unwrap();
        let count = if width > 600 { 20 } else { 60 };
        for (draw, index) in BOTH
            .into_iter()
            .flat_map(|d| (0..count).map(move |i| (d, i)))
        {
            let drawn = draw(7, index, &config).unwrap();
            let what = format!("{} {index} at {width} x {height}", drawn.kind);
            assert_eq!(drawn.page.image.dimensions(), (width, height));
            check_words(&drawn.page, &what);
            let read: Vec<_> = drawn.page.text.split_whitespace().collect();
            let words: Vec<_> = drawn.page.words.iter().map(|w| w.text.as_str()).collect();
            assert_eq!(read, words, "{what}");
            assert!(drawn.questions.len() >= 3, "{what}");
            let mut texts = BTreeSet::new();
            for question in &drawn.questions {
                assert!(
                    texts.insert(&question.text),
                    "{what}: {} twice",
                    question.text
                );
                assert!(!question.answers.is_empty());
                assert!(
                    question.answers.iter().all(|a| !a.trim().is_empty()),
                    "{what}"
                );
            }
        }
    }
}

fn check_words(page: &Page, what: &str) {
    let (width, height) = page.image.dimensions();
    for (i, word) in page.words.iter().enumerate() {
        let [l, t, r, b] = word.bbox;
        assert!(l >= 0.0 && t >= 0.0 && l < r && t < b, "{what}: {word:?}");
        assert!(r <= width as f32 && b <= height as f32, "{what}: {word:?}");
        let light = |x, y| {
            let [r, g, b] = page.image.get_pixel(x, y).0.map(f32::from);
            0.3 * r + 0.59 * g + 0.11 * b
        };
        let inside = (t as u32..b as u32).flat_map(|y| (l as u32..r as u32).map(move |x| (x, y)));
        let lights: Vec<_> = inside.map(|(x, y)| light(x, y)).collect();
        let darkest = lights.iter().copied().fold(f32::MAX, f32::min);
        let lightest = lights.iter().copied().fold(f32::MIN, f32::max);
        // A hyphen of 9 pixels per em is no more than a grey line.
        assert!(
            lightest - darkest > 45.0,
            "{what}: {word:?} {darkest}..{lightest}"
        );
        for other in &page.words[..i] {
            let [ol, ot, or, ob] = other.bbox;
            let apart = r <= ol || or <= l || b <= ot || ob <= t;
            assert!(apart, "{what}: {word:?} {other:?}");
        }
    }
}

#[test]
fn every_kind_appears() {
    let config = DrawnConfig::new(256, 256).unwrap();
    for (draw, kinds) in BOTH.into_iter().zip([5, 6]) {
        let seen: BTreeSet<_> = (0..100)
            .map(|i| draw(3, i, &config).unwrap().kind)
            .collect();
        assert_eq!(seen.len(), kinds, "{seen:?}");
    }
}

#[test]
fn refuses_sizes_and_fonts() {
    for (width, height) in [(255, 256), (256, 513), (5000, 4096), (0, 0)] {
        let refused = DrawnConfig::new(width, height);
        assert!(
            matches!(refused, Err(Error::DrawnSize { .. })),
            "{width} x {height}"
        );
        let mut config = DrawnConfig::new(256, 256).unwrap();
        (config.width, config.height) = (width, height);
        assert!(matches!(form(0, 0, &config), Err(Error::DrawnSize { .. })));
    }
    assert!(matches!(
        Fonts::from_bytes([]),
        Err(Error::DrawnFont { .. })
    ));
    let damaged = Fonts::from_bytes([vec![1, 2, 3]]);
    assert!(matches!(damaged, Err(Error::DrawnFont { position: 0, .. })));
    let one = typst_assets::fonts().next().unwrap().to_vec();
    assert!(Fonts::from_bytes([one]).is_ok());
}

#[test]
fn numbers_are_written_exactly() {
    assert_eq!(number(1_204_505, 2, true), "12,045.05");
    assert_eq!(number(1_204_505, 2, false), "12045.05");
    assert_eq!(number(999, 0, true), "999");
    assert_eq!(number(1_000_000, 0, true), "1,000,000");
    assert_eq!(number(-5, 1, true), "-0.5");
}

#![allow(clippy::unwrap_used)]

use std::collections::BTreeSet;

use super::fonts::CHARACTERS;
use super::*;
use crate::Split;

/// Without blur, noise and changes of brightness.
fn clean(size: u32, split: Split) -> TextConfig {
    TextConfig {
        size,
        split,
        brightness: 0.0,
        blur: 0.0,
        noise: 0.0,
        ..TextConfig::default()
    }
}

/// Images of all kinds and the splits.
fn sample(count: u64) -> Vec<TextScene> {
    let texts = Texts::embedded().unwrap();
    [Split::Train, Split::Test]
        .into_iter()
        .flat_map(|split| {
            TextKind::ALL.into_iter().flat_map({
                let (texts, config) = (&texts, clean(192, split));
                move |kind| draw_batch(texts, &config, Some(kind), 7, 0..count)
            })
        })
        .collect()
}

#[test]
fn texts_are_reproducible() {
    let texts = Texts::embedded().unwrap();
    let config = TextConfig::default();
    let batch = draw_batch(&texts, &config, None, 9, 3..30);
    for (scene, index) in batch.iter().zip(3..) {
        assert_eq!(*scene, texts.draw(&config, None, 9, index));
        assert_eq!(
            *scene,
            Texts::embedded()
                .unwrap()
                .draw(&config, Some(scene.kind), 9, index)
        );
    }
    assert_ne!(batch[0].plain, texts.draw(&config, None, 10, 3).plain);
}

#[test]
fn characters_have_places() {
    for scene in sample(300) {
        let regions = scene.regions.iter().map(|region| &region.written);
        for written in [&scene.plain, &scene.markdown].into_iter().chain(regions) {
            assert_eq!(written.places.len(), written.text.chars().count());
            for [x1, y1, x2, y2] in written.places.iter().flatten() {
                assert!(
                    0.0 <= *x1 && x1 <= x2 && *x2 <= 192.0,
                    "{:?} {} {x1} {y1} {x2} {y2}",
                    scene.kind,
                    written.text
                );
                assert!(
                    0.0 <= *y1 && y1 <= y2 && *y2 <= 192.0,
                    "{:?} {} {x1} {y1} {x2} {y2}",
                    scene.kind,
                    written.text
                );
            }
        }
        for (c, place) in scene.plain.text.chars().zip(&scene.plain.places) {
            assert_eq!(place.is_none(), c == '\n', "{:?}", scene.plain.text);
        }
        assert!(
            scene
                .regions
                .iter()
                .all(|r| r.written.bbox() == Some(r.bbox))
        );
        let names: BTreeSet<_> = scene.regions.iter().map(|r| &r.name).collect();
        assert_eq!(names.len(), scene.regions.len());
    }
}

#[test]
fn texts_have_lines_of_words() {
    for scene in sample(400) {
        assert!(scene.x_height.is_finite());
        let text = &scene.plain.text;
        assert!(!text.is_empty() && text.is_ascii());
        assert!(text.split('\n').all(|line| !line.is_empty()), "{text:?}");
        assert!(!text.contains("  ") && !text.contains(" \n") && !text.contains("\n "));
        assert!(text.len() <= 190, "{:?} {}", scene.kind, text.len());
    }
}

#[test]
fn markdown_holds_the_text() {
    for scene in sample(60) {
        let Written { text, places } = &scene.markdown;
        let signs = text.chars().zip(places);
        let bare: String = signs
            .map(|(c, place)| if place.is_none() { ' ' } else { c })
            .collect();
        let words = |text: &str| {
            text.split_whitespace()
                .map(String::from)
                .collect::<Vec<_>>()
        };
        assert_eq!(words(&bare), words(&scene.plain.text), "{text}");
    }
}

/// Black on white on a tilted sheet: whatever is not white lies in the boxes, and each box touches
/// ink on all sides.
#[test]
fn boxes_are_tight() {
    let texts = Texts::embedded().unwrap();
    for face in texts
        .fonts
        .of(Split::Train)
        .iter()
        .chain(texts.fonts.of(Split::Test))
    {
        let mut canvas = Canvas::new(400);
        let mut sheet = Sheet::new(&mut canvas, Split::Train, [0.05, -0.03]);
        sheet.cover([1.0; 3], |canvas| canvas.fill(|_, _| [1.0; 3]));
        let style = sheet::Style {
            face,
            x_height: 9.0,
            stretch: 0.8,
            tracking: 0.2,
            ink: [0.0; 3],
        };
        let written = sheet.write("Q% gjy@", [20.0, 90.0], &style, 0.0);
        let dark = |x: usize, y: usize| canvas.pixels[y * 400 + x][0] < 0.98;
        let inside = |x: usize, y: usize, b: &[f32; 4]| {
            let (x, y) = (x as f32, y as f32);
            x + 1.0 > b[0] && x < b[2] && y + 1.0 > b[1] && y < b[3]
        };
        let boxes: Vec<[f32; 4]> = written.places.iter().flatten().copied().collect();
        assert_eq!(boxes.len(), 7);
        for (x, y) in (0..400).flat_map(|y| (0..400).map(move |x| (x, y))) {
            assert!(
                !dark(x, y) || boxes.iter().any(|b| inside(x, y, b)),
                "{} {x} {y}",
                face.name
            );
        }
        for (c, [x1, y1, x2, y2]) in written.text.chars().zip(&boxes).filter(|(c, _)| *c != ' ') {
            let (columns, rows) = (*x1 as usize..=*x2 as usize, *y1 as usize..=*y2 as usize);
            let column = |x: f32| rows.clone().any(|y| dark(x as usize, y));
            let row = |y: f32| columns.clone().any(|x| dark(x, y as usize));
            let touched = column(x1 + 1.0) && column(x2 - 1.0) && row(y1 + 1.0) && row(y2 - 1.0);
            assert!(touched, "{} {c}", face.name);
        }
    }
}

#[test]
fn ink_has_contrast() {
    for scene in sample(60) {
        let luma = |x: u32, y: u32| {
            let [r, g, b] = scene
                .image
                .get_pixel(x.min(191), y.min(191))
                .0
                .map(f32::from);
            (0.299 * r + 0.587 * g + 0.114 * b) / 255.0
        };
        for (c, place) in scene.plain.text.chars().zip(&scene.plain.places) {
            let Some([x1, y1, x2, y2]) = *place else {
                continue;
            };
            // Thin strokes do not fill a pixel.
            if !"BEHMNmw8".contains(c) || scene.x_height < 9.0 {
                continue;
            }
            let across = (x1.max(1.0) as u32 - 1)..=x2 as u32 + 1;
            let values = (y1 as u32..=y2 as u32).flat_map(|y| across.clone().map(move |x| (x, y)));
            let (mut low, mut high) = (1.0f32, 0.0f32);
            for (x, y) in values {
                low = low.min(luma(x, y));
                high = high.max(luma(x, y));
            }
            assert!(high - low > 0.3, "{:?} {c} {low} {high}", scene.plain.text);
        }
    }
}

#[test]
fn layout_scales() {
    let texts = Texts::embedded().unwrap();
    for kind in TextKind::ALL {
        let small = texts.draw(&clean(192, Split::Train), Some(kind), 5, 1);
        let large = texts.draw(&clean(384, Split::Train), Some(kind), 5, 1);
        if kind != TextKind::Sign && kind != TextKind::Label {
            assert_eq!(small.plain.text, large.plain.text, "{kind:?}");
            assert!((2.0 * small.x_height - large.x_height).abs() < 0.01);
        }
    }
}

#[test]
fn letters_are_large_enough() {
    let scenes = sample(100);
    let share = |kind: TextKind, range: Range<f32>| {
        let of_kind: Vec<_> = scenes.iter().filter(|s| s.kind == kind).collect();
        let within = of_kind
            .iter()
            .filter(|s| range.contains(&s.x_height))
            .count();
        within as f32 / of_kind.len() as f32
    };
    for kind in TextKind::ALL {
        assert!(
            share(kind, 5.0..41.0) > 0.97,
            "{kind:?} {}",
            share(kind, 5.0..41.0)
        );
    }
    assert!(share(TextKind::Line, 9.0..41.0) > 0.64);
    for kind in [
        TextKind::Page,
        TextKind::Receipt,
        TextKind::Table,
        TextKind::Screen,
    ] {
        assert!(share(kind, 6.4..10.1) > 0.9, "{kind:?}");
    }
}

#[test]
fn all_characters_occur() {
    let texts = Texts::embedded().unwrap();
    let scenes = draw_batch(&texts, &clean(64, Split::Train), None, 1, 0..2500);
    let seen: BTreeSet<char> = scenes.iter().flat_map(|s| s.plain.text.chars()).collect();
    let missing: Vec<char> = CHARACTERS.filter(|c| !seen.contains(c)).collect();
    assert!(missing.is_empty(), "{missing:?}");
    assert!(seen.iter().all(|c| CHARACTERS.contains(c) || *c == '\n'));
}

#[test]
fn notices_need_training() {
    let texts = Texts::embedded().unwrap();
    let [train, test] = [Split::Train, Split::Test].map(|split| {
        let scenes = draw_batch(&texts, &clean(64, split), Some(TextKind::Lines), 3, 0..200);
        let has = |scene: &&TextScene| scene.plain.text.contains(" - ");
        scenes.iter().filter(has).count()
    });
    assert!((15..60).contains(&train), "{train}");
    assert_eq!(test, 0);
}

#[test]
fn training_has_more_words() {
    let lists = [
        include_str!("../../assets/words.txt"),
        include_str!("../../assets/more-words.txt"),
    ];
    let [words, more] = lists.map(|list| list.lines().collect::<BTreeSet<_>>());
    assert!(words.is_disjoint(&more));
    for (list, words) in lists.iter().zip([&words, &more]) {
        assert_eq!(list.lines().count(), words.len(), "no word is there twice");
        let small = |word: &&str| {
            (3..=10).contains(&word.len()) && word.bytes().all(|b| b.is_ascii_lowercase())
        };
        assert!(words.iter().all(small));
    }
    let texts = Texts::embedded().unwrap();
    let drawn = |split| -> BTreeSet<String> {
        (0..500)
            .map(|i| {
                texts
                    .words(split)
                    .common(&mut Random::new(crate::random::SCENES, 3, i))
            })
            .collect()
    };
    let among = |drawn: &BTreeSet<String>, list: &BTreeSet<&str>| {
        drawn
            .iter()
            .filter(|word| list.contains(word.as_str()))
            .count()
    };
    let (training, report) = (drawn(Split::Train), drawn(Split::Test));
    assert_eq!(among(&report, &words), report.len());
    assert!(among(&training, &words) > 100);
    assert!(among(&training, &more) > 200);
}

#[test]
fn splits_share_no_font() {
    let texts = Texts::embedded().unwrap();
    let train: BTreeSet<_> = texts.font_names(Split::Train).collect();
    let test: BTreeSet<_> = texts.font_names(Split::Test).collect();
    assert_eq!((train.len(), test.len()), (85, 8));
    assert!(train.is_disjoint(&test));
}

#[test]
fn extreme_settings_draw() {
    let texts = Texts::embedded().unwrap();
    for size in [64, 300] {
        let config = TextConfig {
            size,
            skew: 8.0,
            brightness: 0.3,
            blur: 0.33,
            noise: 0.2,
            ..TextConfig::default()
        };
        config.validate().unwrap();
        for scene in draw_batch(&texts, &config, None, 2, 0..200) {
            assert_eq!(scene.image.width(), size);
            let [x1, y1, x2, y2] = scene.plain.bbox().unwrap();
            assert!(x1 >= 0.0 && y1 >= 0.0 && x2 <= size as f32 && y2 <= size as f32);
        }
    }
}

//! Labels and signs.

use super::shared::Align;
use super::shared::Content;
use super::shared::paper;
use super::shared::style;
use super::shared::write_aligned;
use crate::random::Random;
use crate::texts::compose::Block;
use crate::texts::sheet::{Sheet, Style};
use crate::texts::source::Texts;
use crate::texts::words::{self, Words};
use crate::texts::{palette, surface};

/// A plate with two to four centred lines, the first often larger.
pub(super) fn label(sheet: &mut Sheet, texts: &Texts, rng: &mut Random) -> Content {
    if rng.chance(0.3) {
        scenery(sheet, rng);
    } else {
        paper(sheet, rng);
    }
    let count = 2 + rng.below(3);
    let colour = if rng.chance(0.5) {
        palette::light(sheet.split, rng)
    } else {
        palette::vivid(sheet.split, rng)
    };
    let bbox = plate_box(sheet, [0.6, 0.55], rng);
    let inner = plate(sheet, bbox, colour, rng);
    let share = rng.unit();
    let (x_height, stretch) = (6.8 + 5.0 * share * share, rng.range(0.72, 1.3));
    let small = style(sheet, texts, x_height, stretch, rng);
    let titled = rng.chance(0.6);
    let lines: Vec<(String, Style)> = (0..count)
        .map(|i| {
            if titled && i == 0 {
                let mut large = small;
                large.face = texts.fonts.pick(sheet.split, rng);
                large.x_height *= rng.range(1.35, 2.0);
                (texts.words(sheet.split).title(13, rng), large)
            } else {
                (label_line(texts.words(sheet.split), rng), small)
            }
        })
        .collect();
    let align = if rng.chance(0.7) {
        Align::Centre
    } else {
        Align::Left
    };
    let mut written = stack(sheet, &lines, inner, align).into_iter();
    let mut blocks = Vec::new();
    if titled {
        blocks.extend(written.next().map(Block::Heading));
    }
    blocks.extend(written.map(|line| Block::Paragraph(vec![line])));
    blocks.into()
}

/// A coloured plate with one to three lines of one text before a scene.
pub(super) fn sign(sheet: &mut Sheet, texts: &Texts, rng: &mut Random) -> Content {
    scenery(sheet, rng);
    let colour = palette::vivid(sheet.split, rng);
    let bbox = plate_box(sheet, [0.65, 0.35], rng);
    let inner = plate(sheet, bbox, colour, rng);
    let (x_height, stretch) = (rng.range(9.0, 24.0), rng.range(0.6, 1.3));
    let style = style(sheet, texts, x_height, stretch, rng);
    let upper = rng.chance(0.5);
    let lines: Vec<(String, Style)> = (0..1 + rng.below(3))
        .map(|_| {
            let text = if rng.chance(0.75) {
                texts.words(sheet.split).title(12, rng)
            } else {
                texts.words(sheet.split).line(9, rng)
            };
            (
                if upper {
                    text.to_ascii_uppercase()
                } else {
                    text
                },
                style,
            )
        })
        .collect();
    vec![Block::Paragraph(stack(sheet, &lines, inner, Align::Centre))].into()
}

fn scenery(sheet: &mut Sheet, rng: &mut Random) {
    let split = sheet.split;
    sheet.cover([0.5; 3], |canvas| surface::scenery(canvas, split, rng));
}

/// A box that takes at least the shares `least` of the area each way.
fn plate_box(sheet: &Sheet, least: [f32; 2], rng: &mut Random) -> [f32; 4] {
    let [x1, y1, x2, y2] = sheet.area;
    let [width, height] = [x2 - x1, y2 - y1];
    let size = [
        width * rng.range(least[0], 1.0),
        height * rng.range(least[1], 1.0),
    ];
    let corner = [
        x1 + (width - size[0]) * rng.unit(),
        y1 + (height - size[1]) * rng.unit(),
    ];
    [
        corner[0],
        corner[1],
        corner[0] + size[0],
        corner[1] + size[1],
    ]
}

/// Paints a plate, often with a border, and makes it what is written on. Returns the box for text.
fn plate(sheet: &mut Sheet, bbox: [f32; 4], colour: [f32; 3], rng: &mut Random) -> [f32; 4] {
    let radius = *[0.0, 4.0, 9.0].get(rng.below(3)).unwrap_or(&0.0);
    sheet.plate(bbox, radius, colour, None);
    sheet.paper = colour;
    let inset = |by: f32| [bbox[0] + by, bbox[1] + by, bbox[2] - by, bbox[3] - by];
    if rng.chance(0.5) {
        let border = palette::ink(sheet.split, sheet.luma(), rng);
        sheet.plate(inset(2.0), radius, border, Some(rng.range(1.0, 2.5)));
    }
    inset(9.0)
}

/// Writes lines below each other in the middle of a box; they are made smaller where they must.
fn stack(
    sheet: &mut Sheet,
    lines: &[(String, Style)],
    [x1, y1, x2, y2]: [f32; 4],
    align: Align,
) -> Vec<crate::texts::written::Written> {
    const LEAD: f32 = 1.05;
    let fitted: Vec<(&String, Style)> = lines
        .iter()
        .map(|(text, style)| (text, style.fit(text, [x2 - x1, y2 - y1], 0.45)))
        .collect();
    let height: f32 = fitted.iter().map(|(_, style)| LEAD * style.height()).sum();
    let shrink = ((y2 - y1) / height).min(1.0);
    let mut y = y1 + 0.5 * (y2 - y1 - shrink * height);
    let mut written = Vec::new();
    for (text, mut style) in fitted {
        // Letters stay as wide as they are.
        style.x_height *= shrink;
        style.stretch /= shrink;
        written.push(write_aligned(sheet, text, [x1, x2, y], align, &style));
        y += LEAD * style.height();
    }
    written
}

fn label_line(source: &Words, rng: &mut Random) -> String {
    match rng.below(8) {
        0 => format!("Net {}", words::number(rng)),
        1 => format!("LOT {}", words::code(rng)),
        2 => format!("Exp. {}", words::date(rng)),
        3 => format!("Size {}", 1 + rng.below(60)),
        4 => words::price(rng),
        5 => source.title(13, rng),
        _ => source.line(14, rng),
    }
}

//! Charts with a title and a name below each bar.

use super::shared::Align;
use super::shared::Content;
use super::shared::paper;
use super::shared::style;
use super::shared::write_aligned;
use crate::random::Random;
use crate::texts::compose::{Block, in_one_line};
use crate::texts::palette;
use crate::texts::sheet::{Sheet, Style};
use crate::texts::source::Texts;
use crate::texts::words::{self, Words};

/// Bars or points above their names, mostly under a title.
pub(super) fn draw(sheet: &mut Sheet, texts: &Texts, rng: &mut Random) -> Content {
    paper(sheet, rng);
    let [x1, y1, x2, y2] = sheet.area;
    let (left, right) = (x1 + rng.range(0.0, 20.0), x2 - rng.range(0.0, 20.0));
    let (mut top, bottom) = (y1 + rng.range(0.0, 20.0), y2 - rng.range(0.0, 20.0));
    let count = 2 + rng.below(4);
    let slot = (right - left) / count as f32;
    let names = names(texts.words(sheet.split), count, rng);
    let (x_height, stretch) = (rng.range(7.0, 13.0), rng.range(0.75, 1.2));
    let style = style(sheet, texts, x_height, stretch, rng);
    let mut blocks = Vec::new();
    if rng.chance(0.85) {
        let text = texts.words(sheet.split).title(16, rng);
        let larger = rng.range(1.0, 1.4);
        let style = Style {
            x_height: x_height * larger,
            ..style
        };
        let style = style.fit(&text, [x2 - x1, 40.0], 0.6);
        let title = write_aligned(sheet, &text, [x1, x2, top], Align::Centre, &style);
        blocks.push(Block::Heading(title));
        top += style.height() + 4.0;
    }
    // All in one size, in which the widest has a blank beside it.
    let style = names.iter().fold(style, |style, name| {
        style.fit(name, [slot - 7.0, 40.0], 0.6)
    });
    let base = bottom - style.height() - 4.0;
    plot(sheet, [left, top, right, base], count, style.ink, rng);
    let name = |(i, text): (usize, &String)| {
        let x = left + slot * i as f32;
        let span = [x, x + slot, base + 4.0];
        write_aligned(sheet, text, span, Align::Centre, &style)
    };
    let names: Vec<_> = names.iter().enumerate().map(name).collect();
    blocks.push(Block::Paragraph(vec![in_one_line(&names)]));
    blocks.into()
}

/// Paints a bar or a point in each of `count` slots, and axes or a frame.
fn plot(sheet: &mut Sheet, bbox: [f32; 4], count: usize, ink: [f32; 3], rng: &mut Random) {
    let [x1, y1, x2, y2] = bbox;
    let slot = (x2 - x1) / count as f32;
    let colour = palette::vivid(sheet.split, rng);
    let (bars, half) = (rng.chance(0.7), slot * rng.range(0.2, 0.45));
    for i in 0..count {
        let middle = x1 + slot * (i as f32 + 0.5);
        let y = y1 + (y2 - y1) * rng.range(0.05, 0.9);
        if bars {
            sheet.plate([middle - half, y, middle + half, y2], 0.0, colour, None);
        } else {
            sheet.plate(
                [middle - 4.0, y - 4.0, middle + 4.0, y + 4.0],
                4.0,
                colour,
                None,
            );
        }
    }
    match rng.below(3) {
        0 => sheet.plate(bbox, 0.0, ink, Some(0.8)),
        1 => {
            sheet.rule(x1, x2, y2, ink);
            sheet.plate([x1 - 0.5, y1, x1 + 0.5, y2], 0.0, ink, None);
        }
        _ => sheet.rule(x1, x2, y2, ink),
    }
}

/// What the bars stand for: times, letters, people or, where there is room for them, things.
fn names(source: &Words, count: usize, rng: &mut Random) -> Vec<String> {
    let from = rng.below(12);
    let most = [0, 0, 10, 8, 7, 0][count];
    let kind = rng.below(if most > 0 { 12 } else { 6 });
    let name = |i: usize| match kind {
        0 => words::days(from + i).into(),
        1 => words::months(from + i).into(),
        2 => (1990 + 3 * from + i).to_string(),
        3 => ((from + 1) * (i + 1)).to_string(),
        4 => char::from(b'A' + (from % 4 + i) as u8).to_string(),
        5 => format!("Q{}", 1 + (from + i) % 4),
        6 | 7 => source.name(rng),
        _ => source.title(most, rng),
    };
    (0..count).map(name).collect()
}

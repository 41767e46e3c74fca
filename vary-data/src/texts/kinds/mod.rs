//! What each kind of text looks like.

mod chart;
mod page;
mod plates;
mod receipt;
mod screen;
mod strips;
mod table;

use super::compose::Block;
use super::sheet::{Sheet, Style};
use super::written::Written;
use super::{Region, TextKind, Texts, palette, surface};
use crate::part::Part;
use crate::scenes::random::Random;

/// What was written.
#[derive(Default)]
pub(super) struct Content {
    pub(super) blocks: Vec<Block>,
    /// Regions of this kind of text alone.
    pub(super) regions: Vec<Region>,
}

impl From<Vec<Block>> for Content {
    fn from(blocks: Vec<Block>) -> Self {
        let regions = Vec::new();
        Self { blocks, regions }
    }
}

/// Covers the sheet and writes a text of a kind.
pub(super) fn draw(kind: TextKind, sheet: &mut Sheet, texts: &Texts, rng: &mut Random) -> Content {
    match kind {
        TextKind::Word => strips::word(sheet, texts, rng),
        TextKind::Line => strips::line(sheet, texts, rng),
        TextKind::Lines => strips::lines(sheet, texts, rng),
        TextKind::Page => page::draw(sheet, texts, rng),
        TextKind::Receipt => receipt::draw(sheet, texts, rng),
        TextKind::Table => table::draw(sheet, texts, rng),
        TextKind::Label => plates::label(sheet, texts, rng),
        TextKind::Sign => plates::sign(sheet, texts, rng),
        TextKind::Screen => screen::draw(sheet, texts, rng),
        TextKind::Chart => chart::draw(sheet, texts, rng),
    }
}

/// Covers the sheet with paper or something like it.
fn paper(sheet: &mut Sheet, rng: &mut Random) {
    let part = sheet.part;
    let colour = palette::ground(part, rng);
    sheet.cover(colour, |canvas| surface::cover(canvas, colour, part, rng));
}

/// A style to write on the paper with.
fn style<'t>(
    sheet: &Sheet,
    texts: &'t Texts,
    x_height: f32,
    stretch: f32,
    rng: &mut Random,
) -> Style<'t> {
    Style {
        face: texts.fonts.pick(sheet.part, rng),
        x_height,
        stretch,
        tracking: if rng.chance(0.3) {
            rng.range(0.0, 0.15)
        } else {
            0.03
        },
        ink: palette::ink(sheet.part, sheet.luma(), rng),
    }
}

/// X-height of small print: mostly 6.5 to 10 units, small ones more often.
fn small_print(rng: &mut Random) -> f32 {
    let share = rng.unit();
    6.5 + 3.5 * share * share
}

/// Where a line of text begins.
#[derive(Clone, Copy)]
enum Align {
    Left,
    Centre,
    Right,
}

/// Writes a line between `x1` and `x2`, the top of its tallest letters at `y`.
fn write_aligned(
    sheet: &mut Sheet,
    text: &str,
    [x1, x2, y]: [f32; 3],
    align: Align,
    style: &Style,
) -> Written {
    let room = x2 - x1 - style.span(text);
    let x = match align {
        Align::Left => x1,
        Align::Centre => x1 + 0.5 * room,
        Align::Right => x1 + room,
    };
    let x = x + style.overhang();
    sheet.write(text, [x, y + style.top()], style, 0.0)
}

/// With this chance what notices and lists say, in at most `most` characters. In training alone: the final report keeps
/// the texts that it has always had.
fn notice(
    chance: f32,
    sheet: &Sheet,
    texts: &Texts,
    most: usize,
    rng: &mut Random,
) -> Option<String> {
    (sheet.part == Part::Train && rng.chance(chance))
        .then(|| texts.words(sheet.part).notice(most, rng))
}

/// A line of at most `most` characters.
fn any_line(sheet: &Sheet, texts: &Texts, most: usize, rng: &mut Random) -> String {
    notice(0.15, sheet, texts, most, rng).unwrap_or_else(|| texts.words(sheet.part).line(most, rng))
}

/// The first of some texts by lot that is at most `width` wide, else a short one.
fn fitting(
    style: &Style,
    width: f32,
    rng: &mut Random,
    mut text: impl FnMut(&mut Random) -> String,
) -> String {
    for _ in 0..8 {
        let text = text(rng);
        if style.width(&text) <= width {
            return text;
        }
    }
    rng.below(10).to_string()
}

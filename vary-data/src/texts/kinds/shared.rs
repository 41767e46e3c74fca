//! What several kinds of text share.

use crate::random::Random;
use crate::split::Split;
use crate::texts::compose::Block;
use crate::texts::region::Region;
use crate::texts::sheet::{Sheet, Style};
use crate::texts::source::Texts;
use crate::texts::written::Written;
use crate::texts::{palette, surface};

/// What was written.
#[derive(Default)]
pub(in crate::texts) struct Content {
    pub(in crate::texts) blocks: Vec<Block>,
    /// Regions of this kind of text alone.
    pub(in crate::texts) regions: Vec<Region>,
}

impl From<Vec<Block>> for Content {
    fn from(blocks: Vec<Block>) -> Self {
        let regions = Vec::new();
        Self { blocks, regions }
    }
}

/// Covers the sheet with paper or something like it.
pub(super) fn paper(sheet: &mut Sheet, rng: &mut Random) {
    let split = sheet.split;
    let colour = palette::ground(split, rng);
    sheet.cover(colour, |canvas| surface::cover(canvas, colour, split, rng));
}

/// A style to write on the paper with.
pub(super) fn style<'t>(
    sheet: &Sheet,
    texts: &'t Texts,
    x_height: f32,
    stretch: f32,
    rng: &mut Random,
) -> Style<'t> {
    Style {
        face: texts.fonts.pick(sheet.split, rng),
        x_height,
        stretch,
        tracking: if rng.chance(0.3) {
            rng.range(0.0, 0.15)
        } else {
            0.03
        },
        ink: palette::ink(sheet.split, sheet.luma(), rng),
    }
}

/// X-height of small print: mostly 6.5 to 10 units, small ones more often.
pub(super) fn small_print(rng: &mut Random) -> f32 {
    let share = rng.unit();
    6.5 + 3.5 * share * share
}

/// Where a line of text begins.
#[derive(Clone, Copy)]
pub(super) enum Align {
    Left,
    Centre,
    Right,
}

/// Writes a line between `x1` and `x2`, the top of its tallest letters at `y`.
pub(super) fn write_aligned(
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

/// With the probability `chance` a line as in notices and lists, of at most `most` characters.
/// Images of the test split have none and so stay the same.
pub(super) fn notice(
    chance: f32,
    sheet: &Sheet,
    texts: &Texts,
    most: usize,
    rng: &mut Random,
) -> Option<String> {
    (sheet.split != Split::Test && rng.chance(chance))
        .then(|| texts.words(sheet.split).notice(most, rng))
}

/// A line of at most `most` characters.
pub(super) fn any_line(sheet: &Sheet, texts: &Texts, most: usize, rng: &mut Random) -> String {
    notice(0.15, sheet, texts, most, rng)
        .unwrap_or_else(|| texts.words(sheet.split).line(most, rng))
}

/// The first of some random texts that is at most `width` wide, else a short one.
pub(super) fn fitting(
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

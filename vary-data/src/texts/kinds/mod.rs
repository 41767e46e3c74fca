//! What each kind of text looks like.

mod chart;
mod page;
mod plates;
mod receipt;
mod screen;
mod shared;
mod strips;
mod table;

use shared::Content;

use super::kind::TextKind;
use super::sheet::Sheet;
use super::source::Texts;
use crate::random::Random;

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

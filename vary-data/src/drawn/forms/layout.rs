//! Where the parts of a form lie.

use super::content::{Block, Form};
use super::fields;
use super::pen::Pen;
use super::table;
use super::theme::Theme;
use crate::drawn::raster::Shape;
use crate::drawn::text::Label;
use crate::random::Random;

/// Fills the free part of the page, or `None` if something doesn't fit.
pub(super) fn plan(form: &Form, theme: &Theme, pen: &mut Pen, rng: &mut Random) -> Option<()> {
    let em = theme.text.em;
    let aligns = [0.0, 0.5, 1.0];
    let align = aligns[rng.below(3)];
    for (i, line) in form.head.iter().enumerate() {
        pen.line(if i == 0 { &theme.bold } else { &theme.small }, line, align)?;
    }
    pen.sheet.end_paragraph();
    if !form.head.is_empty() {
        if rng.chance(0.4) {
            pen.down(em * 0.4)?;
            pen.rule(1.5, theme.line);
        }
        pen.down(em * rng.range(0.4, 1.0))?;
    }
    pen.line(&theme.title, &form.title, aligns[rng.below(3)])?;
    pen.sheet.end_paragraph();
    pen.down(em * rng.range(0.3, 0.9))?;
    let gap = em * rng.range(0.5, 2.0);
    for block in &form.blocks {
        match block {
            Block::Heading(text) => {
                heading(text, theme, pen, rng)?;
                continue;
            }
            Block::Fields(list) => fields::plan(list, theme, pen)?,
            Block::Items(items) => table::items(items, theme, pen, rng)?,
            Block::Totals(list) => table::totals(list, theme, pen)?,
            Block::Paragraph(text) => {
                for line in theme.text.wrapped(text, pen.right - pen.left) {
                    pen.line(&theme.text, &line, 0.0)?;
                }
            }
            Block::Barcode(code) => barcode(code, theme, pen, rng)?,
            Block::Photo => photo(theme, pen, rng)?,
            Block::Signature(key) => {
                pen.down(em * 1.2)?;
                let label = Label::new(&theme.small, key).at(pen.left, pen.y + em, 0.0);
                let x = pen.sheet.line(label)?.right as f32 + em * 0.5;
                let end = (x + em * 12.0).min(pen.right);
                let ends = vec![(x, pen.y + em), (end, pen.y + em)];
                pen.sheet.shapes.push(Shape::Line(ends, 1.0, theme.line));
                pen.down(em * 1.4)?;
            }
        }
        pen.sheet.end_paragraph();
        pen.y += gap;
    }
    Some(())
}

fn heading(text: &str, theme: &Theme, pen: &mut Pen, rng: &mut Random) -> Option<()> {
    let em = theme.bold.em;
    if rng.chance(0.5) {
        let band = [pen.left, pen.y, pen.right, pen.y + em * 1.5];
        pen.sheet.shapes.push(Shape::Box(band, theme.shade));
    }
    pen.y += em * 0.15;
    pen.left += em * 0.3;
    pen.line(&theme.bold, text, 0.0)?;
    pen.left -= em * 0.3;
    pen.sheet.end_paragraph();
    pen.down(em * 0.4)
}

fn barcode(code: &str, theme: &Theme, pen: &mut Pen, rng: &mut Random) -> Option<()> {
    let em = theme.text.em;
    let (mut x, top) = (pen.left, pen.y);
    pen.down(em * rng.range(2.0, 3.5))?;
    let thin = (em * 0.12).max(1.0);
    loop {
        let bar = thin * rng.whole(1, 3) as f32;
        if x + bar > pen.right {
            break;
        }
        let area = [x, top, x + bar, pen.y];
        pen.sheet.shapes.push(Shape::Box(area, theme.text.colour));
        x += bar + thin * rng.whole(1, 3) as f32;
    }
    pen.y += em * 0.25;
    pen.line(&theme.text, code, 0.5)
}

fn photo(theme: &Theme, pen: &mut Pen, rng: &mut Random) -> Option<()> {
    let em = theme.text.em;
    let (width, height) = (em * 5.5, em * 7.0);
    let left = if rng.chance(0.5) {
        pen.left += width + em;
        pen.left - width - em
    } else {
        pen.right -= width + em;
        pen.right + em
    };
    if pen.y + height > pen.bottom || pen.right - pen.left < em * 8.0 {
        return None;
    }
    let (x, top) = (left + width / 2.0, pen.y);
    let frame = [left, top, left + width, top + height];
    let shapes = &mut pen.sheet.shapes;
    shapes.push(Shape::Box(frame, theme.shade));
    // Head and shoulders.
    shapes.push(Shape::Disc(
        (x, top + height * 0.36),
        width * 0.2,
        theme.line,
    ));
    let body = [
        (0.15, 1.0),
        (0.2, 0.78),
        (0.36, 0.64),
        (0.64, 0.64),
        (0.8, 0.78),
        (0.85, 1.0),
    ];
    let body = body.map(|(u, v)| (left + u * width, top + v * height));
    shapes.push(Shape::Polygon(body.to_vec(), theme.line));
    shapes.push(Shape::outline(frame, 1.0, theme.line));
    Some(())
}

//! Where the parts of a form lie.

use super::super::random::Random;
use super::super::raster::Shape;
use super::super::sheet::Sheet;
use super::super::text::{Colour, Label, Style};
use super::content::{Block, Form};
use super::fields::{self, Keys};
use super::table;

/// How a form looks.
pub(super) struct Look {
    pub text: Style,
    pub bold: Style,
    pub title: Style,
    /// Smaller than the text.
    pub small: Style,
    pub line: Colour,
    pub shade: Colour,
    pub keys: Keys,
    pub columns: usize,
}

/// What is left of the page, in pixels.
pub(super) struct Pen<'a> {
    pub sheet: &'a mut Sheet,
    pub left: f32,
    pub right: f32,
    /// Top of what comes next.
    pub y: f32,
    pub bottom: f32,
}

impl Pen<'_> {
    /// A line of text between left (`align` 0) and right (1); moves down by 1.3 em.
    pub(super) fn line(&mut self, style: &Style, text: &str, align: f32) -> Option<()> {
        let label = Label::new(style, text);
        if label.area.width() as f32 > self.right - self.left {
            return None;
        }
        let x = self.left + align * (self.right - self.left);
        self.sheet.line(label.at(x, self.y + style.em, align))?;
        self.down(style.em * 1.3)
    }

    /// Moves down, or `None` if the page ends before.
    pub(super) fn down(&mut self, distance: f32) -> Option<()> {
        self.y += distance;
        (self.y <= self.bottom).then_some(())
    }

    /// A rule from left to right.
    pub(super) fn rule(&mut self, width: f32, colour: Colour) {
        let ends = vec![(self.left, self.y), (self.right, self.y)];
        self.sheet.shapes.push(Shape::Line(ends, width, colour));
    }
}

/// Fills the free part of the page, or `None` if something doesn't fit.
pub(super) fn plan(form: &Form, look: &Look, pen: &mut Pen, rng: &mut Random) -> Option<()> {
    let em = look.text.em;
    let aligns = [0.0, 0.5, 1.0];
    let align = aligns[rng.below(3)];
    for (i, line) in form.head.iter().enumerate() {
        pen.line(if i == 0 { &look.bold } else { &look.small }, line, align)?;
    }
    pen.sheet.end_paragraph();
    if !form.head.is_empty() {
        if rng.chance(0.4) {
            pen.down(em * 0.4)?;
            pen.rule(1.5, look.line);
        }
        pen.down(em * rng.range(0.4, 1.0))?;
    }
    pen.line(&look.title, &form.title, aligns[rng.below(3)])?;
    pen.sheet.end_paragraph();
    pen.down(em * rng.range(0.3, 0.9))?;
    let gap = em * rng.range(0.5, 2.0);
    for block in &form.blocks {
        match block {
            Block::Heading(text) => {
                heading(text, look, pen, rng)?;
                continue;
            }
            Block::Fields(list) => fields::plan(list, look, pen)?,
            Block::Items(items) => table::items(items, look, pen, rng)?,
            Block::Totals(list) => table::totals(list, look, pen)?,
            Block::Paragraph(text) => {
                for line in look.text.wrapped(text, pen.right - pen.left) {
                    pen.line(&look.text, &line, 0.0)?;
                }
            }
            Block::Barcode(code) => barcode(code, look, pen, rng)?,
            Block::Photo => photo(look, pen, rng)?,
            Block::Signature(key) => {
                pen.down(em * 1.2)?;
                let label = Label::new(&look.small, key).at(pen.left, pen.y + em, 0.0);
                let x = pen.sheet.line(label)?.right as f32 + em * 0.5;
                let end = (x + em * 12.0).min(pen.right);
                let ends = vec![(x, pen.y + em), (end, pen.y + em)];
                pen.sheet.shapes.push(Shape::Line(ends, 1.0, look.line));
                pen.down(em * 1.4)?;
            }
        }
        pen.sheet.end_paragraph();
        pen.y += gap;
    }
    Some(())
}

fn heading(text: &str, look: &Look, pen: &mut Pen, rng: &mut Random) -> Option<()> {
    let em = look.bold.em;
    if rng.chance(0.5) {
        let band = [pen.left, pen.y, pen.right, pen.y + em * 1.5];
        pen.sheet.shapes.push(Shape::Box(band, look.shade));
    }
    pen.y += em * 0.15;
    pen.left += em * 0.3;
    pen.line(&look.bold, text, 0.0)?;
    pen.left -= em * 0.3;
    pen.sheet.end_paragraph();
    pen.down(em * 0.4)
}

fn barcode(code: &str, look: &Look, pen: &mut Pen, rng: &mut Random) -> Option<()> {
    let em = look.text.em;
    let (mut x, top) = (pen.left, pen.y);
    pen.down(em * rng.range(2.0, 3.5))?;
    let thin = (em * 0.12).max(1.0);
    loop {
        let bar = thin * rng.whole(1, 3) as f32;
        if x + bar > pen.right {
            break;
        }
        let area = [x, top, x + bar, pen.y];
        pen.sheet.shapes.push(Shape::Box(area, look.text.colour));
        x += bar + thin * rng.whole(1, 3) as f32;
    }
    pen.y += em * 0.25;
    pen.line(&look.text, code, 0.5)
}

fn photo(look: &Look, pen: &mut Pen, rng: &mut Random) -> Option<()> {
    let em = look.text.em;
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
    shapes.push(Shape::Box(frame, look.shade));
    // Head and shoulders.
    shapes.push(Shape::Disc(
        (x, top + height * 0.36),
        width * 0.2,
        look.line,
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
    shapes.push(Shape::Polygon(body.to_vec(), look.line));
    shapes.push(Shape::outline(frame, 1.0, look.line));
    Some(())
}

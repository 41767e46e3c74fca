//! Keys with their values.

use super::super::raster::Shape;
use super::super::text::{Label, Style};
use super::content::Field;
use super::layout::{Look, Pen};

/// How a key and its value lie to each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Keys {
    /// The value follows the key and a colon.
    Colon,
    /// All values start at the same distance.
    Aligned,
    /// Dots lead from the key to the value at the right.
    Dotted,
    /// A small key above the value, in a box.
    Boxed,
    /// The value on a line.
    Underlined,
}

impl Keys {
    pub(super) const ALL: [Self; 5] = [
        Self::Colon,
        Self::Aligned,
        Self::Dotted,
        Self::Boxed,
        Self::Underlined,
    ];
}

/// Puts fields into one or two columns.
pub(super) fn plan(list: &[Field], look: &Look, pen: &mut Pen) -> Option<()> {
    let em = look.text.em;
    let gap = if look.keys == Keys::Boxed {
        0.0
    } else {
        em * 1.5
    };
    let columns = look.columns as f32;
    let width = (pen.right - pen.left - gap * (columns - 1.0)) / columns;
    let keys: Vec<_> = list.iter().map(|f| key(f, look)).collect();
    let aligned = look.bold_key().widest(&keys) + em;
    for row in list.chunks(look.columns) {
        let mut height: f32 = 0.0;
        for (column, field) in row.iter().enumerate() {
            let left = pen.left + column as f32 * (width + gap);
            let cell = Cell {
                left,
                right: left + width,
                aligned,
            };
            height = height.max(cell.put(field, look, pen)?);
        }
        pen.sheet.end_line();
        if look.keys == Keys::Boxed {
            // Boxes of a row are equally high.
            for column in 0..row.len() {
                let left = pen.left + column as f32 * width;
                let area = [left, pen.y, left + width, pen.y + height];
                pen.sheet.shapes.push(Shape::outline(area, 1.0, look.line));
            }
        }
        pen.down(height)?;
    }
    Some(())
}

fn key(field: &Field, look: &Look) -> String {
    match look.keys {
        Keys::Colon | Keys::Underlined => format!("{}:", field.key),
        _ => field.key.clone(),
    }
}

impl Look {
    /// How keys are written.
    pub(super) fn bold_key(&self) -> &Style {
        if self.keys == Keys::Boxed {
            &self.small
        } else {
            &self.bold
        }
    }
}

/// The room of one field, in pixels.
struct Cell {
    left: f32,
    right: f32,
    /// Distance of aligned values from the left.
    aligned: f32,
}

impl Cell {
    /// Puts a key and its value; gives the height that they take.
    fn put(&self, field: &Field, look: &Look, pen: &mut Pen) -> Option<f32> {
        let (em, style, top) = (look.text.em, &look.text, pen.y);
        let (inset, first, pitch) = if look.keys == Keys::Boxed {
            (em * 0.4, top + look.small.em * 1.2, em * 1.25)
        } else {
            (0.0, top + em * 1.05, em * 1.3)
        };
        let key = Label::new(look.bold_key(), &key(field, look));
        let key_area = pen.sheet.put(key.at(self.left + inset, first, 0.0))?;
        if key_area.right as f32 > self.right - inset {
            return None;
        }
        let after = key_area.right as f32 + em * 0.6;
        let (x, mut baseline) = match look.keys {
            Keys::Aligned => (self.left + self.aligned, first),
            Keys::Boxed => (self.left + inset, first + em * 1.25),
            _ => (after, first),
        };
        let lines = style.wrapped(&field.value, self.right - inset - x);
        if look.keys == Keys::Dotted && lines.len() > 1 {
            return None;
        }
        for (i, line) in lines.iter().enumerate() {
            let label = Label::new(style, line);
            if x + label.area.width() as f32 > self.right - inset {
                return None;
            }
            baseline += if i > 0 { pitch } else { 0.0 };
            let area = if look.keys == Keys::Dotted {
                pen.sheet.put(label.at(self.right, baseline, 1.0))?
            } else {
                pen.sheet.put(label.at(x, baseline, 0.0))?
            };
            match look.keys {
                Keys::Dotted => {
                    let mut dot = after;
                    while dot < area.left as f32 - em * 0.6 {
                        let radius = (em * 0.05).max(0.5);
                        let shape = Shape::Disc((dot, baseline), radius, style.colour);
                        pen.sheet.shapes.push(shape);
                        dot += em * 0.4;
                    }
                }
                Keys::Underlined => {
                    let y = baseline + em * 0.3;
                    let ends = vec![(x - em * 0.2, y), (self.right, y)];
                    pen.sheet.shapes.push(Shape::Line(ends, 1.0, look.line));
                }
                _ => {}
            }
        }
        let below = if look.keys == Keys::Colon || look.keys == Keys::Aligned {
            0.35
        } else {
            0.5
        };
        Some(baseline + em * below - top)
    }
}

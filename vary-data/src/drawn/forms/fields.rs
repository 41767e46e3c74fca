//! Keys with their values.

use super::content::Field;
use super::pen::Pen;
use super::theme::{Keys, Theme};
use crate::drawn::raster::Shape;
use crate::drawn::text::Label;

/// Puts fields into one or two columns.
pub(super) fn plan(list: &[Field], theme: &Theme, pen: &mut Pen) -> Option<()> {
    let em = theme.text.em;
    let gap = if theme.keys == Keys::Boxed {
        0.0
    } else {
        em * 1.5
    };
    let columns = theme.columns as f32;
    let width = (pen.right - pen.left - gap * (columns - 1.0)) / columns;
    let keys: Vec<_> = list.iter().map(|f| key(f, theme)).collect();
    let aligned = theme.bold_key().widest(&keys) + em;
    for row in list.chunks(theme.columns) {
        let mut height: f32 = 0.0;
        for (column, field) in row.iter().enumerate() {
            let left = pen.left + column as f32 * (width + gap);
            let cell = Cell {
                left,
                right: left + width,
                aligned,
            };
            height = height.max(cell.put(field, theme, pen)?);
        }
        pen.sheet.end_line();
        if theme.keys == Keys::Boxed {
            // Boxes of a row are equally high.
            for column in 0..row.len() {
                let left = pen.left + column as f32 * width;
                let area = [left, pen.y, left + width, pen.y + height];
                pen.sheet.shapes.push(Shape::outline(area, 1.0, theme.line));
            }
        }
        pen.down(height)?;
    }
    Some(())
}

fn key(field: &Field, theme: &Theme) -> String {
    match theme.keys {
        Keys::Colon | Keys::Underlined => format!("{}:", field.key),
        _ => field.key.clone(),
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
    fn put(&self, field: &Field, theme: &Theme, pen: &mut Pen) -> Option<f32> {
        let (em, style, top) = (theme.text.em, &theme.text, pen.y);
        let (inset, first, pitch) = if theme.keys == Keys::Boxed {
            (em * 0.4, top + theme.small.em * 1.2, em * 1.25)
        } else {
            (0.0, top + em * 1.05, em * 1.3)
        };
        let key = Label::new(theme.bold_key(), &key(field, theme));
        let key_area = pen.sheet.put(key.at(self.left + inset, first, 0.0))?;
        if key_area.right as f32 > self.right - inset {
            return None;
        }
        let after = key_area.right as f32 + em * 0.6;
        let (x, mut baseline) = match theme.keys {
            Keys::Aligned => (self.left + self.aligned, first),
            Keys::Boxed => (self.left + inset, first + em * 1.25),
            _ => (after, first),
        };
        let lines = style.wrapped(&field.value, self.right - inset - x);
        if theme.keys == Keys::Dotted && lines.len() > 1 {
            return None;
        }
        for (i, line) in lines.iter().enumerate() {
            let label = Label::new(style, line);
            if x + label.area.width() as f32 > self.right - inset {
                return None;
            }
            baseline += if i > 0 { pitch } else { 0.0 };
            let area = if theme.keys == Keys::Dotted {
                pen.sheet.put(label.at(self.right, baseline, 1.0))?
            } else {
                pen.sheet.put(label.at(x, baseline, 0.0))?
            };
            match theme.keys {
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
                    pen.sheet.shapes.push(Shape::Line(ends, 1.0, theme.line));
                }
                _ => {}
            }
        }
        let below = if theme.keys == Keys::Colon || theme.keys == Keys::Aligned {
            0.35
        } else {
            0.5
        };
        Some(baseline + em * below - top)
    }
}

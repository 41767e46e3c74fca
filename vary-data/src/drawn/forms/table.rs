//! Tables of goods and their sums.

use super::content::{Field, Item};
use super::pen::Pen;
use super::theme::Theme;
use crate::drawn::raster::Shape;
use crate::drawn::text::Label;
use crate::random::Random;

/// Puts a table with names at the left and numbers at the right.
pub(super) fn items(items: &[Item], theme: &Theme, pen: &mut Pen, rng: &mut Random) -> Option<()> {
    let (em, style) = (theme.text.em, &theme.text);
    let heads = match rng.below(2) {
        0 => ["Description", "Qty", "Unit Price", "Amount"],
        _ => ["Item", "Qty", "Price", "Amount"],
    };
    let rows: Vec<_> = items.iter().map(Item::cells).collect();
    let widths: [f32; 4] = std::array::from_fn(|c| {
        let cells: Vec<_> = rows.iter().map(|row| row[c].as_str()).collect();
        style.widest(&cells).max(theme.bold.width(heads[c]))
    });
    let inset = em * 0.4;
    let room = pen.right - pen.left - 2.0 * inset;
    let gap = (room - widths.iter().sum::<f32>()) / 3.0;
    if gap < em {
        return None;
    }
    // The gap beside the names takes what the others don't need.
    let gap = gap.min(em * 3.0);
    let mut rights = [pen.left + inset; 4];
    let mut edge = pen.right - inset;
    for c in (1..4).rev() {
        rights[c] = edge;
        edge -= widths[c] + gap;
    }
    let (top, pitch) = (pen.y, em * rng.range(1.4, 1.8));
    let (shaded, ruled, boxed) = (rng.chance(0.4), rng.chance(0.5), rng.chance(0.3));
    for row in 0..=rows.len() {
        let area = [pen.left, pen.y, pen.right, pen.y + pitch];
        if (row == 0 && shaded) || (row % 2 == 0 && row > 0 && shaded && !ruled) {
            pen.sheet.shapes.push(Shape::Box(area, theme.shade));
        }
        for c in 0..4 {
            let label = match row {
                0 => Label::new(&theme.bold, heads[c]),
                _ => Label::new(style, &rows[row - 1][c]),
            };
            let align = if c == 0 { 0.0 } else { 1.0 };
            let baseline = pen.y + pitch / 2.0 + style.drop();
            pen.sheet.put(label.at(rights[c], baseline, align))?;
        }
        pen.sheet.end_line();
        pen.down(pitch)?;
        if ruled || row == 0 || row == rows.len() {
            pen.rule(1.0, theme.line);
        }
    }
    if boxed {
        let area = [pen.left, top, pen.right, pen.y];
        pen.sheet.shapes.push(Shape::outline(area, 1.0, theme.line));
    }
    Some(())
}

/// Puts sums at the right, the keys left of them.
pub(super) fn totals(list: &[Field], theme: &Theme, pen: &mut Pen) -> Option<()> {
    let (em, style) = (theme.text.em, &theme.text);
    let right = pen.right - em * 0.4;
    let values: Vec<_> = list.iter().map(|f| f.value.as_str()).collect();
    let edge = right - style.widest(&values).max(theme.bold.widest(&values)) - em * 1.5;
    for field in list {
        let sum = field.key.to_lowercase();
        let strong = sum.starts_with("total") || sum.starts_with("amount");
        let style = if strong { &theme.bold } else { style };
        let baseline = pen.y + em;
        let key = Label::new(style, &field.key).at(edge, baseline, 1.0);
        if (key.area.left as f32) < pen.left {
            return None;
        }
        pen.sheet.put(key)?;
        let value = Label::new(style, &field.value).at(right, baseline, 1.0);
        pen.sheet.put(value)?;
        pen.sheet.end_line();
        pen.down(em * 1.35)?;
    }
    Some(())
}

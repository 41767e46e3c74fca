//! Title and legend.

use super::data::Chart;
use super::kind::Kind;
use super::theme::Theme;
use crate::drawn::raster::Shape;
use crate::drawn::sheet::Sheet;
use crate::drawn::text::Label;
use crate::random::Random;

/// Left, top, right, bottom of what is still free, in pixels.
pub(super) type Free = [f32; 4];

/// Puts the title at the top of the free area, in at most two lines.
pub(super) fn title(
    chart: &Chart,
    theme: &Theme,
    sheet: &mut Sheet,
    free: &mut Free,
    rng: &mut Random,
) -> Option<()> {
    let style = &theme.title;
    let align = if rng.chance(0.75) { 0.5 } else { 0.0 };
    let x = free[0] + align * (free[2] - free[0]);
    let lines = style.wrapped(&chart.title, free[2] - free[0] - 4.0);
    if lines.len() > 2 {
        return None;
    }
    for line in lines {
        sheet.line(Label::new(style, &line).at(x, free[1] + style.em * 0.8, align))?;
        free[1] += style.em * 1.25;
    }
    free[1] += style.em * 0.4;
    Some(())
}

/// Puts names with their colours to the right, at the top or at the bottom of the free area.
pub(super) fn plan(
    names: &[String],
    chart: &Chart,
    theme: &Theme,
    sheet: &mut Sheet,
    free: &mut Free,
    rng: &mut Random,
) -> Option<()> {
    let em = theme.text.em;
    let entry = |name: &String| em * 1.3 + theme.text.width(name);
    let widest = names.iter().map(entry).fold(0.0, f32::max);
    let line = em * 1.5;
    if rng.chance(0.4) {
        free[2] -= widest;
        let height = line * names.len() as f32;
        if height > free[3] - free[1] {
            return None;
        }
        let mut y = free[1] + rng.unit() * (free[3] - free[1] - height) * 0.6;
        for (i, name) in names.iter().enumerate() {
            one(name, i, chart, theme, sheet, (free[2], y + line / 2.0))?;
            sheet.end_line();
            y += line;
        }
        free[2] -= em;
        return Some(());
    }
    let column = widest + em * 1.2;
    let columns = ((free[2] - free[0] + em * 1.2) / column) as usize;
    if columns == 0 {
        return None;
    }
    let columns = columns.min(names.len());
    let rows = names.len().div_ceil(columns);
    let height = rows as f32 * line;
    let below = rng.chance(0.5);
    let top = if below { free[3] - height } else { free[1] };
    let left = (free[0] + free[2] - columns as f32 * column + em * 1.2) / 2.0;
    for (i, name) in names.iter().enumerate() {
        let x = left + (i % columns) as f32 * column;
        let y = top + (i / columns) as f32 * line + line / 2.0;
        one(name, i, chart, theme, sheet, (x, y))?;
    }
    sheet.end_line();
    if below {
        free[3] -= height + em * 0.5;
    } else {
        free[1] += height + em * 0.5;
    }
    Some(())
}

fn one(
    name: &str,
    index: usize,
    chart: &Chart,
    theme: &Theme,
    sheet: &mut Sheet,
    (x, y): (f32, f32),
) -> Option<()> {
    let em = theme.text.em;
    let rgb = chart.rgb(index, index);
    if chart.kind == Kind::Line {
        let ends = vec![(x, y), (x + em, y)];
        sheet
            .shapes
            .push(Shape::Line(ends, (em * 0.2).max(2.0), rgb));
    } else {
        let half = em * 0.4;
        let swatch = [x, y - half, x + 2.0 * half, y + half];
        sheet.shapes.push(Shape::Box(swatch, rgb));
    }
    let label = Label::new(&theme.text, name);
    sheet.put(label.at(x + em * 1.3, y + theme.text.drop(), 0.0))?;
    Some(())
}

//! Bars and lines with their values.

use super::axes::Frame;
use super::data::{Chart, Readable};
use super::theme::Theme;
use crate::drawn::area::Area;
use crate::drawn::raster::Shape;
use crate::drawn::sheet::Sheet;
use crate::drawn::text::Label;
use crate::drawn::text::readable_on;
use crate::random::Random;

/// Draws one bar for each value, side by side within a category.
pub(super) fn bars(
    chart: &Chart,
    theme: &Theme,
    sheet: &mut Sheet,
    frame: &Frame,
    rng: &mut Random,
) -> Option<()> {
    let em = theme.text.em;
    let series = chart.series.len() as f32;
    let thick = frame.slot() * rng.range(0.55, 0.85) / series;
    let outlined = rng.chance(0.2);
    let mut boxes = Vec::new();
    for (c, _) in chart.categories.iter().enumerate() {
        for (s, one) in chart.series.iter().enumerate() {
            let start = frame.middle(c) + (s as f32 - series / 2.0) * thick;
            let [l, _, _, b] = frame.plot;
            let end = frame.value(one.values[c]);
            let bar = if frame.lying {
                [l, start, end, start + thick]
            } else {
                [start, end, start + thick, b]
            };
            let rgb = chart.rgb(s, c);
            sheet.shapes.push(Shape::Box(bar, rgb));
            if outlined {
                sheet
                    .shapes
                    .push(Shape::outline(bar, 1.0, theme.text.colour));
            }
            sheet.block(covering(bar));
            boxes.push((bar, one.values[c], rgb));
        }
    }
    axis(theme, sheet, frame);
    if chart.readable != Readable::Printed {
        return Some(());
    }
    let inside = rng.chance(0.3);
    for ([l, t, r, b], value, rgb) in boxes {
        let label = Label::new(&theme.text, &chart.printed(value));
        let (x, y) = ((l + r) / 2.0, (t + b) / 2.0);
        if !inside {
            let label = if frame.lying {
                label.at(r + em * 0.4, y + theme.text.drop(), 0.0)
            } else {
                label.at(x, t - em * 0.35, 0.5)
            };
            sheet.put(label)?;
            continue;
        }
        let style = theme.text.coloured(readable_on(rgb));
        let label = Label::new(&style, &chart.printed(value)).centred(x, y);
        if !covering([l, t, r, b]).contains(label.area.grown(2, 2)) {
            return None;
        }
        sheet.put_over(label)?;
    }
    sheet.end_line();
    Some(())
}

/// Draws a line for each series.
pub(super) fn lines(
    chart: &Chart,
    theme: &Theme,
    sheet: &mut Sheet,
    frame: &Frame,
    rng: &mut Random,
) -> Option<()> {
    let em = theme.text.em;
    let width = rng.range(0.12, 0.25) * em;
    // Points on ticks are only readable with a mark.
    let dots = chart.readable == Readable::OnTicks || rng.chance(0.6);
    let radius = width.max(1.5) * rng.range(1.4, 2.2);
    axis(theme, sheet, frame);
    for (s, series) in chart.series.iter().enumerate() {
        let at = |(c, &value): (usize, &i64)| (frame.middle(c), frame.value(value));
        let points: Vec<_> = series.values.iter().enumerate().map(at).collect();
        for pair in points.windows(2) {
            let reach = (width / 2.0).max(1.0) + 1.0;
            block_segment(sheet, pair[0], pair[1], reach);
        }
        let rgb = chart.rgb(s, 0);
        if dots {
            for &(x, y) in &points {
                sheet.shapes.push(Shape::Disc((x, y), radius, rgb));
                let around = [x - radius, y - radius, x + radius, y + radius];
                sheet.block(covering(around));
            }
        }
        sheet.shapes.push(Shape::Line(points, width.max(1.5), rgb));
    }
    if chart.readable != Readable::Printed {
        return Some(());
    }
    for series in &chart.series {
        for (c, &value) in series.values.iter().enumerate() {
            let (x, y) = (frame.middle(c), frame.value(value));
            let text = chart.printed(value);
            let far = radius + em * 0.35;
            let above = Label::new(&theme.text, &text).at(x, y - far, 0.5);
            if sheet.put(above).is_none() {
                let below = y + far + theme.text.drop() * 2.0;
                if below > frame.plot[3] - 2.0 {
                    return None;
                }
                sheet.put(Label::new(&theme.text, &text).at(x, below, 0.5))?;
            }
        }
    }
    sheet.end_line();
    Some(())
}

/// The two axes themselves.
fn axis(theme: &Theme, sheet: &mut Sheet, frame: &Frame) {
    let [l, t, r, b] = frame.plot;
    let corner = if theme.frame || !frame.lying {
        vec![(l, t), (l, b), (r, b)]
    } else {
        vec![(l, t), (l, b)]
    };
    sheet
        .shapes
        .push(Shape::Line(corner, 1.0, theme.text.colour));
}

fn block_segment(sheet: &mut Sheet, a: (f32, f32), b: (f32, f32), reach: f32) {
    let length = (b.0 - a.0).hypot(b.1 - a.1);
    let steps = (length / 3.0).ceil().max(1.0);
    for i in 0..=steps as usize {
        let part = i as f32 / steps;
        let (x, y) = (a.0 + (b.0 - a.0) * part, a.1 + (b.1 - a.1) * part);
        sheet.block(covering([x - reach, y - reach, x + reach, y + reach]));
    }
}

/// The whole pixels that a rectangle touches.
fn covering([l, t, r, b]: [f32; 4]) -> Area {
    let low = |v: f32| v.floor() as i32;
    let high = |v: f32| v.ceil() as i32;
    Area::new(low(l), low(t), high(r), high(b))
}

//! Pies and rings.

use std::f32::consts::{PI, TAU};

use super::super::area::Area;
use super::super::random::Random;
use super::super::raster::Shape;
use super::super::readable_on;
use super::super::sheet::Sheet;
use super::super::text::Label;
use super::Look;
use super::data::{Chart, Readable};
use super::legend::{self, Free};

/// Puts a pie into the free area, with a legend or with names around it.
pub(super) fn plan(
    chart: &Chart,
    look: &Look,
    sheet: &mut Sheet,
    mut free: Free,
    rng: &mut Random,
) -> Option<()> {
    let em = look.text.em;
    let printed = chart.readable == Readable::Printed;
    let around = rng.chance(0.4);
    let inside = printed && !around && rng.chance(0.7);
    let names: Vec<String> = (0..chart.categories.len())
        .map(|c| match printed && !inside {
            true => format!("{} {}", chart.categories[c], share(chart, c)),
            false => chart.categories[c].into(),
        })
        .collect();
    if !around {
        legend::plan(&names, chart, look, sheet, &mut free, rng)?;
    }
    let side = if around {
        look.text.widest(&names) + em
    } else {
        0.0
    };
    let edge = if around { em * 1.8 } else { 0.0 };
    let [l, t, r, b] = free;
    let (width, height) = (r - l - 2.0 * side, b - t - 2.0 * edge);
    let radius = width.min(height) / 2.0 * rng.range(0.85, 1.0);
    if radius < sheet.width.min(sheet.height) * 0.17 {
        return None;
    }
    let (x, y) = ((l + r) / 2.0, (t + b) / 2.0);
    let hole = if rng.chance(0.3) {
        radius * rng.range(0.35, 0.55)
    } else {
        0.0
    };

    // Names stay clear of the pie: it is covered by strips of 4 pixels.
    for strip in 0..(radius / 2.0) as i32 {
        let up = 4.0 * strip as f32 - radius;
        let half = (radius * radius - up * up).max(0.0).sqrt();
        let [l, t, r] = [x - half, y + up, x + half].map(|v| v as i32);
        sheet.block(Area::new(l, t, r, t + 4));
    }

    let whole: i64 = chart.series[0].values.iter().sum();
    let mut angle = if rng.chance(0.5) {
        -PI / 2.0
    } else {
        rng.range(0.0, TAU)
    };
    let mut edges = Vec::new();
    for (c, &value) in chart.series[0].values.iter().enumerate() {
        let turn = value as f32 / whole as f32 * TAU;
        let (start, middle) = (angle, angle + turn / 2.0);
        angle += turn;
        let rgb = chart.rgb(0, c);
        let on = |radius: f32, angle: f32| (x + radius * angle.cos(), y + radius * angle.sin());
        let steps = (turn * 30.0).ceil() as usize + 1;
        let arc = (0..=steps).map(|i| on(radius, start + turn * i as f32 / steps as f32));
        let corners = std::iter::once((x, y)).chain(arc).collect();
        sheet.shapes.push(Shape::Polygon(corners, rgb));
        edges.push(on(radius, start));
        if around {
            let label = Label::new(&look.text, &names[c]);
            let (px, py) = on(radius + em * 0.9, middle);
            let align = 0.5 - 0.5 * middle.cos();
            // Upwards and downwards a name needs more distance than beside the pie.
            let py = py + middle.sin() * em * 0.4 + look.text.drop();
            sheet.line(label.at(px, py, align))?;
        }
        if inside {
            let style = look.text.coloured(readable_on(rgb));
            let label = Label::new(&style, &share(chart, c));
            let (px, py) = on(
                (radius + hole) * if hole > 0.0 { 0.5 } else { 0.64 },
                middle,
            );
            let label = label.centred(px, py);
            let room = label.area.grown(2, 2);
            let corners = [
                (room.left, room.top),
                (room.right, room.top),
                (room.left, room.bottom),
                (room.right, room.bottom),
            ];
            for (cx, cy) in corners {
                let (dx, dy) = (cx as f32 - x, cy as f32 - y);
                let off = (dy.atan2(dx) - start).rem_euclid(TAU);
                let far = dx.hypot(dy);
                if off > turn || far > radius || far < hole {
                    return None;
                }
            }
            sheet.put_over(label)?;
        }
    }
    sheet.end_line();
    for end in edges {
        let line = Shape::Line(vec![(x, y), end], 1.5, look.background);
        sheet.shapes.push(line);
    }
    if hole > 0.0 {
        sheet
            .shapes
            .push(Shape::Disc((x, y), hole, look.background));
    }
    Some(())
}

fn share(chart: &Chart, category: usize) -> String {
    chart.printed(chart.series[0].values[category])
}

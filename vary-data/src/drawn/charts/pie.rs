//! Pies and rings.

use std::f32::consts::{PI, TAU};

use super::data::{Chart, Readable};
use super::legend::{self, Free};
use super::theme::Theme;
use crate::drawn::area::Area;
use crate::drawn::raster::Shape;
use crate::drawn::sheet::Sheet;
use crate::drawn::text::{Label, readable_on};
use crate::random::Random;

/// Puts a pie into the free area, with a legend or with names around it.
pub(super) fn plan(
    chart: &Chart,
    theme: &Theme,
    sheet: &mut Sheet,
    mut free: Free,
    rng: &mut Random,
) -> Option<()> {
    let em = theme.text.em;
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
        legend::plan(&names, chart, theme, sheet, &mut free, rng)?;
    }
    let side = if around {
        theme.text.widest(&names) + em
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

    let pie = Pie {
        x,
        y,
        radius,
        hole,
        around: around.then_some(names),
        inside,
    };
    pie.block(sheet);
    let angle = if rng.chance(0.5) {
        -PI / 2.0
    } else {
        rng.range(0.0, TAU)
    };
    pie.draw(chart, theme, sheet, angle)
}

/// A pie or, with a hole, a ring; lengths in pixels.
struct Pie {
    x: f32,
    y: f32,
    radius: f32,
    hole: f32,
    /// Names to write around it.
    around: Option<Vec<String>>,
    /// Whether the shares are written on the slices.
    inside: bool,
}

impl Pie {
    /// Draws the slices clockwise from an angle on.
    fn draw(&self, chart: &Chart, theme: &Theme, sheet: &mut Sheet, mut angle: f32) -> Option<()> {
        let whole: i64 = chart.series[0].values.iter().sum();
        let mut edges = Vec::new();
        for (c, &value) in chart.series[0].values.iter().enumerate() {
            let turn = value as f32 / whole as f32 * TAU;
            let start = angle;
            angle += turn;
            let steps = (turn * 30.0).ceil() as usize + 1;
            let arc = (0..=steps).map(|i| {
                let along = turn * i as f32 / steps as f32;
                self.at(self.radius, start + along)
            });
            let corners = std::iter::once((self.x, self.y)).chain(arc).collect();
            sheet.shapes.push(Shape::Polygon(corners, chart.rgb(0, c)));
            edges.push(self.at(self.radius, start));
            if let Some(names) = &self.around {
                self.name(&names[c], start + turn / 2.0, theme, sheet)?;
            }
            if self.inside {
                self.share(chart, c, [start, turn], theme, sheet)?;
            }
        }
        sheet.end_line();
        for end in edges {
            let line = Shape::Line(vec![(self.x, self.y), end], 1.5, theme.background);
            sheet.shapes.push(line);
        }
        if self.hole > 0.0 {
            let hole = Shape::Disc((self.x, self.y), self.hole, theme.background);
            sheet.shapes.push(hole);
        }
        Some(())
    }

    /// Keeps names clear of the pie, which is covered by strips of 4 pixels.
    fn block(&self, sheet: &mut Sheet) {
        for strip in 0..(self.radius / 2.0) as i32 {
            let up = 4.0 * strip as f32 - self.radius;
            let half = (self.radius * self.radius - up * up).max(0.0).sqrt();
            let [l, t, r] = [self.x - half, self.y + up, self.x + half].map(|v| v as i32);
            sheet.block(Area::new(l, t, r, t + 4));
        }
    }

    /// The point at a distance from the centre.
    fn at(&self, radius: f32, angle: f32) -> (f32, f32) {
        (self.x + radius * angle.cos(), self.y + radius * angle.sin())
    }

    /// Writes a name beside the middle of a slice.
    fn name(&self, name: &str, middle: f32, theme: &Theme, sheet: &mut Sheet) -> Option<()> {
        let em = theme.text.em;
        let label = Label::new(&theme.text, name);
        let (x, y) = self.at(self.radius + em * 0.9, middle);
        let align = 0.5 - 0.5 * middle.cos();
        // Upwards and downwards a name needs more distance than beside the pie.
        let y = y + middle.sin() * em * 0.4 + theme.text.drop();
        sheet.line(label.at(x, y, align)).map(|_| ())
    }

    /// Writes a share on its slice, or `None` if it is wider.
    fn share(
        &self,
        chart: &Chart,
        category: usize,
        [start, turn]: [f32; 2],
        theme: &Theme,
        sheet: &mut Sheet,
    ) -> Option<()> {
        let style = theme.text.coloured(readable_on(chart.rgb(0, category)));
        let label = Label::new(&style, &share(chart, category));
        let middle = start + turn / 2.0;
        let distance = (self.radius + self.hole) * if self.hole > 0.0 { 0.5 } else { 0.64 };
        let (x, y) = self.at(distance, middle);
        let label = label.centred(x, y);
        let room = label.area.grown(2, 2);
        let corners = [
            (room.left, room.top),
            (room.right, room.top),
            (room.left, room.bottom),
            (room.right, room.bottom),
        ];
        for (x, y) in corners {
            let (dx, dy) = (x as f32 - self.x, y as f32 - self.y);
            let off = (dy.atan2(dx) - start).rem_euclid(TAU);
            let far = dx.hypot(dy);
            if off > turn || far > self.radius || far < self.hole {
                return None;
            }
        }
        sheet.put_over(label).map(|_| ())
    }
}

fn share(chart: &Chart, category: usize) -> String {
    chart.printed(chart.series[0].values[category])
}

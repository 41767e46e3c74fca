//! Axes, their ticks and labels, the grid.

use super::data::{Chart, Readable};
use super::kind::Kind;
use super::legend::Free;
use super::theme::Theme;
use crate::drawn::raster::Shape;
use crate::drawn::sheet::Sheet;
use crate::drawn::text::Label;
use crate::random::Random;

/// Where the values lie in the image.
pub(super) struct Frame {
    /// Left, top, right, bottom in pixels.
    pub plot: Free,
    /// Whether values run to the right and categories downwards.
    pub lying: bool,
    categories: usize,
    base: f32,
    top: f32,
}

impl Frame {
    /// Coordinate of a value along the axis of values.
    pub(super) fn value(&self, value: i64) -> f32 {
        let [l, t, r, b] = self.plot;
        let part = (value as f32 - self.base) / (self.top - self.base);
        if self.lying {
            l + part * (r - l)
        } else {
            b - part * (b - t)
        }
    }

    /// Distance from one category to the next.
    pub(super) fn slot(&self) -> f32 {
        let [l, t, r, b] = self.plot;
        let length = if self.lying { b - t } else { r - l };
        length / self.categories as f32
    }

    /// Coordinate of a category's middle along the axis of categories.
    pub(super) fn middle(&self, category: usize) -> f32 {
        let start = self.plot[usize::from(self.lying)];
        start + (category as f32 + 0.5) * self.slot()
    }
}

/// What the axes show.
struct Labels<'a> {
    ticks: Vec<i64>,
    /// Along the left side, from the top down or from the bottom up.
    beside: Vec<String>,
    /// Below, from left to right.
    under: Vec<String>,
    x_title: &'a Option<String>,
    y_title: &'a Option<String>,
}

impl<'a> Labels<'a> {
    fn new(chart: &'a Chart, lying: bool) -> Self {
        let ticks: Vec<_> = (0..)
            .map(|i| chart.base + i * chart.step)
            .take_while(|&v| v <= chart.top)
            .collect();
        let numbers = ticks.iter().map(|&v| chart.tick(v)).collect();
        let categories = chart.categories.iter().map(|&c| c.to_owned()).collect();
        let (values, groups) = (&chart.value_axis, &chart.category_axis);
        let (beside, under, x_title, y_title) = match lying {
            true => (categories, numbers, values, groups),
            false => (numbers, categories, groups, values),
        };
        Self {
            ticks,
            beside,
            under,
            x_title,
            y_title,
        }
    }
}

/// Puts the axes into the free area and returns what is left for values.
pub(super) fn plan(
    chart: &Chart,
    theme: &Theme,
    sheet: &mut Sheet,
    free: Free,
    rng: &mut Random,
) -> Option<Frame> {
    let labels = Labels::new(chart, chart.kind == Kind::Horizontal);
    let (frame, upright) = frame(chart, theme, sheet, free, &labels)?;
    write(&labels, theme, sheet, free, &frame, upright)?;
    if chart.readable == Readable::OnTicks || rng.chance(0.6) {
        grid(&labels.ticks, theme, sheet, &frame);
    }
    if theme.frame {
        let outline = Shape::outline(frame.plot, 1.0, theme.grid);
        sheet.shapes.push(outline);
    }
    Some(frame)
}

/// The place of the plot, and whether the labels below are turned.
fn frame(
    chart: &Chart,
    theme: &Theme,
    sheet: &Sheet,
    free: Free,
    labels: &Labels<'_>,
) -> Option<(Frame, bool)> {
    let (text, em) = (&theme.text, theme.text.em);
    let lying = chart.kind == Kind::Horizontal;
    let Labels { beside, under, .. } = labels;
    let [mut l, mut t, mut r, mut b] = free;
    l += labels.y_title.as_ref().map_or(0.0, |_| em * 1.6) + text.widest(beside).ceil() + em * 0.6;
    b -= labels.x_title.as_ref().map_or(0.0, |_| em * 1.6);
    // The outermost labels stick out of the plot by half.
    t += em * 0.5;
    let widest = text.widest(under);
    r -= if lying { widest / 2.0 } else { em * 0.3 };
    let each = if lying {
        (r - l) / (under.len() - 1) as f32
    } else {
        (r - l) / under.len() as f32
    };
    let upright = widest + em * 0.4 > each;
    if upright && (lying || widest > sheet.height * 0.28 || each < em * 1.4) {
        return None;
    }
    b -= if upright { widest + em * 0.6 } else { em * 1.4 };
    if r - l < sheet.width * 0.35 || b - t < sheet.height * 0.3 {
        return None;
    }
    let frame = Frame {
        plot: [l, t, r, b],
        lying,
        categories: chart.categories.len(),
        base: chart.base as f32,
        top: chart.top as f32,
    };
    let apart = if lying { em } else { em * 1.2 };
    let step = (frame.value(labels.ticks[1]) - frame.value(labels.ticks[0])).abs();
    if frame.slot() < apart || step < em * 1.2 {
        return None;
    }
    Some((frame, upright))
}

/// Writes titles and labels.
fn write(
    labels: &Labels<'_>,
    theme: &Theme,
    sheet: &mut Sheet,
    free: Free,
    frame: &Frame,
    upright: bool,
) -> Option<()> {
    let (text, em) = (&theme.text, theme.text.em);
    let ([l, t, r, b], lying) = (frame.plot, frame.lying);
    if let Some(title) = labels.y_title {
        let label = Label::new(text, title).turned();
        if label.area.height() as f32 > b - t + em {
            return None;
        }
        sheet.line(label.centred(free[0] + em * 0.5, (t + b) / 2.0))?;
    }
    for (i, name) in labels.beside.iter().enumerate() {
        let y = if lying {
            frame.middle(i)
        } else {
            frame.value(labels.ticks[i])
        };
        sheet.line(Label::new(text, name).at(l - em * 0.5, y + text.drop(), 1.0))?;
    }
    for (i, name) in labels.under.iter().enumerate() {
        let x = if lying {
            frame.value(labels.ticks[i])
        } else {
            frame.middle(i)
        };
        let label = Label::new(text, name);
        let label = if upright {
            let label = label.turned();
            let half = label.area.height() as f32 / 2.0;
            label.centred(x, b + em * 0.45 + half)
        } else {
            label.at(x, b + em * 1.15, 0.5)
        };
        sheet.put(label)?;
    }
    sheet.end_line();
    if let Some(title) = labels.x_title {
        let baseline = free[3] - em * 0.25;
        sheet.line(Label::new(text, title).at((l + r) / 2.0, baseline, 0.5))?;
    }
    Some(())
}

/// Lines across the plot at the ticks.
fn grid(ticks: &[i64], theme: &Theme, sheet: &mut Sheet, frame: &Frame) {
    let [l, t, r, b] = frame.plot;
    for &tick in ticks {
        let v = frame.value(tick);
        let ends = if frame.lying {
            vec![(v, t), (v, b)]
        } else {
            vec![(l, v), (r, v)]
        };
        sheet.shapes.push(Shape::Line(ends, 1.0, theme.grid));
    }
}

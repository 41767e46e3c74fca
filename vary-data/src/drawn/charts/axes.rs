//! Axes, their ticks and labels, the grid.

use super::super::random::Random;
use super::super::raster::Shape;
use super::super::sheet::Sheet;
use super::super::text::Label;
use super::data::Chart;
use super::legend::Free;
use super::{Kind, Look};

/// Where the values lie in the picture.
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

/// Puts the axes into the free area and gives what is left for values.
pub(super) fn plan(
    chart: &Chart,
    look: &Look,
    sheet: &mut Sheet,
    free: Free,
    rng: &mut Random,
) -> Option<Frame> {
    let (text, em) = (&look.text, look.text.em);
    let lying = chart.kind == Kind::Horizontal;
    let ticks: Vec<_> = (0..)
        .map(|i| chart.base + i * chart.step)
        .take_while(|&v| v <= chart.top)
        .collect();
    let numbers: Vec<_> = ticks.iter().map(|&v| chart.tick(v)).collect();
    let categories: Vec<_> = chart.categories.iter().map(|&c| c.to_owned()).collect();
    let (beside, under, x_title, y_title) = if lying {
        (
            &categories,
            &numbers,
            &chart.value_axis,
            &chart.category_axis,
        )
    } else {
        (
            &numbers,
            &categories,
            &chart.category_axis,
            &chart.value_axis,
        )
    };

    let [mut l, mut t, mut r, mut b] = free;
    l += y_title.as_ref().map_or(0.0, |_| em * 1.6) + text.widest(beside).ceil() + em * 0.6;
    b -= x_title.as_ref().map_or(0.0, |_| em * 1.6);
    // The outermost labels stick out of the plot by half.
    t += em * 0.5;
    r -= if lying {
        text.widest(under) / 2.0
    } else {
        em * 0.3
    };
    let each = if lying {
        (r - l) / (under.len() - 1) as f32
    } else {
        (r - l) / under.len() as f32
    };
    let widest = text.widest(under);
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
    if frame.slot() < apart || (frame.value(ticks[1]) - frame.value(ticks[0])).abs() < em * 1.2 {
        return None;
    }

    if let Some(title) = y_title {
        let label = Label::new(text, title).turned();
        if label.area.height() as f32 > b - t + em {
            return None;
        }
        sheet.line(label.centred(free[0] + em * 0.5, (t + b) / 2.0))?;
    }
    for (i, name) in beside.iter().enumerate() {
        let y = if lying {
            frame.middle(i)
        } else {
            frame.value(ticks[i])
        };
        sheet.line(Label::new(text, name).at(l - em * 0.5, y + text.drop(), 1.0))?;
    }
    for (i, name) in under.iter().enumerate() {
        let x = if lying {
            frame.value(ticks[i])
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
    if let Some(title) = x_title {
        let baseline = free[3] - em * 0.25;
        sheet.line(Label::new(text, title).at((l + r) / 2.0, baseline, 0.5))?;
    }

    if chart.readable == super::data::Readable::OnTicks || rng.chance(0.6) {
        for &tick in &ticks {
            let v = frame.value(tick);
            let ends = if lying {
                vec![(v, t), (v, b)]
            } else {
                vec![(l, v), (r, v)]
            };
            sheet.shapes.push(Shape::Line(ends, 1.0, look.grid));
        }
    }
    if look.frame {
        sheet
            .shapes
            .push(Shape::outline([l, t, r, b], 1.0, look.grid));
    }
    Some(frame)
}

//! The image while text is written on it.

use super::fonts::Face;
use super::map::Map;
use super::palette;
use super::written::{Written, between};
use crate::scenes::canvas::{Canvas, mix};
use crate::split::Split;

/// Side of the square that layouts count in.
pub(super) const SIDE: f32 = 192.0;
/// Least distance of text to the edge of the image.
const MARGIN: f32 = 3.0;

/// How text is written. Lengths count in sheet units, `SIDE` to an image.
#[derive(Clone, Copy)]
pub(super) struct Style<'a> {
    pub(super) face: &'a Face,
    /// Height of the letter x.
    pub(super) x_height: f32,
    /// Horizontal over vertical scale.
    pub(super) stretch: f32,
    /// What is added to each advance, in x-heights.
    pub(super) tracking: f32,
    pub(super) ink: [f32; 3],
}

impl Style<'_> {
    fn advance(&self, c: char) -> f32 {
        (self.face.advance(c) + self.tracking) * self.stretch * self.x_height
    }

    pub(super) fn width(&self, text: &str) -> f32 {
        text.chars().map(|c| self.advance(c)).sum()
    }

    /// Room to leave before and after text for ink out of its advance; what the margin of the
    /// sheet has room for does not count.
    pub(super) fn overhang(&self) -> f32 {
        (self.face.overhang * self.x_height * self.stretch - MARGIN).max(0.0)
    }

    /// Width of a text and the room about it.
    pub(super) fn span(&self, text: &str) -> f32 {
        self.width(text) + 2.0 * self.overhang()
    }

    /// Reach of ink above the base line.
    pub(super) fn top(&self) -> f32 {
        self.face.top * self.x_height
    }

    /// Reach of ink above and below the base line.
    pub(super) fn height(&self) -> f32 {
        (self.face.top + self.face.bottom) * self.x_height
    }

    /// Narrows the letters as far as `least_stretch`, then makes them smaller, so that `text` is
    /// at most `width` wide and `height` high.
    pub(super) fn fit(mut self, text: &str, [width, height]: [f32; 2], least_stretch: f32) -> Self {
        self.x_height *= (height / self.height()).min(1.0);
        let excess = (self.span(text) / width).max(1.0);
        let narrowed = (self.stretch / excess).max(least_stretch.min(self.stretch));
        let left = excess * narrowed / self.stretch;
        Self {
            stretch: narrowed,
            x_height: self.x_height / left,
            ..self
        }
    }
}

/// The image while text is written on it. Positions count in sheet units, before the tilt.
pub(super) struct Sheet<'a> {
    canvas: &'a mut Canvas,
    map: Map,
    inverse: Map,
    pub(super) split: Split,
    /// Where text may be, `x1, y1, x2, y2`.
    pub(super) area: [f32; 4],
    /// Colour of the surface.
    pub(super) paper: [f32; 3],
    /// The smallest x-height written.
    pub(super) x_height: f32,
}

impl<'a> Sheet<'a> {
    /// A sheet that is turned by the angle with the tangent `turn` and sheared by `shear`.
    pub(super) fn new(canvas: &'a mut Canvas, split: Split, [turn, shear]: [f32; 2]) -> Self {
        let map = Map::tilted(turn, shear, 0.5 * SIDE, canvas.size as f32 / SIDE);
        // A corner moves by as much as this.
        let inset = MARGIN + 0.5 * SIDE * (turn.abs() + shear.abs());
        Self {
            canvas,
            inverse: map.inverse(),
            map,
            split,
            area: [inset, inset, SIDE - inset, SIDE - inset],
            paper: [0.0; 3],
            x_height: f32::INFINITY,
        }
    }

    /// Lets `paint` cover the canvas; `colour` is what texts lie on.
    pub(super) fn cover(&mut self, colour: [f32; 3], paint: impl FnOnce(&mut Canvas)) {
        paint(self.canvas);
        self.paper = colour;
    }

    /// Writes text from `at`, the left end of its base line. Each blank is wider by `slack`.
    pub(super) fn write(&mut self, text: &str, at: [f32; 2], style: &Style, slack: f32) -> Written {
        self.x_height = self.x_height.min(style.x_height);
        let mut written = Written::default();
        let (mut x, down) = (at[0], style.x_height);
        for c in text.chars() {
            let map = self.map.shifted([x, at[1]]);
            let map = map.scaled(down * style.stretch, -down);
            let place = style.face.paint(self.canvas, c, map, style.ink);
            written.push(c, place);
            x += style.advance(c) + if c == ' ' { slack } else { 0.0 };
        }
        for i in 1..written.places.len().max(1) - 1 {
            if let [Some(left), None, Some(right)] = written.places[i - 1..=i + 1] {
                written.places[i] = Some(between(left, right));
            }
        }
        written
    }

    /// Paints a box with round corners, or only its outline `pen` wide.
    pub(super) fn plate(
        &mut self,
        bbox: [f32; 4],
        radius: f32,
        colour: [f32; 3],
        pen: Option<f32>,
    ) {
        let [x1, y1, x2, y2] = bbox;
        let centre = [(x1 + x2) / 2.0, (y1 + y2) / 2.0];
        let half = [(x2 - x1) / 2.0, (y2 - y1) / 2.0];
        let radius = radius.min(half[0]).min(half[1]);
        let size = self.canvas.size;
        let span = |low: f32, high: f32| {
            let end = (high.max(0.0).ceil() as usize + 1).min(size);
            ((low - 1.0).max(0.0) as usize).min(end)..end
        };
        let [left, top, right, bottom] = self.map.box_about(bbox);
        let unit = size as f32 / SIDE;
        for y in span(top, bottom) {
            for x in span(left, right) {
                let [u, v] = self.inverse.apply([x as f32 + 0.5, y as f32 + 0.5]);
                let across = (u - centre[0]).abs() - half[0] + radius;
                let down = (v - centre[1]).abs() - half[1] + radius;
                let (a, b) = (across.max(0.0), down.max(0.0));
                let outside = (a * a + b * b).sqrt() + across.max(down).min(0.0) - radius;
                let outside = pen.map_or(outside, |pen| outside.max(-pen - outside));
                let share = (0.5 - outside * unit).clamp(0.0, 1.0);
                let pixel = &mut self.canvas.pixels[y * size + x];
                *pixel = mix(*pixel, colour, share);
            }
        }
    }

    /// Paints a line across from `x1` to `x2`, about 1 unit wide.
    pub(super) fn rule(&mut self, x1: f32, x2: f32, y: f32, colour: [f32; 3]) {
        self.plate([x1, y - 0.5, x2, y + 0.5], 0.0, colour, None);
    }

    /// A faint colour for lines on the paper.
    pub(super) fn faint(&self, ink: [f32; 3]) -> [f32; 3] {
        mix(self.paper, ink, 0.6)
    }

    /// Luma of the paper.
    pub(super) fn luma(&self) -> f32 {
        palette::luma(self.paper)
    }
}

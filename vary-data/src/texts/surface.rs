//! What texts are written on.

use super::palette;
use crate::random::Random;
use crate::scenes::background;
use crate::scenes::canvas::{Canvas, mix};
use crate::split::Split;

/// How a surface is structured.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Surface {
    /// Nothing but its colour.
    Plain,
    /// From a little lighter to a little darker, in any direction.
    Gradient,
    /// Lighter and darker patches.
    Patches,
    /// With horizontal lines.
    Ruled,
    /// With broad lines in any direction.
    Stripes,
    /// With circles about a point.
    Rings,
    /// With stains.
    Stained,
    /// With squares.
    Grid,
    /// With dots on a lattice.
    Dots,
    /// Two panels, each with a gradient of its own.
    Panels,
    /// Sheets folded and flattened again.
    Folded,
}

impl Surface {
    /// The surfaces of a split; the others have none of them. Repeats count as weights.
    pub(super) fn of(split: Split) -> &'static [Self] {
        match split {
            Split::Train | Split::Validation => &[
                Self::Plain,
                Self::Plain,
                Self::Plain,
                Self::Gradient,
                Self::Gradient,
                Self::Patches,
                Self::Ruled,
                Self::Stripes,
                Self::Rings,
                Self::Stained,
            ],
            Split::Test => &[Self::Grid, Self::Dots, Self::Panels, Self::Folded],
        }
    }

    /// Covers the canvas; nowhere is its luma more than 0.1 from that of `colour`, which is the
    /// margin that inks leave.
    fn paint(self, canvas: &mut Canvas, colour: [f32; 3], rng: &mut Random) {
        let [dx, dy] = rng.direction();
        let size = canvas.size as f32;
        let unit = size / 192.0;
        let shade = mix(
            colour,
            if palette::luma(colour) > 0.5 {
                [0.0; 3]
            } else {
                [1.0; 3]
            },
            0.09,
        );
        let (pitch, phase) = (unit * rng.range(9.0, 22.0), rng.unit());
        // Depth in a repeated pattern of lines, `half` their width.
        let lines = |at: f32, half: f32| {
            let t = at / pitch + phase;
            let from_line = ((t - t.floor()) - 0.5).abs() * pitch;
            (half + 0.5 - from_line).clamp(0.0, 1.0)
        };
        let line = |at: f32| lines(at, 0.5 * unit);
        let broad = |at: f32| lines(at, 0.25 * pitch);
        let slope =
            |x: f32, y: f32| 0.5 + ((x - 0.5 * size) * dx + (y - 0.5 * size) * dy) / (1.5 * size);
        match self {
            Self::Plain => canvas.fill(|_, _| colour),
            Self::Gradient => canvas.fill(|x, y| mix(colour, shade, slope(x, y))),
            Self::Patches => patches(canvas, colour, shade, rng),
            Self::Ruled => canvas.fill(|_, y| mix(colour, shade, line(y))),
            Self::Stripes => {
                canvas.fill(|x, y| mix(colour, shade, broad(x * dx + y * dy)));
            }
            Self::Rings => {
                let centre = [size * rng.unit(), size * rng.unit()];
                canvas.fill(|x, y| {
                    let (x, y) = (x - centre[0], y - centre[1]);
                    mix(colour, shade, broad((x * x + y * y).sqrt()))
                });
            }
            Self::Stained => stains(canvas, colour, shade, rng),
            Self::Grid => canvas.fill(|x, y| mix(colour, shade, line(x).max(line(y)))),
            Self::Dots => canvas.fill(|x, y| mix(colour, shade, line(x) * line(y))),
            Self::Panels => {
                let edge = rng.range(0.3, 0.7);
                canvas.fill(|x, y| {
                    let t = slope(x, y);
                    mix(colour, shade, if t < edge { t } else { 1.3 - t })
                });
            }
            Self::Folded => {
                let (across, down) = (size * rng.range(0.3, 0.7), size * rng.range(0.3, 0.7));
                canvas.fill(|x, y| {
                    let crease =
                        (1.0 - (x - across).abs().min((y - down).abs()) / (2.0 * unit)).max(0.0);
                    let side = if (x < across) == (y < down) { 0.4 } else { 0.0 };
                    mix(colour, shade, side + 0.6 * crease)
                });
            }
        }
    }
}

/// Four large lighter or darker patches.
fn patches(canvas: &mut Canvas, colour: [f32; 3], shade: [f32; 3], rng: &mut Random) {
    let size = canvas.size as f32;
    canvas.fill(|_, _| colour);
    for _ in 0..4 {
        let reach = size * rng.range(0.2, 0.5);
        let centre = [size * rng.unit(), size * rng.unit()];
        canvas.stamp(centre, reach, shade, |x, y| {
            0.3 * (1.0 - (x * x + y * y) / (reach * reach)).max(0.0)
        });
    }
}

/// Many small stains.
fn stains(canvas: &mut Canvas, colour: [f32; 3], shade: [f32; 3], rng: &mut Random) {
    let size = canvas.size as f32;
    let unit = size / 192.0;
    canvas.fill(|_, _| colour);
    for _ in 0..24 {
        let reach = unit * rng.range(1.0, 9.0);
        let centre = [size * rng.unit(), size * rng.unit()];
        canvas.stamp(centre, reach, shade, |x, y| {
            let inside = reach - (x * x + y * y).sqrt();
            0.5 * inside.clamp(0.0, 1.0)
        });
    }
}

/// Covers the canvas with a surface in `colour`.
pub(super) fn cover(canvas: &mut Canvas, colour: [f32; 3], split: Split, rng: &mut Random) {
    let surfaces = Surface::of(split);
    surfaces[rng.below(surfaces.len())].paint(canvas, colour, rng);
}

/// Covers the canvas with what may be behind a sign.
pub(super) fn scenery(canvas: &mut Canvas, split: Split, rng: &mut Random) {
    background::paint(canvas, split, 0.0, rng);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn splits_share_no_surface() {
        let test = Surface::of(Split::Test);
        assert!(Surface::of(Split::Train).iter().all(|s| !test.contains(s)));
    }

    #[test]
    fn surfaces_stay_near_their_colour() {
        for split in [Split::Train, Split::Test] {
            for surface in Surface::of(split) {
                for colour in [[0.9, 0.95, 0.8], [0.1, 0.05, 0.2], [0.6, 0.3, 0.5]] {
                    let mut canvas = Canvas::new(64);
                    surface.paint(
                        &mut canvas,
                        colour,
                        &mut Random::new(crate::random::SCENES, 4, 2),
                    );
                    let luma = palette::luma(colour);
                    for pixel in &canvas.pixels {
                        assert!((palette::luma(*pixel) - luma).abs() < 0.1, "{surface:?}");
                    }
                }
            }
        }
    }
}

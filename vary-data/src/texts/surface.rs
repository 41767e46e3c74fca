//! What texts are written on.

use super::palette;
use crate::part::Part;
use crate::scenes::background;
use crate::scenes::canvas::{Canvas, mix};
use crate::scenes::random::Random;

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
    /// The surfaces of a part; the other part has none of them. Repeats count as weights.
    pub(super) fn of(part: Part) -> &'static [Self] {
        match part {
            Part::Train => &[
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
            Part::HeldOut => &[Self::Grid, Self::Dots, Self::Panels, Self::Folded],
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
            Self::Patches => {
                canvas.fill(|_, _| colour);
                for _ in 0..4 {
                    let reach = size * rng.range(0.2, 0.5);
                    let centre = [size * rng.unit(), size * rng.unit()];
                    canvas.stamp(centre, reach, shade, |x, y| {
                        0.3 * (1.0 - (x * x + y * y) / (reach * reach)).max(0.0)
                    });
                }
            }
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
            Self::Stained => {
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

/// Covers the canvas with a surface in `colour`.
pub(super) fn cover(canvas: &mut Canvas, colour: [f32; 3], part: Part, rng: &mut Random) {
    let surfaces = Surface::of(part);
    surfaces[rng.below(surfaces.len())].paint(canvas, colour, rng);
}

/// Covers the canvas with what may be behind a sign.
pub(super) fn scenery(canvas: &mut Canvas, part: Part, rng: &mut Random) {
    background::paint(canvas, part, 0.0, rng);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_share_no_surface() {
        let held_out = Surface::of(Part::HeldOut);
        assert!(
            Surface::of(Part::Train)
                .iter()
                .all(|s| !held_out.contains(s))
        );
    }

    #[test]
    fn surfaces_stay_near_their_colour() {
        for part in [Part::Train, Part::HeldOut] {
            for surface in Surface::of(part) {
                for colour in [[0.9, 0.95, 0.8], [0.1, 0.05, 0.2], [0.6, 0.3, 0.5]] {
                    let mut canvas = Canvas::new(64);
                    surface.paint(&mut canvas, colour, &mut Random::new(4, 2));
                    let luma = palette::luma(colour);
                    for pixel in &canvas.pixels {
                        assert!((palette::luma(*pixel) - luma).abs() < 0.1, "{surface:?}");
                    }
                }
            }
        }
    }
}

//! Colours that objects are given.
//!
//! Hue is in degrees, saturation and value are in `0..=1`, all by piecewise linear formulas, which
//! round to the same values on every machine.

use image::RgbaImage;
use serde::{Deserialize, Serialize};

/// Hues this near to that of the body change wholly, in degrees.
const NEAR: f32 = 40.0;
/// Hues this far from that of the body stay, in degrees.
const FAR: f32 = 55.0;

/// What a person would call the colour of an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Colour {
    /// Hue about 0 degrees.
    Red,
    /// Hue about 27 degrees.
    Orange,
    /// Hue about 53 degrees.
    Yellow,
    /// Hue about 128 degrees.
    Green,
    /// Hue about 217 degrees.
    Blue,
    /// Hue about 275 degrees.
    Purple,
    /// Hue about 332 degrees, pale.
    Pink,
}

impl Colour {
    /// All colours.
    pub const ALL: [Self; 7] = [
        Self::Red,
        Self::Orange,
        Self::Yellow,
        Self::Green,
        Self::Blue,
        Self::Purple,
        Self::Pink,
    ];

    /// The English word, lower case.
    pub fn name(self) -> &'static str {
        match self {
            Self::Red => "red",
            Self::Orange => "orange",
            Self::Yellow => "yellow",
            Self::Green => "green",
            Self::Blue => "blue",
            Self::Purple => "purple",
            Self::Pink => "pink",
        }
    }

    /// Hue, saturation and value of a body of this colour. Orange and yellow must be light, else
    /// they look brown and olive.
    fn hsv(self) -> [f32; 3] {
        match self {
            Self::Red => [0.0, 0.88, 0.86],
            Self::Orange => [27.0, 0.9, 0.98],
            Self::Yellow => [53.0, 0.82, 0.98],
            Self::Green => [128.0, 0.72, 0.68],
            Self::Blue => [217.0, 0.82, 0.86],
            Self::Purple => [275.0, 0.7, 0.7],
            Self::Pink => [332.0, 0.46, 0.98],
        }
    }
}

/// The colour that most of a sprite has.
#[derive(Debug, Clone, Copy)]
pub(super) struct Body {
    hue: f32,
    saturation: f32,
    value: f32,
}

impl Body {
    /// The body of a sprite; none if no pixel is coloured.
    pub(super) fn of(sprite: &RgbaImage) -> Option<Self> {
        const BINS: usize = 36;
        let coloured: Vec<[f32; 3]> = sprite
            .pixels()
            .filter(|p| p[3] > 127)
            .map(|p| hsv([p[0], p[1], p[2]].map(|c| f32::from(c) / 255.0)))
            .filter(|[_, saturation, value]| *saturation > 0.2 && *value > 0.15)
            .collect();
        let mut bins = [0.0; BINS];
        for [hue, saturation, _] in &coloured {
            bins[(hue / 10.0) as usize % BINS] += saturation;
        }
        let weight = |i: usize| bins[(i + BINS - 1) % BINS] + bins[i] + bins[(i + 1) % BINS];
        let peak = (0..BINS).max_by(|&a, &b| weight(a).total_cmp(&weight(b)))?;
        let peak = 10.0 * peak as f32 + 5.0;
        let (mut count, mut sums) = (0.0, [0.0; 3]);
        for &[hue, saturation, value] in &coloured {
            let turn = difference(hue, peak);
            if turn.abs() <= 15.0 {
                count += 1.0;
                for (sum, term) in sums.iter_mut().zip([turn, saturation, value]) {
                    *sum += term;
                }
            }
        }
        let [turn, saturation, value] = sums.map(|sum| sum / count);
        (count > 0.0).then_some(Self {
            hue: peak + turn,
            saturation,
            value,
        })
    }

    /// Moves a premultiplied pixel of the body to `colour`; grey ones and other hues stay.
    pub(super) fn recolour(&self, colour: Colour, [r, g, b, a]: [f32; 4]) -> [f32; 4] {
        if a <= 0.0 {
            return [r, g, b, a];
        }
        let [hue, saturation, value] = hsv([r, g, b]);
        let near = (FAR - difference(hue, self.hue).abs()) / (FAR - NEAR);
        let share = near.clamp(0.0, 1.0) * ((saturation - 0.1) / 0.1).clamp(0.0, 1.0);
        let [to_hue, to_saturation, to_value] = colour.hsv();
        let new = rgb([
            to_hue,
            (saturation * to_saturation / self.saturation).min(1.0),
            (value * to_value / self.value).min(a),
        ]);
        let [r, g, b] = super::canvas::mix([r, g, b], new, share);
        [r, g, b, a]
    }
}

/// `a` minus `b` on the circle of hues, `-180..=180` degrees.
fn difference(a: f32, b: f32) -> f32 {
    let turns = (a - b) / 360.0;
    360.0 * (turns - (turns + 0.5).floor())
}

/// Hue in `0..360`, saturation and value.
fn hsv([r, g, b]: [f32; 3]) -> [f32; 3] {
    let value = r.max(g).max(b);
    let span = value - r.min(g).min(b);
    if span <= 0.0 {
        return [0.0, 0.0, value];
    }
    let sixths = if value == r {
        (g - b) / span
    } else if value == g {
        2.0 + (b - r) / span
    } else {
        4.0 + (r - g) / span
    };
    let hue = 60.0 * sixths;
    [
        if hue < 0.0 { hue + 360.0 } else { hue },
        span / value,
        value,
    ]
}

/// Red, green and blue of hue, saturation and value.
fn rgb([hue, saturation, value]: [f32; 3]) -> [f32; 3] {
    [0.0, 240.0, 120.0].map(|turn| {
        let from_peak = difference(hue + turn, 0.0).abs() / 60.0;
        value * (1.0 - saturation * (from_peak - 1.0).clamp(0.0, 1.0))
    })
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::super::Atlas;
    use super::*;

    #[test]
    fn hsv_and_back() {
        for r in 0..6 {
            for g in 0..6 {
                for b in 0..6 {
                    let colour = [r, g, b].map(|c| c as f32 / 5.0);
                    let again = rgb(hsv(colour));
                    for c in 0..3 {
                        assert!((colour[c] - again[c]).abs() < 1e-5, "{colour:?} {again:?}");
                    }
                }
            }
        }
    }

    /// The mean of what changed has a hue that goes by the name, and enough has changed.
    #[test]
    fn recoloured_sprites_look_so() {
        let atlas = Atlas::embedded().unwrap();
        for class in 0..atlas.names().len() {
            for (variant, sprite) in atlas.sprites(class).iter().enumerate() {
                let Some(body) = atlas.body(class, variant) else {
                    continue;
                };
                for colour in Colour::ALL {
                    let label = format!("{} {variant} {}", atlas.names()[class], colour.name());
                    let (mut solid, mut changed, mut sums) = (0, 0, [0.0; 3]);
                    for pixel in sprite.pixels().filter(|p| p[3] == 255) {
                        let old = pixel.0.map(|c| f32::from(c) / 255.0);
                        solid += 1;
                        let [hue, saturation, _] = hsv([old[0], old[1], old[2]]);
                        if difference(hue, body.hue).abs() > NEAR || saturation < 0.2 {
                            continue;
                        }
                        changed += 1;
                        let new = body.recolour(colour, old);
                        for c in 0..3 {
                            sums[c] += new[c];
                        }
                    }
                    assert!(changed * 5 > solid, "{label}: {changed} of {solid}");
                    let [hue, saturation, value] = hsv(sums.map(|s| s / changed as f32));
                    let (low, high) = match colour {
                        Colour::Red => (-10.0, 10.0),
                        Colour::Orange => (20.0, 38.0),
                        Colour::Yellow => (45.0, 62.0),
                        Colour::Green => (90.0, 160.0),
                        Colour::Blue => (200.0, 245.0),
                        Colour::Purple => (260.0, 295.0),
                        Colour::Pink => (320.0, 345.0),
                    };
                    let half = (high - low) / 2.0;
                    let off = difference(hue, low + half).abs();
                    assert!(off <= half, "{label}: hue {hue}");
                    assert!(saturation > 0.3, "{label}: saturation {saturation}");
                    assert!(value > 0.45, "{label}: value {value}");
                }
            }
        }
    }

    #[test]
    fn grey_stays() {
        let body = Body {
            hue: 10.0,
            saturation: 0.5,
            value: 0.5,
        };
        for grey in [0.0, 0.3, 0.9] {
            let pixel = [grey, grey, grey, 1.0];
            assert_eq!(body.recolour(Colour::Blue, pixel), pixel);
        }
        assert_eq!(body.recolour(Colour::Blue, [0.0; 4]), [0.0; 4]);
    }
}

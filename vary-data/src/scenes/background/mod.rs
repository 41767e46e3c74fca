//! What is behind the objects.

mod clutter;
mod noise;
mod outdoor;
mod plain;
mod surface;
mod test;
mod tint;

use super::canvas::Canvas;
use crate::random::Random;
use crate::split::Split;

/// A kind of background.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Flat,
    Linear,
    Radial,
    Stripes,
    Checks,
    Blobs,
    Clouds,
    Landscape,
    Street,
    Grass,
    Water,
    Room,
    Wood,
    Bokeh,
    Fabric,
    Bricks,
    Mosaic,
    Sunset,
    Marble,
    Hexagons,
}

/// Kinds of training and validation.
const TRAIN: [Kind; 15] = [
    Kind::Flat,
    Kind::Linear,
    Kind::Radial,
    Kind::Stripes,
    Kind::Checks,
    Kind::Blobs,
    Kind::Clouds,
    Kind::Landscape,
    Kind::Street,
    Kind::Grass,
    Kind::Water,
    Kind::Room,
    Kind::Wood,
    Kind::Bokeh,
    Kind::Fabric,
];

/// Kinds of the test split.
const TEST: [Kind; 5] = [
    Kind::Bricks,
    Kind::Mosaic,
    Kind::Sunset,
    Kind::Marble,
    Kind::Hexagons,
];

/// Covers the canvas with a random background of the split, random shapes that are no objects, and
/// with the probability `clutter` many small ones.
pub(crate) fn paint(canvas: &mut Canvas, split: Split, clutter: f32, rng: &mut Random) {
    let kinds = kinds(split);
    let kind = kinds[rng.below(kinds.len())];
    kind.paint(canvas, rng);
    clutter::paint(canvas, clutter, rng);
}

fn kinds(split: Split) -> &'static [Kind] {
    match split {
        Split::Train | Split::Validation => &TRAIN,
        Split::Test => &TEST,
    }
}

impl Kind {
    fn paint(self, canvas: &mut Canvas, rng: &mut Random) {
        let (a, b) = (rng.colour(), rng.colour());
        match self {
            Self::Flat => canvas.fill(|_, _| a),
            Self::Linear => plain::linear(canvas, rng, a, b),
            Self::Radial => plain::radial(canvas, rng, a, b),
            Self::Stripes => plain::stripes(canvas, rng, a, b),
            Self::Checks => plain::checks(canvas, rng, a, b),
            Self::Blobs => plain::blobs(canvas, rng, a),
            Self::Clouds => plain::clouds(canvas, rng, a, b),
            Self::Landscape => outdoor::landscape(canvas, rng),
            Self::Street => outdoor::street(canvas, rng),
            Self::Grass => outdoor::grass(canvas, rng),
            Self::Water => outdoor::water(canvas, rng),
            Self::Room => surface::room(canvas, rng, a, b),
            Self::Wood => surface::wood(canvas, rng),
            Self::Bokeh => surface::bokeh(canvas, rng, a),
            Self::Fabric => surface::fabric(canvas, rng, a, b),
            Self::Bricks => test::bricks(canvas, rng),
            Self::Mosaic => test::mosaic(canvas, rng),
            Self::Sunset => test::sunset(canvas, rng),
            Self::Marble => test::marble(canvas, rng, a),
            Self::Hexagons => test::hexagons(canvas, rng, a, b),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn splits_share_no_kind() {
        assert!(TRAIN.iter().all(|kind| !TEST.contains(kind)));
        assert_eq!(kinds(Split::Train), TRAIN);
        assert_eq!(kinds(Split::Test), TEST);
    }

    /// Every kind covers the whole canvas with colours in range, whatever its size.
    #[test]
    fn every_kind_paints() {
        for kind in TRAIN.into_iter().chain(TEST) {
            for (size, seed) in [(16, 1), (61, 2), (192, 3), (192, 4)] {
                let mut canvas = Canvas::new(size);
                canvas.fill(|_, _| [-1000.0; 3]);
                kind.paint(
                    &mut canvas,
                    &mut Random::new(crate::random::SCENES, seed, 5),
                );
                let good = |c: &f32| (-0.001..=1.001).contains(c);
                let all = canvas.pixels.iter().flatten().all(good);
                assert!(all, "{kind:?} at {size}");
            }
        }
    }
}

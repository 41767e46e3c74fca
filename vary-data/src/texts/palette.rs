//! Colours of papers, plates and inks.

use crate::random::Random;
use crate::split::Split;

/// Ranges of the hue circle (`0..1`, red at 0) of the test split alone: teal and violet.
const TEST_HUES: [[f32; 2]; 2] = [[0.42, 0.52], [0.75, 0.88]];
/// No colour's hue is this close to the edge of a range.
const GUARD: f32 = 0.01;
/// Least difference of luma between an ink and its ground when they are chosen.
const CONTRAST: f32 = 0.5;

/// Brightness of a colour to the eye, `0..=1`.
pub(super) fn luma([r, g, b]: [f32; 3]) -> f32 {
    0.299 * r + 0.587 * g + 0.114 * b
}

/// Colour with a luma; `chroma` in `0..=1` is the share of the strongest tint that the luma
/// allows. Colours of the test split are always tinted.
pub(super) fn tone(split: Split, luma_wanted: f32, chroma: f32, rng: &mut Random) -> [f32; 3] {
    let pure = pure(hue(split, rng));
    let offset = pure.map(|c| c - luma(pure));
    let room = offset.iter().fold(f32::INFINITY, |room, o| {
        let to_edge = if *o > 0.0 {
            1.0 - luma_wanted
        } else {
            luma_wanted
        };
        room.min(to_edge / o.abs().max(1e-6))
    });
    let least = if split == Split::Test { 0.3 } else { 0.0 };
    offset.map(|o| luma_wanted + chroma.max(least) * room * o)
}

/// Colour to read on a ground with the luma `ground`.
pub(super) fn ink(split: Split, ground: f32, rng: &mut Random) -> [f32; 3] {
    let dark = ground - CONTRAST;
    let light = 1.0 - ground - CONTRAST;
    let use_dark = if dark.min(light) > 0.0 {
        rng.chance(0.5)
    } else {
        dark > light
    };
    // Most inks are near black or near white.
    let rest = rng.unit() * rng.unit() * dark.max(light).max(0.0);
    let luma = if use_dark { rest } else { 1.0 - rest };
    let chroma = if rng.chance(0.5) { 0.0 } else { rng.unit() };
    tone(split, luma, chroma, rng)
}

/// A light ground, as of paper.
pub(super) fn light(split: Split, rng: &mut Random) -> [f32; 3] {
    let (luma, chroma) = (rng.range(0.8, 0.99), rng.unit());
    tone(split, luma, chroma * chroma, rng)
}

/// A dark ground, as of a blackboard.
pub(super) fn dark(split: Split, rng: &mut Random) -> [f32; 3] {
    let (luma, chroma) = (rng.range(0.04, 0.28), rng.unit());
    tone(split, luma, chroma, rng)
}

/// A strongly coloured ground, as of a sign.
pub(super) fn vivid(split: Split, rng: &mut Random) -> [f32; 3] {
    let (luma, chroma) = (rng.range(0.12, 0.85), rng.range(0.5, 1.0));
    tone(split, luma, chroma, rng)
}

/// Any ground, light more often than not.
pub(super) fn ground(split: Split, rng: &mut Random) -> [f32; 3] {
    match rng.below(20) {
        0..13 => light(split, rng),
        13..18 => dark(split, rng),
        _ => vivid(split, rng),
    }
}

fn hue(split: Split, rng: &mut Random) -> f32 {
    let ranges = TEST_HUES;
    match split {
        Split::Test => {
            let [low, high] = ranges[rng.below(ranges.len())];
            rng.range(low + GUARD, high - GUARD)
        }
        Split::Train | Split::Validation => loop {
            let hue = rng.unit();
            let clear = |[low, high]: &[f32; 2]| !(low - GUARD..high + GUARD).contains(&hue);
            if ranges.iter().all(clear) {
                return hue;
            }
        },
    }
}

/// The strongest colour of a hue.
fn pure(hue: f32) -> [f32; 3] {
    [0.0, 2.0, 1.0].map(|third: f32| {
        let turn = hue + third / 3.0;
        let ramp = ((turn - turn.floor()) * 6.0 - 3.0).abs() - 1.0;
        ramp.clamp(0.0, 1.0)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Hue, if the colour has one.
    fn hue_of(colour: [f32; 3]) -> Option<f32> {
        let [r, g, b] = colour;
        let (high, low) = (r.max(g).max(b), r.min(g).min(b));
        let spread = high - low;
        let sector = match high {
            h if h == r => (g - b) / spread,
            h if h == g => 2.0 + (b - r) / spread,
            _ => 4.0 + (r - g) / spread,
        };
        (spread > 1e-3).then(|| (sector / 6.0).rem_euclid(1.0))
    }

    #[test]
    fn splits_share_no_hue() {
        let mut rng = Random::new(crate::random::SCENES, 1, 1);
        let makers = [light, dark, vivid, ground, |p, r: &mut Random| {
            ink(p, 0.9, r)
        }];
        for maker in makers {
            for _ in 0..500 {
                let test = |hue: f32| TEST_HUES.iter().any(|[a, b]| (a..b).contains(&&hue));
                if let Some(hue) = hue_of(maker(Split::Train, &mut rng)) {
                    assert!(!test(hue), "{hue}");
                }
                if let Some(hue) = hue_of(maker(Split::Test, &mut rng)) {
                    assert!(test(hue), "{hue}");
                }
            }
        }
    }

    #[test]
    fn inks_stand_out() {
        let mut rng = Random::new(crate::random::SCENES, 1, 2);
        for _ in 0..2000 {
            let ground = ground(Split::Train, &mut rng);
            let ink = ink(Split::Train, luma(ground), &mut rng);
            assert!(
                ground
                    .iter()
                    .chain(&ink)
                    .all(|c| (-1e-4..=1.0001).contains(c))
            );
            assert!((luma(ink) - luma(ground)).abs() > 0.49);
        }
    }
}

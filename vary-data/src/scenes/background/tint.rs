//! Variants of a colour.

use crate::random::Random;

/// `colour` times `gain`, white at most.
pub(super) fn shade(colour: [f32; 3], gain: f32) -> [f32; 3] {
    colour.map(|c| (c * gain).min(1.0))
}

/// `colour` with each channel up to `reach` lighter or darker.
pub(super) fn near(colour: [f32; 3], reach: f32, rng: &mut Random) -> [f32; 3] {
    colour.map(|c| (c + rng.around(reach)).clamp(0.0, 1.0))
}

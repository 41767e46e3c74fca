//! Random numbers of a scene.

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

/// Random numbers that depend on nothing but the seed and the index.
///
/// Only exactly rounded operations follow the generator (no `sin`, no `ln`), so every machine
/// draws the same scene.
pub(crate) struct Random(ChaCha8Rng);

impl Random {
    pub(crate) fn new(seed: u64, index: u64) -> Self {
        let mut key = *b"................vary-scenes-v2..";
        key[..8].copy_from_slice(&seed.to_le_bytes());
        key[8..16].copy_from_slice(&index.to_le_bytes());
        Self(ChaCha8Rng::from_seed(key))
    }

    /// Any 64 bits.
    pub(crate) fn bits(&mut self) -> u64 {
        self.0.next_u64()
    }

    /// Uniform in `0..1`.
    pub(crate) fn unit(&mut self) -> f32 {
        (self.0.next_u32() >> 8) as f32 / (1 << 24) as f32
    }

    /// Uniform in `low..high`.
    pub(crate) fn range(&mut self, low: f32, high: f32) -> f32 {
        low + (high - low) * self.unit()
    }

    /// Uniform in `-reach..reach`.
    pub(crate) fn around(&mut self, reach: f32) -> f32 {
        self.range(-reach, reach)
    }

    /// Uniform in `0..count`; 0 if `count` is 0.
    pub(crate) fn below(&mut self, count: usize) -> usize {
        ((u64::from(self.0.next_u32()) * count as u64) >> 32) as usize
    }

    /// True with a probability.
    pub(crate) fn chance(&mut self, probability: f32) -> bool {
        self.unit() < probability
    }

    /// A unit vector.
    pub(crate) fn direction(&mut self) -> [f32; 2] {
        loop {
            let (x, y) = (self.around(1.0), self.around(1.0));
            let square = x * x + y * y;
            if (0.01..=1.0).contains(&square) {
                let length = square.sqrt();
                return [x / length, y / length];
            }
        }
    }

    /// RGB in `0..1`; every other one is muted.
    pub(crate) fn colour(&mut self) -> [f32; 3] {
        let colour = [self.unit(), self.unit(), self.unit()];
        if self.chance(0.5) {
            return colour;
        }
        let grey = self.unit();
        colour.map(|c| grey + 0.25 * (c - grey))
    }
}

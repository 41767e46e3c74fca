//! Random numbers of drawn images.

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

/// Domain of scenes and texts. Streams of different domains have nothing in common.
#[cfg(feature = "scenes")]
pub(crate) const SCENES: &[u8; 16] = b"vary-scenes-v2..";
/// Domain of charts.
#[cfg(feature = "charts")]
pub(crate) const CHARTS: &[u8; 16] = b"charts..drawn-v1";
/// Domain of forms.
#[cfg(feature = "charts")]
pub(crate) const FORMS: &[u8; 16] = b"forms...drawn-v1";

/// Random numbers that depend on nothing but the domain, the seed and the index.
///
/// Only exactly rounded operations follow the generator (no `sin`, no `ln`), so every machine
/// draws the same numbers.
pub(crate) struct Random(ChaCha8Rng);

impl Random {
    /// Stream number `index` of the seed `seed` in a domain.
    pub(crate) fn new(domain: &[u8; 16], seed: u64, index: u64) -> Self {
        let mut key = [0; 32];
        key[..8].copy_from_slice(&seed.to_le_bytes());
        key[8..16].copy_from_slice(&index.to_le_bytes());
        key[16..].copy_from_slice(domain);
        Self(ChaCha8Rng::from_seed(key))
    }

    /// Uniform in `0..1`.
    pub(crate) fn unit(&mut self) -> f32 {
        (self.0.next_u32() >> 8) as f32 / (1 << 24) as f32
    }

    /// Uniform in `low..high`.
    pub(crate) fn range(&mut self, low: f32, high: f32) -> f32 {
        low + (high - low) * self.unit()
    }

    /// Uniform in `0..count`; 0 if `count` is 0.
    pub(crate) fn below(&mut self, count: usize) -> usize {
        ((u64::from(self.0.next_u32()) * count as u64) >> 32) as usize
    }

    /// True with a probability.
    pub(crate) fn chance(&mut self, probability: f32) -> bool {
        self.unit() < probability
    }

    /// One of a list, which must not be empty.
    #[cfg(any(feature = "charts", feature = "texts"))]
    pub(crate) fn pick<'a, T: ?Sized>(&mut self, list: &[&'a T]) -> &'a T {
        list[self.below(list.len())]
    }
}

/// What charts and forms need besides.
#[cfg(feature = "charts")]
impl Random {
    /// Uniform in `low..=high`; `low` if `high` is less.
    pub(crate) fn whole(&mut self, low: i64, high: i64) -> i64 {
        low + self.below((high - low + 1).max(0) as usize) as i64
    }

    /// `count` different elements of a list in random order, or all.
    pub(crate) fn some<T: Clone>(&mut self, list: &[T], count: usize) -> Vec<T> {
        let mut list = list.to_vec();
        for i in (1..list.len()).rev() {
            let other = self.below(i + 1);
            list.swap(i, other);
        }
        list.truncate(count);
        list
    }

    /// As many bytes as fit.
    pub(crate) fn fill(&mut self, bytes: &mut [u8]) {
        self.0.fill_bytes(bytes);
    }
}

/// What scenes and texts need besides.
#[cfg(feature = "scenes")]
impl Random {
    /// Any 64 bits.
    pub(crate) fn bits(&mut self) -> u64 {
        self.0.next_u64()
    }

    /// Uniform in `-reach..reach`.
    pub(crate) fn around(&mut self, reach: f32) -> f32 {
        self.range(-reach, reach)
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

    /// RGB in `0..1`; every other colour is muted.
    pub(crate) fn colour(&mut self) -> [f32; 3] {
        let colour = [self.unit(), self.unit(), self.unit()];
        if self.chance(0.5) {
            return colour;
        }
        let grey = self.unit();
        colour.map(|c| grey + 0.25 * (c - grey))
    }
}

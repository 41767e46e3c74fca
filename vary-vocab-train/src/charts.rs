//! Charts and forms with questions about them, for the second stage.

use image::RgbImage;
use rand::{Rng, RngExt};
use vary_data::drawn::{DrawnConfig, Fonts, chart, form};
use vary_data::texts::font_files;
use vary_data::{Question, Split};

/// Draws charts and forms at their smallest size.
pub struct Charts {
    config: DrawnConfig,
}

/// Width and height in pixels, the minimum of [`DrawnConfig`]; a model resizes them as it needs.
const SIZE: u32 = 256;

impl Charts {
    /// Charts and forms in the fonts of a split.
    ///
    /// # Errors
    /// If the fonts are damaged.
    pub fn new(split: Split) -> vary_data::Result<Self> {
        Ok(Self {
            config: DrawnConfig {
                width: SIZE,
                height: SIZE,
                fonts: Fonts::from_bytes(font_files(split).map(Vec::from))?,
            },
        })
    }

    /// A chart or a form, and its questions in random order; `None` where none fits.
    pub fn draw(
        &self,
        seed: u64,
        index: u64,
        rng: &mut impl Rng,
    ) -> Option<(RgbImage, Vec<Question>)> {
        let draw = if rng.random() { chart } else { form };
        let drawn = draw(seed, index, &self.config).ok()?;
        let mut questions = drawn.questions;
        for i in (1..questions.len()).rev() {
            questions.swap(i, rng.random_range(0..=i));
        }
        Some((drawn.page.image, questions))
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use rand::SeedableRng;
    use rand_chacha::ChaCha8Rng;

    #[test]
    fn charts_have_questions() {
        let [charts, test] = [Split::Train, Split::Test].map(|split| Charts::new(split).unwrap());
        let mut rng = ChaCha8Rng::seed_from_u64(1);
        let drawn = (0..40).filter_map(|i| charts.draw(9, i, &mut rng));
        let drawn: Vec<_> = drawn.collect();
        assert!(drawn.len() >= 30, "{} of 40", drawn.len());
        for (image, questions) in drawn {
            assert_eq!(image.dimensions(), (SIZE, SIZE));
            assert!(!questions.is_empty());
            assert!(questions.iter().all(|q| !q.answers[0].is_empty()));
        }
        // Other fonts, other images.
        let first = |charts: &Charts| charts.draw(9, 0, &mut ChaCha8Rng::seed_from_u64(1));
        assert_ne!(
            first(&charts).map(|drawn| drawn.0),
            first(&test).map(|drawn| drawn.0)
        );
        // The order is random, the questions are not.
        let ask = |seed| {
            let mut rng = ChaCha8Rng::seed_from_u64(seed);
            let all = (0..4).filter_map(|i| charts.draw(9, i, &mut rng));
            all.map(|(_, questions)| questions).collect::<Vec<_>>()
        };
        assert_eq!(ask(2), ask(2));
        assert_ne!(ask(2), ask(3));
    }
}

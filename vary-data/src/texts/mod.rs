//! Small images of text, with the place of every character.
//!
//! An image is a pure function of the configuration, the kind, a seed and an index: images can be
//! drawn independently, in any order.
//!
//! ```
//! use vary_data::texts::{TextConfig, TextKind, Texts};
//!
//! # fn main() -> vary_data::Result<()> {
//! let texts = Texts::embedded()?;
//! let scene = texts.draw(&TextConfig::default(), Some(TextKind::Receipt), 1, 0);
//! println!("{}", scene.plain.text);
//! // A place for each character.
//! assert_eq!(scene.plain.places.len(), scene.plain.text.chars().count());
//! # Ok(())
//! # }
//! ```

mod compose;
mod config;
mod fonts;
mod kind;
mod kinds;
mod map;
mod notices;
mod palette;
mod region;
mod sheet;
mod source;
mod surface;
#[cfg(test)]
mod tests;
mod words;
mod written;

use std::ops::Range;

use image::RgbImage;
use rayon::prelude::*;

pub use config::TextConfig;
pub use fonts::font_files;
pub use kind::TextKind;
pub use region::Region;
pub use source::Texts;
pub use written::Written;

use crate::random::{Random, SCENES};
use crate::scenes::canvas::Canvas;

use sheet::{SIDE, Sheet};

/// An image of text and the text.
#[derive(Debug, Clone, PartialEq)]
pub struct TextScene {
    /// The image, [`TextConfig::size`] wide and high.
    pub image: RgbImage,
    /// What it shows.
    pub kind: TextKind,
    /// Height of the letter x in the smallest text, in pixels of the image.
    pub x_height: f32,
    /// Reading text: lines joined by line breaks, words and cells by one blank.
    pub plain: Written,
    /// The text as Markdown: headings, paragraphs, lists and tables.
    pub markdown: Written,
    /// Parts of the text that have a name.
    pub regions: Vec<Region>,
}

impl Texts {
    /// Draws image number `index` of the stream `seed`; without `kind`, of any kind.
    ///
    /// # Panics
    /// If [`TextConfig::validate`] refuses `config`, this may panic.
    pub fn draw(
        &self,
        config: &TextConfig,
        kind: Option<TextKind>,
        seed: u64,
        index: u64,
    ) -> TextScene {
        let mut rng = Random::new(SCENES, seed, index);
        let any = rng.below(config.kinds.len().max(1));
        let kind = kind
            .or(config.kinds.get(any).copied())
            .unwrap_or(TextKind::Word);
        let mut canvas = Canvas::new(config.size as usize);
        let mut sheet = Sheet::new(&mut canvas, config.split, tilt(config, kind, &mut rng));
        let content = kinds::draw(kind, &mut sheet, self, &mut rng);
        let x_height = sheet.x_height;
        if rng.chance(0.5) {
            // Small letters bear less of it.
            let share = (x_height / 12.0).min(1.0);
            canvas.blur(rng.unit() * share * config.blur);
        }
        let gain = 1.0 + rng.around(config.brightness);
        let sigma = rng.unit() * config.noise;
        let plain = compose::plain(&content.blocks);
        let mut regions = compose::regions(&plain, &content.blocks);
        regions.extend(content.regions);
        TextScene {
            image: canvas.develop(gain, sigma, &mut rng),
            kind,
            x_height: x_height * config.size as f32 / SIDE,
            markdown: compose::markdown(&content.blocks),
            plain,
            regions,
        }
    }
}

/// Draws the images `indices` on all cores, in order; each equals what [`Texts::draw`] returns.
pub fn draw_batch(
    texts: &Texts,
    config: &TextConfig,
    kind: Option<TextKind>,
    seed: u64,
    indices: Range<u64>,
) -> Vec<TextScene> {
    indices
        .into_par_iter()
        .map(|index| texts.draw(config, kind, seed, index))
        .collect()
}

/// Tangents of the angles by which a text is turned and sheared.
fn tilt(config: &TextConfig, kind: TextKind, rng: &mut Random) -> [f32; 2] {
    const DEGREE: f32 = 0.017_453_3;
    let straight = if kind == TextKind::Screen { 0.8 } else { 0.4 };
    let tilt = [rng.around(0.7), rng.around(0.3)];
    if rng.chance(straight) {
        return [0.0; 2];
    }
    tilt.map(|share| share * config.skew * DEGREE)
}

//! Small pictures of text, with the place of every character.
//!
//! A picture is a pure function of the configuration, the kind, a seed and an index: any picture
//! can be drawn apart from the others, in any order.

pub mod cli;
mod compose;
mod config;
mod fonts;
mod kinds;
mod map;
mod notices;
mod palette;
mod sheet;
mod surface;
#[cfg(test)]
mod tests;
mod words;
mod written;

use std::ops::Range;

use clap::ValueEnum;
use image::RgbImage;
use image::imageops::crop_imm;
use rayon::prelude::*;
use serde::{Deserialize, Serialize};
use vary_vision::preprocess::{self, bands, close_by};

pub use config::TextConfig;
pub(crate) use fonts::files;
pub use written::Written;

use crate::error::Result;
use crate::part::Part;
use crate::scenes::canvas::Canvas;
use crate::scenes::random::Random;

use fonts::Fonts;
use sheet::{SIDE, Sheet};
use words::Words;

/// What a picture of text shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ValueEnum)]
#[serde(rename_all = "snake_case")]
pub enum TextKind {
    /// One word, number or code.
    Word,
    /// One line of up to 18 characters.
    Line,
    /// Two or three lines apart from each other.
    Lines,
    /// Paragraphs and lists, sometimes under a heading.
    Page,
    /// Things bought, their prices and the total.
    Receipt,
    /// Two to four columns and two to five rows.
    Table,
    /// A plate with some short centred lines, as on a product.
    Label,
    /// A coloured plate with large text before a scene.
    Sign,
    /// A window with a title, text and buttons.
    Screen,
    /// Bars or points with names below, mostly under a title.
    Chart,
}

impl TextKind {
    /// All kinds.
    pub const ALL: [Self; 10] = [
        Self::Word,
        Self::Line,
        Self::Lines,
        Self::Page,
        Self::Receipt,
        Self::Table,
        Self::Label,
        Self::Sign,
        Self::Screen,
        Self::Chart,
    ];
}

/// A part of a text that a question can ask for.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Region {
    /// What it is, as "the title" or "the total"; at most once in a picture.
    pub name: String,
    /// `x1, y1, x2, y2` in pixels: the tight box of its ink.
    pub bbox: [f32; 4],
    /// Its plain reading text.
    pub written: Written,
}

impl Region {
    /// `None` if nothing of it can be seen.
    fn new(name: &str, written: Written) -> Option<Self> {
        let name = name.to_owned();
        written.bbox().map(|bbox| Self {
            name,
            bbox,
            written,
        })
    }
}

/// A picture of text and what it says.
#[derive(Debug, Clone, PartialEq)]
pub struct TextScene {
    /// The picture: [`TextConfig::size`] wide and high, or less where less of it is shown.
    pub image: RgbImage,
    /// What it shows.
    pub kind: TextKind,
    /// Height of the letter x in the smallest text, in pixels of the picture.
    pub x_height: f32,
    /// Reading text: lines joined by line breaks, words and cells by one blank.
    pub plain: Written,
    /// The text as Markdown: headings, paragraphs, lists and tables.
    pub markdown: Written,
    /// Parts of the text that have a name.
    pub regions: Vec<Region>,
}

impl TextScene {
    /// What is seen of it from close by.
    fn close_by(mut self) -> Self {
        let preprocess::Region {
            x,
            y,
            width,
            height,
        } = close_by(&self.image);
        // It lies inside.
        let (left, top) = (x as u32, y as u32);
        self.image = crop_imm(&self.image, left, top, width, height).to_image();
        let to = |[at_x, at_y]: [f32; 2]| [at_x - x as f32, at_y - y as f32];
        self.plain.go(to);
        self.markdown.go(to);
        for named in &mut self.regions {
            named.written.go(to);
            if let Some(bbox) = named.written.bbox() {
                named.bbox = bbox;
            }
        }
        self
    }

    /// One to three of its lines; all of it where its lines are not found, or other ones are.
    fn in_bands(mut self, rng: &mut Random) -> Self {
        let bands = bands(&self.image, 1 + rng.below(3));
        let Some(band) = bands.get(rng.below(bands.len().max(1))) else {
            return self;
        };
        let held = |[x1, y1, x2, y2]: [f32; 4]| band.holds([0.5 * (x1 + x2), 0.5 * (y1 + y2)]);
        let texts = (self.plain.part(held), self.markdown.part(held));
        let (Some(plain), Some(markdown)) = texts else {
            return self;
        };
        self.image = band.show(&self.image);
        self.x_height *= band.place([0.0, 1.0])[1] - band.place([0.0, 0.0])[1];
        (self.plain, self.markdown) = (plain, markdown);
        self.plain.go(|at| band.place(at));
        self.markdown.go(|at| band.place(at));
        // A name is one of a whole text.
        self.regions.clear();
        self
    }
}

/// All that texts are made of. Cheap to share between threads, costly to load.
pub struct Texts {
    fonts: Fonts,
    words: Words,
    more_words: Words,
}

impl Texts {
    /// The fonts and words in this program.
    ///
    /// # Errors
    /// [`Error::Font`](crate::error::Error::Font) if a font is damaged.
    pub fn embedded() -> Result<Self> {
        Ok(Self {
            fonts: Fonts::embedded()?,
            words: Words::embedded(),
            more_words: Words::more(),
        })
    }

    /// What the texts of a part say. Training has more words: the final report keeps the texts that it has always had.
    fn words(&self, part: Part) -> &Words {
        match part {
            Part::Train => &self.more_words,
            Part::HeldOut => &self.words,
        }
    }

    /// File names, without the ending, of the fonts of a part.
    pub fn font_names(&self, part: Part) -> impl Iterator<Item = &'static str> {
        self.fonts.of(part).iter().map(|face| face.name)
    }

    /// Draws picture number `index` of the stream `seed`; without `kind`, of any kind.
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
        let mut rng = Random::new(seed, index);
        let any = rng.below(config.kinds.len().max(1));
        let kind = kind
            .or(config.kinds.get(any).copied())
            .unwrap_or(TextKind::Word);
        let mut canvas = Canvas::new(config.size as usize);
        let mut sheet = Sheet::new(&mut canvas, config.part, tilt(config, kind, &mut rng));
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
        let scene = TextScene {
            image: canvas.develop(gain, sigma, &mut rng),
            kind,
            x_height: x_height * config.size as f32 / SIDE,
            markdown: compose::markdown(&content.blocks),
            plain,
            regions,
        };
        // By the last lots, so that a picture does not change with the shares.
        let near = rng.chance(config.close_by);
        match rng.chance(config.bands) {
            true => scene.in_bands(&mut rng),
            false if near => scene.close_by(),
            false => scene,
        }
    }
}

/// Draws the pictures `indices` on all cores, in order; each equals what [`Texts::draw`] returns.
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

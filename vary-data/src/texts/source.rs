use super::fonts::Fonts;
use super::words::Words;
use crate::error::Result;
use crate::split::Split;

/// All that texts are made of. Cheap to share between threads, costly to load.
pub struct Texts {
    pub(super) fonts: Fonts,
    words: Words,
    more_words: Words,
}

impl Texts {
    /// The fonts and words in this program.
    ///
    /// # Errors
    /// [`Error::EmbeddedFont`](crate::Error::EmbeddedFont) if a font is damaged.
    pub fn embedded() -> Result<Self> {
        Ok(Self {
            fonts: Fonts::embedded()?,
            words: Words::embedded(),
            more_words: Words::more(),
        })
    }

    /// The words of a split. The test split keeps its shorter list, so that its images stay the
    /// same.
    pub(super) fn words(&self, split: Split) -> &Words {
        match split {
            Split::Train | Split::Validation => &self.more_words,
            Split::Test => &self.words,
        }
    }

    /// File names, without the ending, of the fonts of a split.
    pub fn font_names(&self, split: Split) -> impl Iterator<Item = &'static str> {
        self.fonts.of(split).iter().map(|face| face.name)
    }
}

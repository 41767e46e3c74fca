use crate::error::{Error, Result};
use crate::page::Page;
use crate::question::Question;

use super::text::Fonts;

/// What all images have in common.
#[derive(Debug, Clone)]
pub struct DrawnConfig {
    /// Width in pixels, 256 to 4096.
    pub width: u32,
    /// Height in pixels, 256 to 4096; the longer side is at most twice the shorter.
    pub height: u32,
    /// Fonts, one of which is taken for each image.
    pub fonts: Fonts,
}

impl DrawnConfig {
    /// A size in pixels, with the embedded fonts.
    ///
    /// # Errors
    /// If the size is out of range.
    pub fn new(width: u32, height: u32) -> Result<Self> {
        let fonts = Fonts::embedded()?;
        let config = Self {
            width,
            height,
            fonts,
        };
        config.check()?;
        Ok(config)
    }

    pub(super) fn check(&self) -> Result<()> {
        let (width, height) = (self.width, self.height);
        let (short, long) = (width.min(height), width.max(height));
        if short < 256 || long > 4096 || long > 2 * short {
            return Err(Error::DrawnSize { width, height });
        }
        Ok(())
    }

    pub(super) fn no_room(&self, kind: &'static str) -> Error {
        Error::NoRoom {
            kind,
            width: self.width,
            height: self.height,
        }
    }
}

/// A drawn image.
#[derive(Debug, Clone)]
pub struct Drawn {
    /// What was drawn, as `vertical_bars` or `invoice`.
    pub kind: &'static str,
    /// The image, its text in reading order and its words. `markdown` is a chart's table of data
    /// or a form's content.
    pub page: Page,
    /// Questions that the image answers.
    pub questions: Vec<Question>,
}

/// Layouts that are tried before [`Error::NoRoom`]. Later ones hold less.
pub(super) const ATTEMPTS: usize = 400;

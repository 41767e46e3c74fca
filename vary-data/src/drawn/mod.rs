//! Charts and forms, drawn with questions and their answers.
//!
//! A picture is a pure function of the configuration, a seed and an index. All its texts are
//! measured before anything is drawn: a layout in which one would be cut or overlap another is
//! dropped and another one tried.
//!
//! Pies and lines use sines and arcs of the platform: between machines single pixels may differ and,
//! rarely, whether a layout that barely fits is kept.

mod area;
mod charts;
mod forms;
mod random;
mod raster;
mod sheet;
#[cfg(test)]
mod tests;
mod text;

pub use charts::chart;
pub use forms::{MONTHS, form};
pub use text::Fonts;

use crate::error::{Error, Result};
use crate::page::Page;
use crate::question::Question;

/// What all pictures have in common.
#[derive(Debug, Clone)]
pub struct DrawnConfig {
    /// Width in pixels, 256 to 4096.
    pub width: u32,
    /// Height in pixels, 256 to 4096; the longer side is at most twice the shorter.
    pub height: u32,
    /// Fonts, one of which is taken for each picture.
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

    fn check(&self) -> Result<()> {
        let (width, height) = (self.width, self.height);
        let (short, long) = (width.min(height), width.max(height));
        if short < 256 || long > 4096 || long > 2 * short {
            return Err(Error::DrawnSize { width, height });
        }
        Ok(())
    }

    fn no_room(&self, kind: &'static str) -> Error {
        Error::NoRoom {
            kind,
            width: self.width,
            height: self.height,
        }
    }
}

/// A drawn picture.
#[derive(Debug, Clone)]
pub struct Drawn {
    /// What was drawn, as `vertical_bars` or `invoice`.
    pub kind: &'static str,
    /// The picture, its text in reading order and its words. `markdown` is a chart's table of data
    /// or a form's content.
    pub page: Page,
    /// Questions that the picture answers.
    pub questions: Vec<Question>,
}

/// Layouts that are tried before [`Error::NoRoom`]. Later ones hold less.
const ATTEMPTS: usize = 400;

/// Black or white, whichever is better read on a colour.
fn readable_on([r, g, b]: text::Colour) -> text::Colour {
    let light = 0.299 * f32::from(r) + 0.587 * f32::from(g) + 0.114 * f32::from(b);
    if light > 140.0 { [0; 3] } else { [255; 3] }
}

/// A number in units of `10^-decimals`, with or without commas between thousands.
fn number(value: i64, decimals: u32, commas: bool) -> String {
    let unit = 10_i64.pow(decimals);
    let mut whole = (value.abs() / unit).to_string();
    if commas {
        let mut at = whole.len();
        while at > 3 {
            at -= 3;
            whole.insert(at, ',');
        }
    }
    if value < 0 {
        whole.insert(0, '-');
    }
    if decimals > 0 {
        let digits = decimals as usize;
        whole += &format!(".{:0digits$}", value.abs() % unit);
    }
    whole
}

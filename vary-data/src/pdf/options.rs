use serde::{Deserialize, Serialize};

use crate::{Error, Result};

/// How pages of PDF files become images and text.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PdfOptions {
    /// The longest edge of a page's image in pixels, 16 to 16384. Default 1024.
    pub edge: u32,
    /// Pixels per inch of a page's image, 10 to 2400; `edge` is then the most that it has. Default:
    /// none, every page has `edge`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dpi: Option<f32>,
    /// Pages of a file beyond this many are left out (and counted), at least 1. Default: all.
    pub max_pages: usize,
    /// Files larger than this many bytes are skipped. Default 512 MiB.
    pub max_file_bytes: u64,
    /// Pages longer than this many points (1/72 inch) are skipped, because their text is too small
    /// to be read in the image. Default 2400, which is A1.
    pub max_page_points: f32,
    /// The share of glyphs on a page, 0 to 1, whose character may be unknown (U+FFFD in the text);
    /// pages with more are skipped. Default 0.05.
    pub max_unknown: f32,
}

impl Default for PdfOptions {
    fn default() -> Self {
        Self {
            edge: 1024,
            dpi: None,
            max_pages: usize::MAX,
            max_file_bytes: 512 << 20,
            max_page_points: 2400.0,
            max_unknown: 0.05,
        }
    }
}

impl PdfOptions {
    /// Refuses options out of their range.
    pub(crate) fn check(&self) -> Result<()> {
        let wrong = |option, value: String, allowed| {
            Err(Error::PdfOption {
                option,
                value,
                allowed,
            })
        };
        if !(16..=16384).contains(&self.edge) {
            return wrong("edge", self.edge.to_string(), "16 to 16384 pixels");
        }
        if let Some(dpi) = self.dpi.filter(|dpi| !(10.0..=2400.0).contains(dpi)) {
            return wrong("dpi", dpi.to_string(), "10 to 2400 pixels per inch");
        }
        if self.max_pages == 0 {
            return wrong("max_pages", "0".into(), "at least 1");
        }
        if !(self.max_page_points.is_finite() && self.max_page_points > 0.0) {
            let value = self.max_page_points.to_string();
            return wrong("max_page_points", value, "a number above 0");
        }
        if !(0.0..=1.0).contains(&self.max_unknown) {
            return wrong("max_unknown", self.max_unknown.to_string(), "0 to 1");
        }
        Ok(())
    }
}

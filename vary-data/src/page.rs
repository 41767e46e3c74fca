use image::RgbImage;
use serde::{Deserialize, Serialize};

/// A page as an image, with what is written on it.
#[derive(Debug, Clone)]
pub struct Page {
    /// The image.
    pub image: RgbImage,
    /// Its text in reading order, lines separated by `\n`, paragraphs by an empty line.
    pub text: String,
    /// Its text with markup, where that is known.
    pub markdown: Option<String>,
    /// Its words in reading order.
    pub words: Vec<Word>,
}

/// A word on a page.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Word {
    /// Its text, without blanks.
    pub text: String,
    /// Left, top, right, bottom in pixels of the page's image.
    pub bbox: [f32; 4],
}

//! Text lines cut from pages, as training data of a text recognizer.
//!
//! [`write_pdf_lines`] and [`write_page_lines`] cut the lines of PDF files and of page folders into
//! tar shards; [`Lines`] reads them, and [`LineSampler`] draws runs of words from them, with what
//! scanners, cameras and compression do to them.

mod cut;
mod degrade;
mod sample;
mod shards;

pub use cut::{cut_page, write_page_lines, write_pdf_lines};
pub use sample::{LineSampler, Run};
pub use shards::{Lines, Shards};

use image::GrayImage;

/// A text line cut from a page, with some of the page around it.
#[derive(Debug, Clone, PartialEq)]
pub struct Line {
    /// The cut-out.
    pub image: GrayImage,
    /// Top and bottom of the line in the cut-out, in pixels.
    pub rows: [f32; 2],
    /// Its words from left to right.
    pub words: Vec<LineWord>,
}

/// A word of a [`Line`].
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct LineWord {
    /// Its text, without blanks.
    pub text: String,
    /// Left and right edge in the cut-out, in pixels.
    pub columns: [f32; 2],
}

//! An image that is planned before it is drawn: labels that neither overlap nor leave it, and
//! shapes below them.

use super::area::Area;
use super::raster::{self, Shape};
use super::text::{Colour, Label};
use crate::error::Result;
use crate::page::{Page, Word};

/// A planned image.
pub(super) struct Sheet {
    pub width: f32,
    pub height: f32,
    pub background: Colour,
    /// Drawn in this order, below all labels.
    pub shapes: Vec<Shape>,
    labels: Vec<Label>,
    blocked: Vec<Area>,
    text: String,
}

impl Sheet {
    /// An empty image of a size in pixels.
    pub(super) fn new(width: u32, height: u32, background: Colour) -> Self {
        Self {
            width: width as f32,
            height: height as f32,
            background,
            shapes: Vec::new(),
            labels: Vec::new(),
            blocked: Vec::new(),
            text: String::new(),
        }
    }

    /// Keeps labels out of an area.
    pub(super) fn block(&mut self, area: Area) {
        self.blocked.push(area);
    }

    /// Adds a label to the line of text, or `None` if it would be cut, overlap another or lie on
    /// a blocked area.
    pub(super) fn put(&mut self, label: Label) -> Option<Area> {
        let room = label.area.grown(1, 0);
        if self.blocked.iter().any(|b| b.overlaps(room)) {
            return None;
        }
        self.put_over(label)
    }

    /// As [`put`](Self::put), but blocked areas are allowed.
    pub(super) fn put_over(&mut self, label: Label) -> Option<Area> {
        let (area, page) = (label.area, self.page_area());
        // Some blank around every label, or words of two labels read as one.
        let room = area.grown(2, 1);
        let clash = self.labels.iter().any(|l| l.area.overlaps(room));
        let mut words = label.words().windows(2);
        if clash || !page.contains(room) || words.any(|w| w[0].1.overlaps(w[1].1)) {
            return None;
        }
        for (word, _) in label.words() {
            if !self.text.is_empty() && !self.text.ends_with('\n') {
                self.text.push(' ');
            }
            self.text.push_str(word);
        }
        self.labels.push(label);
        Some(area)
    }

    /// As [`put`](Self::put), as a line of its own.
    pub(super) fn line(&mut self, label: Label) -> Option<Area> {
        self.end_line();
        let area = self.put(label)?;
        self.end_line();
        Some(area)
    }

    /// Ends the line of text.
    pub(super) fn end_line(&mut self) {
        if !self.text.is_empty() && !self.text.ends_with('\n') {
            self.text.push('\n');
        }
    }

    /// Ends the paragraph.
    pub(super) fn end_paragraph(&mut self) {
        self.end_line();
        if !self.text.is_empty() && !self.text.ends_with("\n\n") {
            self.text.push('\n');
        }
    }

    fn page_area(&self) -> Area {
        Area::new(0, 0, self.width as i32, self.height as i32)
    }

    /// Draws it.
    ///
    /// # Errors
    /// If plotters can't draw the shapes.
    pub(super) fn paint(self, markdown: Option<String>) -> Result<Page> {
        let (width, height) = (self.width as u32, self.height as u32);
        let mut image = raster::paint(width, height, self.background, &self.shapes)?;
        for label in &self.labels {
            label.paint(&mut image);
        }
        let words = self.labels.iter().flat_map(Label::words);
        Ok(Page {
            image,
            text: self.text.trim_end().into(),
            markdown,
            words: words
                .map(|(text, a)| Word {
                    text: text.clone(),
                    bbox: [a.left, a.top, a.right, a.bottom].map(|v| v as f32),
                })
                .collect(),
        })
    }
}

use serde::{Deserialize, Serialize};

use super::written::Written;

/// A part of a text that a question can ask for.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Region {
    /// What it is, as "the title" or "the total"; at most once in an image.
    pub name: String,
    /// `x1, y1, x2, y2` in pixels: the tight box of its ink.
    pub bbox: [f32; 4],
    /// Its plain reading text.
    pub written: Written,
}

impl Region {
    /// `None` if nothing of it can be seen.
    pub(super) fn new(name: &str, written: Written) -> Option<Self> {
        let name = name.to_owned();
        written.bbox().map(|bbox| Self {
            name,
            bbox,
            written,
        })
    }
}

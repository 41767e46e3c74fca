//! Text and where it is.

use serde::{Deserialize, Serialize};

/// Text and where each of its characters is.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Written {
    /// The text.
    pub text: String,
    /// For each character `x1, y1, x2, y2` in pixels, origin at the top left corner of the
    /// image: the tight box of its ink, of a blank the box between its neighbours. `None` for
    /// line breaks and for markup without ink.
    pub places: Vec<Option<[f32; 4]>>,
}

impl Written {
    /// A region's box: the tight box of all its ink, in pixels; `None` without ink.
    pub fn bbox(&self) -> Option<[f32; 4]> {
        self.places.iter().flatten().copied().reduce(union)
    }

    /// Puts one more character at the end.
    pub(super) fn push(&mut self, c: char, place: Option<[f32; 4]>) {
        self.text.push(c);
        self.places.push(place);
    }

    /// Puts more text at the end.
    pub(super) fn append(&mut self, other: &Self) {
        self.text.push_str(&other.text);
        self.places.extend_from_slice(&other.places);
    }

    /// Puts signs without ink at the end.
    pub(super) fn mark(&mut self, signs: &str) {
        for c in signs.chars() {
            self.push(c, None);
        }
    }

    /// Puts more text of the same line at the end, after a blank.
    pub(super) fn append_word(&mut self, other: &Self) {
        if !self.text.is_empty() {
            let gap = match (self.places.last(), other.places.first()) {
                (Some(Some(left)), Some(Some(right))) => Some(between(*left, *right)),
                _ => None,
            };
            self.push(' ', gap);
        }
        self.append(other);
    }

    /// Puts more text at the end, after signs without ink if there is text already.
    pub(super) fn append_after(&mut self, signs: &str, other: &Self) {
        if !self.text.is_empty() {
            self.mark(signs);
        }
        self.append(other);
    }

    /// The parts between the characters `c`.
    pub(super) fn split(&self, c: char) -> Vec<Self> {
        let mut parts = vec![Self::default()];
        for (sign, place) in self.text.chars().zip(&self.places) {
            if sign == c {
                parts.push(Self::default());
            } else if let Some(part) = parts.last_mut() {
                part.push(sign, *place);
            }
        }
        parts
    }
}

/// The least box about two boxes.
pub(super) fn union(a: [f32; 4], b: [f32; 4]) -> [f32; 4] {
    [
        a[0].min(b[0]),
        a[1].min(b[1]),
        a[2].max(b[2]),
        a[3].max(b[3]),
    ]
}

/// The box of a blank between two boxes.
pub(super) fn between(left: [f32; 4], right: [f32; 4]) -> [f32; 4] {
    let (a, b) = (left[2].min(right[0]), left[2].max(right[0]));
    [a, left[1].min(right[1]), b, left[3].max(right[3])]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str, x: f32) -> Written {
        let mut written = Written::default();
        for (i, c) in text.chars().enumerate() {
            let x = x + i as f32;
            written.push(c, Some([x, 0.0, x + 1.0, 2.0]));
        }
        written
    }

    #[test]
    fn blanks_lie_between_neighbours() {
        let mut line = at("ab", 0.0);
        line.append_word(&at("c", 5.0));
        assert_eq!(line.text, "ab c");
        assert_eq!(line.places[2], Some([2.0, 0.0, 5.0, 2.0]));
        assert_eq!(line.bbox(), Some([0.0, 0.0, 6.0, 2.0]));
    }

    #[test]
    fn splits_at_line_breaks() {
        let mut lines = at("ab", 0.0);
        lines.append_after("\n", &at("c", 5.0));
        assert_eq!(lines.places[2], None);
        assert_eq!(lines.split('\n'), [at("ab", 0.0), at("c", 5.0)]);
    }
}

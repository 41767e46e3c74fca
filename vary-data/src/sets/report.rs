use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

/// Something that was found wrong with an object, an expression or an image of a set.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Issue {
    /// A box that reached over the image's edge: clipped to it and kept.
    Clipped,
    /// A box with NaN, an infinity or a JSON `null`: dropped.
    NotFinite,
    /// A box of negative width or height: dropped.
    NegativeSize,
    /// A box without area: dropped.
    EmptyBox,
    /// A box that doesn't touch the image: dropped.
    OutsideImage,
    /// An object of an image that the file doesn't list: dropped.
    UnknownImage,
    /// An object of a class that the file doesn't list: dropped.
    UnknownCategory,
    /// An object in an image whose width or height is given as 0: dropped, as fractions of 0
    /// mean nothing.
    ZeroSize,
    /// An image without any usable object: dropped, unless
    /// [`SetOptions::keep_empty`](super::SetOptions::keep_empty).
    NoObjects,
    /// An empty referring expression: dropped.
    EmptyExpression,
    /// An expression with several boxes, which thus refers to no one object: dropped.
    SeveralBoxes,
    /// An image file that doesn't exist.
    MissingFile,
    /// An image file whose header can't be read.
    BrokenFile,
    /// An image file with another width or height than the annotations declare.
    SizeMismatch,
}

impl fmt::Display for Issue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Clipped => "boxes over the image's edge, clipped",
            Self::NotFinite => "boxes with NaN, infinity or null, dropped",
            Self::NegativeSize => "boxes of negative size, dropped",
            Self::EmptyBox => "boxes without area, dropped",
            Self::OutsideImage => "boxes outside the image, dropped",
            Self::UnknownImage => "objects of an unknown image id, dropped",
            Self::UnknownCategory => "objects of an unknown category, dropped",
            Self::ZeroSize => "objects in an image of size 0, dropped",
            Self::NoObjects => "images without a usable object, dropped",
            Self::EmptyExpression => "empty expressions, dropped",
            Self::SeveralBoxes => "expressions with several boxes, dropped",
            Self::MissingFile => "image files missing",
            Self::BrokenFile => "image files with an unreadable header",
            Self::SizeMismatch => "image files of another size than declared",
        })
    }
}

/// How often one [`Issue`] was found, and where first.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Found {
    /// How often.
    pub count: u64,
    /// The first few places, at most [`Found::EXAMPLES`], in file order.
    pub first: Vec<Place>,
}

impl Found {
    /// How many places are kept per issue.
    pub const EXAMPLES: usize = 5;
}

/// A record in a file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Place {
    /// The annotation file, or the image file where the image itself is at fault.
    pub file: String,
    /// The record in it, as in `annotations[17] (id 906)` or `line 5`; for image files what was
    /// found there.
    pub record: String,
}

/// What was kept of a set, and everything that was dropped or changed.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SetReport {
    /// Images kept (of a [`GroundingSet`](super::GroundingSet): expressions kept, each with its
    /// image; of `check_images`: image files without an issue).
    pub images: u64,
    /// Boxes kept; 0 in the report of `check_images`.
    pub objects: u64,
    /// What was wrong, by kind.
    pub issues: BTreeMap<Issue, Found>,
}

impl SetReport {
    /// How often `issue` was found.
    pub fn count(&self, issue: Issue) -> u64 {
        self.issues.get(&issue).map_or(0, |found| found.count)
    }

    /// Counts `issue`; `place` is only called for the first few.
    pub(crate) fn add(&mut self, issue: Issue, place: impl FnOnce() -> Place) {
        let found = self.issues.entry(issue).or_default();
        found.count += 1;
        if found.first.len() < Found::EXAMPLES {
            found.first.push(place());
        }
    }
}

impl fmt::Display for SetReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} images and {} boxes kept", self.images, self.objects)?;
        for (issue, found) in &self.issues {
            write!(f, "\n  {} {issue}", found.count)?;
            for (i, place) in found.first.iter().enumerate() {
                let lead = if i == 0 { "; first: " } else { ", " };
                write!(f, "{lead}{}: {}", place.file, place.record)?;
            }
        }
        Ok(())
    }
}

use std::fmt;

use crate::{Error, Result};

/// A part of an image that is read alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Region {
    /// x1, y1, x2, y2 in pixels of the image, inside of it.
    Box([u32; 4]),
    /// x, y in pixels of the image: what stands there.
    Point([u32; 2]),
    /// What is framed in this colour.
    Framed(FrameColor),
}

/// Colour of a frame around a [`Region`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FrameColor {
    /// Red.
    Red,
    /// Green.
    Green,
    /// Blue.
    Blue,
}

impl fmt::Display for FrameColor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Red => "red",
            Self::Green => "green",
            Self::Blue => "blue",
        })
    }
}

impl Region {
    /// The region as GOT-OCR2.0 is asked for it: thousandths of the edges of an image of this
    /// size, truncated.
    ///
    /// # Errors
    /// [`Error::Region`] for one that is empty or not inside of the image.
    pub(super) fn thousandths(&self, (width, height): (u32, u32)) -> Result<String> {
        let scale = |value: u32, edge: u32| {
            // As the original computes it: in f64, truncated.
            (f64::from(value) / f64::from(edge.max(1)) * 1000.0) as u32
        };
        let inside = match *self {
            Self::Box([x1, y1, x2, y2]) => x1 < x2 && y1 < y2 && x2 <= width && y2 <= height,
            Self::Point([x, y]) => x <= width && y <= height,
            Self::Framed(_) => true,
        };
        if !inside {
            return Err(Error::Region {
                region: *self,
                width,
                height,
            });
        }
        Ok(match *self {
            Self::Box([x1, y1, x2, y2]) => {
                let [x1, x2] = [x1, x2].map(|x| scale(x, width));
                let [y1, y2] = [y1, y2].map(|y| scale(y, height));
                format!("[{x1}, {y1}, {x2}, {y2}]")
            }
            Self::Point([x, y]) => format!("[{}, {}]", scale(x, width), scale(y, height)),
            Self::Framed(color) => format!("[{color}]"),
        })
    }
}

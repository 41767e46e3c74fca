use std::borrow::Cow;

use image::RgbImage;

use crate::detection::BoundingBox;
use crate::model::MAX_READINGS;

/// Share of a picture's width and height that the margin of a [`Frame`] takes.
const MARGIN: f32 = 0.06;

/// Halves of the margin that lie left of the picture and above it. Those that differ most come first.
const PLACES: [(u32, u32); MAX_READINGS - 1] = [
    (0, 0),
    (2, 2),
    (0, 2),
    (2, 0),
    (1, 1),
    (1, 0),
    (0, 1),
    (2, 1),
    (1, 2),
];

/// How a picture is placed where the model looks at it: a little further away and aside, so that its edges and
/// letters fall otherwise on the patches of a vision tower. The margin repeats the picture's outermost pixels.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Frame {
    /// Of the picture, without margin.
    picture: (u32, u32),
    /// Left of it and above it.
    offset: (u32, u32),
    /// With margin.
    size: (u32, u32),
}

impl Frame {
    /// `count` frames for pictures of `picture` pixels, as far as there are so many; the first one has no margin.
    pub fn all(picture: (u32, u32), count: usize) -> impl Iterator<Item = Self> {
        let margin = |edge: u32| (edge as f32 * MARGIN).round() as u32;
        let (width, height) = picture;
        let (right, below) = (margin(width), margin(height));
        let plain = Self {
            picture,
            offset: (0, 0),
            size: picture,
        };
        let placed = PLACES.into_iter().map(move |(x, y)| Self {
            picture,
            offset: (right * x / 2, below * y / 2),
            size: (width + right, height + below),
        });
        std::iter::once(plain).chain(placed).take(count)
    }

    /// Width and height with margin.
    pub fn size(&self) -> (u32, u32) {
        self.size
    }

    /// The picture with its margin.
    pub fn show<'a>(&self, picture: &'a RgbImage) -> Cow<'a, RgbImage> {
        if self.size == self.picture {
            return Cow::Borrowed(picture);
        }
        let inside = |at: u32, before: u32, len: u32| at.saturating_sub(before).min(len - 1);
        let ((left, above), (width, height)) = (self.offset, self.picture);
        Cow::Owned(RgbImage::from_fn(self.size.0, self.size.1, |x, y| {
            *picture.get_pixel(inside(x, left, width), inside(y, above, height))
        }))
    }

    /// A box in pixels of what is shown, in pixels of the picture.
    pub fn back(&self, shown: BoundingBox) -> BoundingBox {
        let (left, above) = (self.offset.0 as f32, self.offset.1 as f32);
        let BoundingBox { x1, y1, x2, y2 } = shown;
        BoundingBox::new(x1 - left, y1 - above, x2 - left, y2 - above)
            .clamp(self.picture.0, self.picture.1)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use image::Rgb;
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn what_is_shown_somewhere_comes_back(width in 1u32..80, height in 1u32..80) {
            let pixel = |x: u32, y: u32| Rgb([x as u8, y as u8, 7]);
            let picture = RgbImage::from_fn(width, height, pixel);
            let frames: Vec<Frame> = Frame::all((width, height), MAX_READINGS).collect();
            prop_assert_eq!(frames.len(), MAX_READINGS);
            prop_assert_eq!(frames[0].show(&picture).into_owned(), picture.clone());
            for frame in frames {
                let shown = frame.show(&picture);
                prop_assert_eq!(shown.dimensions(), frame.size());
                prop_assert!(frame.size().0 <= width + width / 16 + 1);
                for (x, y, &colour) in shown.enumerate_pixels() {
                    let (x, y) = (x as f32, y as f32);
                    let back = frame.back(BoundingBox::new(x, y, x + 1.0, y + 1.0));
                    // On the margin it has no area, and lies on the edge whose colour is repeated.
                    let at = |edge: f32, len: u32| (edge as u32).min(len - 1);
                    prop_assert_eq!(colour, pixel(at(back.x1, width), at(back.y1, height)));
                }
            }
        }
    }

    #[test]
    fn the_margin_is_spread_over_all_sides() {
        let frames: Vec<Frame> = Frame::all((100, 200), 20).collect();
        assert_eq!(frames.len(), MAX_READINGS);
        assert!(frames[1..].iter().all(|frame| frame.size() == (106, 212)));
        let offsets: Vec<_> = frames.iter().map(|frame| frame.offset).collect();
        assert_eq!(offsets[..4], [(0, 0), (0, 0), (6, 12), (0, 12)]);
        assert_eq!(offsets[5], (3, 6));
        let places: HashSet<_> = offsets[1..].iter().collect();
        assert_eq!(places.len(), MAX_READINGS - 1, "none twice");
    }
}

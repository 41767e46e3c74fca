use std::borrow::Cow;

use image::RgbImage;
use vary_vision::preprocess::{Region, close_by};

use crate::detection::BoundingBox;
use crate::model::MAX_READINGS;

/// Share of the width and height shown that the margin of a [`Frame`] takes.
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

/// What part of a picture the model looks at: all of it, or its content from close by ([`close_by`]), each time
/// placed a little aside, so that edges and letters fall otherwise on the patches of a vision tower.
/// Outside of the picture its outermost pixels are repeated.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Frame {
    /// Size of the picture.
    picture: (u32, u32),
    /// The part of it that is shown, with its margin.
    shown: Region,
}

impl Frame {
    /// `count` frames of `picture`, as far as there are so many; the first one is the picture as it is.
    pub fn all(picture: &RgbImage, count: usize) -> Vec<Self> {
        let size = picture.dimensions();
        let frame = |shown| Self {
            picture: size,
            shown,
        };
        let mut all = vec![frame(Region::whole(size))];
        if count > 1 {
            let near = close_by(picture);
            let margin = |edge: u32| (edge as f32 * MARGIN).round() as u32;
            let (right, below) = (margin(near.width), margin(near.height));
            let placed = PLACES.into_iter().map(|(x, y)| Region {
                x: near.x - i64::from(right * x / 2),
                y: near.y - i64::from(below * y / 2),
                width: near.width + right,
                height: near.height + below,
            });
            all.extend(placed.map(frame).take(count - 1));
        }
        all
    }

    /// Width and height of what is shown.
    pub fn size(&self) -> (u32, u32) {
        (self.shown.width, self.shown.height)
    }

    /// What is shown of `picture`.
    pub fn show<'a>(&self, picture: &'a RgbImage) -> Cow<'a, RgbImage> {
        if self.shown == Region::whole(self.picture) {
            return Cow::Borrowed(picture);
        }
        // Between 0 and the last pixel, which fits.
        let inside = |at: u32, from: i64, edge: u32| {
            (i64::from(at) + from).clamp(0, i64::from(edge) - 1) as u32
        };
        let Region {
            x: left,
            y: top,
            width,
            height,
        } = self.shown;
        Cow::Owned(RgbImage::from_fn(width, height, |x, y| {
            *picture.get_pixel(
                inside(x, left, self.picture.0),
                inside(y, top, self.picture.1),
            )
        }))
    }

    /// A box in pixels of what is shown, in pixels of the picture.
    pub fn back(&self, shown: BoundingBox) -> BoundingBox {
        let (left, above) = (self.shown.x as f32, self.shown.y as f32);
        let BoundingBox { x1, y1, x2, y2 } = shown;
        BoundingBox::new(x1 + left, y1 + above, x2 + left, y2 + above)
            .clamp(self.picture.0, self.picture.1)
    }
}

/// Width and height of the picture that `frames` are of; of none 0.
pub(super) fn picture_size(frames: &[Frame]) -> (u32, u32) {
    frames.first().map_or((0, 0), |frame| frame.picture)
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use image::Rgb;
    use proptest::prelude::*;

    use super::*;

    /// Colours that tell where they are, which all of the picture is content by.
    fn pixel(x: u32, y: u32) -> Rgb<u8> {
        Rgb([(x * 97) as u8, (y * 61) as u8, 7])
    }

    proptest! {
        #[test]
        fn what_is_shown_somewhere_comes_back(width in 1u32..80, height in 1u32..80) {
            let picture = RgbImage::from_fn(width, height, pixel);
            let frames = Frame::all(&picture, MAX_READINGS);
            prop_assert_eq!(frames.len(), MAX_READINGS);
            prop_assert_eq!(frames[0].show(&picture).into_owned(), picture.clone());
            for frame in frames {
                let shown = frame.show(&picture);
                prop_assert_eq!(shown.dimensions(), frame.size());
                prop_assert!(frame.size().0 <= width + width / 16 + 1);
                prop_assert!(frame.size().1 <= height + height / 16 + 1);
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

    fn offsets(frames: &[Frame]) -> Vec<(i64, i64)> {
        let regions = frames.iter().map(|frame| frame.shown);
        regions.map(|shown| (shown.x, shown.y)).collect()
    }

    #[test]
    fn the_margin_is_spread_over_all_sides() {
        let frames = Frame::all(&RgbImage::from_fn(100, 200, pixel), 20);
        assert_eq!(frames.len(), MAX_READINGS);
        assert!(frames[1..].iter().all(|frame| frame.size() == (106, 212)));
        let offsets = offsets(&frames);
        assert_eq!(offsets[..4], [(0, 0), (0, 0), (-6, -12), (0, -12)]);
        assert_eq!(offsets[5], (-3, -6));
        let places: HashSet<_> = offsets[1..].iter().collect();
        assert_eq!(places.len(), MAX_READINGS - 1, "none twice");
    }

    #[test]
    fn a_page_is_shown_without_its_empty_half() {
        // Text over all of the width, in the lower 3 of 10 parts.
        let mut page = RgbImage::from_pixel(200, 200, Rgb([240; 3]));
        for (x, y) in (0..200).flat_map(|x| (140..180).map(move |y| (x, y))) {
            page.put_pixel(x, y, pixel(x, y));
        }
        let frames = Frame::all(&page, 3);
        assert_eq!(frames[0].size(), (200, 200));
        // 143 of 200 px: the most that letters may be stretched.
        assert_eq!(frames[1].size(), (200 + 12, 143 + 9));
        assert_eq!(offsets(&frames), [(0, 0), (0, 57), (-12, 48)]);
        let shown = BoundingBox::new(12.0, 100.0, 22.0, 120.0);
        let back = frames[2].back(shown);
        assert_eq!(back, BoundingBox::new(0.0, 148.0, 10.0, 168.0));
        let seen = frames[2].show(&page);
        for (x, y) in (12..212).flat_map(|x| (0..152).map(move |y| (x, y))) {
            assert_eq!(seen.get_pixel(x, y), page.get_pixel(x - 12, y + 48));
        }
    }
}

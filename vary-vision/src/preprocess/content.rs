use image::RgbImage;
use image::imageops::{FilterType, resize, thumbnail};

/// Edge of the small picture that contrast is looked for in: the means that it is made of have little noise.
const SMALL: u32 = 96;
/// Edge of one of its cells.
const CELL: u32 = 4;
/// Cells along an edge.
const CELLS: u32 = SMALL / CELL;
/// A cell has content from so many times the contrast of the calm tenth of them on, which is that of the paper, or, where
/// no tenth is calm, from this share of the strongest contrast on,
const CALM: f32 = 3.0;
const SHARE: f32 = 0.2;
/// and from so many of the 255 steps of a colour on.
const LEAST: f32 = 12.0;
/// Share of a picture's width and height that is left around its content.
const BORDER: f32 = 0.04;
/// How many times closer than the whole picture content is shown at most, across and down: larger letters are no longer known
/// to a model, but those of a line that fills the width are often narrow.
const CLOSEST: [f32; 2] = [2.0, 1.5];
/// How many times higher than wide letters become at most. They become at most twice as wide as high anyway.
const HIGHER: f32 = 1.4;

/// A rectangle of a picture, in whole pixels, which may reach out of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Region {
    /// Columns of the picture left of it; negative outside.
    pub x: i64,
    /// Rows of the picture above it; negative outside.
    pub y: i64,
    /// Columns of it.
    pub width: u32,
    /// Rows of it.
    pub height: u32,
}

impl Region {
    /// All of a picture of that width and height in pixels.
    pub fn whole((width, height): (u32, u32)) -> Self {
        Self {
            x: 0,
            y: 0,
            width,
            height,
        }
    }
}

/// The part of `picture` to look at from close by: its content with a little around it. Letters of a page of which half
/// is empty get larger by it, when both are brought to a tower's size.
///
/// It lies inside of the picture, is at least half of its width and two thirds of its height, and of its height not less than a 1.4th
/// of what it is of its width, so that letters are not much larger nor more stretched than a model knows them. All of
/// the picture where no colour changes by 12 of 255 steps within a 24th of it, or it has no pixels.
pub fn close_by(picture: &RgbImage) -> Region {
    shown(picture.dimensions(), content(picture))
}

/// The part of a picture of `size` to show for its `content`, as close as [`CLOSEST`] and [`HIGHER`] allow. It does not reach
/// out of the picture.
fn shown((width, height): (u32, u32), content: Region) -> Region {
    let share = |part: u32, edge: u32, closest: f32| {
        (part as f32 / edge.max(1) as f32 + BORDER).clamp(1.0 / closest, 1.0)
    };
    let across = share(content.width, width, CLOSEST[0]);
    let down = share(content.height, height, CLOSEST[1]).max(across / HIGHER);
    let (x, width) = around(content.x, content.width, across, width);
    let (y, height) = around(content.y, content.height, down, height);
    Region {
        x,
        y,
        width,
        height,
    }
}

/// Start and length of `share` of an edge, with the part from `start` on in its middle as far as that is inside.
fn around(start: i64, part: u32, share: f32, edge: u32) -> (i64, u32) {
    let len = ((share * edge as f32).ceil() as u32).clamp(part, edge);
    let before = i64::from(len - part) / 2;
    ((start - before).clamp(0, i64::from(edge - len)), len)
}

/// `picture` without its empty border, rounded outwards to a 24th of its edges; all of it where nothing stands out.
///
/// Paper, light and noise change little within a cell, letters and things much.
fn content(picture: &RgbImage) -> Region {
    let (width, height) = picture.dimensions();
    let whole = Region::whole((width, height));
    if width == 0 || height == 0 {
        return whole;
    }
    // A mean has less noise, but pixels between two, as of a picture with fewer, would hide the step from one to the other.
    let small = thumbnail(picture, width.min(SMALL), height.min(SMALL));
    let small = resize(&small, SMALL, SMALL, FilterType::Nearest);
    let contrasts: Vec<u8> = (0..CELLS * CELLS)
        .map(|cell| contrast(&small, cell % CELLS * CELL, cell / CELLS * CELL))
        .collect();
    let mut sorted = contrasts.clone();
    sorted.sort_unstable();
    let (calm, strongest) = (sorted[sorted.len() / 10], sorted[sorted.len() - 1]);
    let enough = LEAST.max((CALM * f32::from(calm)).min(SHARE * f32::from(strongest)));
    let filled = |x: u32, y: u32| f32::from(contrasts[(y * CELLS + x) as usize]) >= enough;
    let columns = ends(|x| (0..CELLS).any(|y| filled(x, y)));
    let rows = ends(|y| (0..CELLS).any(|x| filled(x, y)));
    let (Some(columns), Some(rows)) = (columns, rows) else {
        return whole;
    };
    let ((x, width), (y, height)) = (pixels(columns, width), pixels(rows, height));
    Region {
        x: x.into(),
        y: y.into(),
        width,
        height,
    }
}

/// The first and the last cell along an edge that are `filled`.
fn ends(filled: impl Fn(u32) -> bool) -> Option<(u32, u32)> {
    let first = (0..CELLS).find(|&cell| filled(cell))?;
    let last = (first..CELLS).rfind(|&cell| filled(cell))?;
    Some((first, last))
}

/// Start and length of the cells from `first` to `last` on an edge in pixels.
fn pixels((first, last): (u32, u32), edge: u32) -> (u32, u32) {
    let at = |cell: u32| u64::from(cell) * u64::from(edge);
    let (start, end) = (
        at(first) / u64::from(CELLS),
        at(last + 1).div_ceil(u64::from(CELLS)),
    );
    // Both fit: neither is beyond the edge.
    (start as u32, (end - start) as u32)
}

/// Steps between the lowest and the highest value of a colour in the cell at (`left`, `top`) and at its right and lower edge:
/// a step between two cells is one's.
fn contrast(small: &RgbImage, left: u32, top: u32) -> u8 {
    let (mut low, mut high) = ([u8::MAX; 3], [0; 3]);
    let along = |start: u32| start..=(start + CELL).min(SMALL - 1);
    for (x, y) in along(top).flat_map(|y| along(left).map(move |x| (x, y))) {
        for (channel, value) in small.get_pixel(x, y).0.into_iter().enumerate() {
            low[channel] = value.min(low[channel]);
            high[channel] = value.max(high[channel]);
        }
    }
    let steps = high.iter().zip(low).map(|(high, low)| high - low);
    steps.max().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use image::Rgb;
    use proptest::prelude::*;

    use super::*;

    /// Grey paper that gets darker to the right, with grain of +-3 steps.
    fn paper(width: u32, height: u32) -> RgbImage {
        RgbImage::from_fn(width, height, |x, y| {
            let grain = (x * 7 + y * 13 + x * y) % 7;
            Rgb([(200 - 40 * x / width + grain) as u8; 3])
        })
    }

    proptest! {
        #[test]
        fn content_is_close_by_and_whole(
            (width, height) in (1u32..2000, 1u32..2000),
            (x1, x2, y1, y2) in (0.0f32..1.0, 0.0f32..1.0, 0.0f32..1.0, 0.0f32..1.0),
        ) {
            let along = |a: f32, b: f32, edge: u32| {
                let at = |share: f32| (share * edge as f32) as u32;
                (i64::from(at(a.min(b))), at(a.max(b)) - at(a.min(b)))
            };
            let ((x, across), (y, down)) = (along(x1, x2, width), along(y1, y2, height));
            let content = Region { x, y, width: across, height: down };
            let near = shown((width, height), content);
            let end = |start: i64, len: u32| start + i64::from(len);
            prop_assert!(0 <= near.x && near.x <= x && end(x, across) <= end(near.x, near.width));
            prop_assert!(0 <= near.y && near.y <= y && end(y, down) <= end(near.y, near.height));
            prop_assert!(end(near.x, near.width) <= width.into() && end(near.y, near.height) <= height.into());
            // Edges are of whole pixels.
            let closer = |edge: u32, shown: u32| edge as f32 / shown as f32;
            let (across, down) = (closer(width, near.width), closer(height, near.height));
            prop_assert!(across <= CLOSEST[0] && down <= CLOSEST[1]);
            let pixel = closer(near.width + 1, near.width) * closer(near.height + 1, near.height);
            prop_assert!(across / down <= CLOSEST[0] * pixel && down / across <= HIGHER * pixel);
        }

        #[test]
        fn ink_is_never_cut_off(
            (width, height) in (1u32..400, 1u32..400),
            place in (0.0f32..0.9, 0.0f32..0.9, 0.0f32..0.9, 0.0f32..0.9),
        ) {
            let mut picture = paper(width, height);
            let at = |share: f32, edge: u32| (share * edge as f32) as u32;
            let (x1, x2) = (at(place.0.min(place.1), width), at(place.0.max(place.1), width));
            let (y1, y2) = (at(place.2.min(place.3), height), at(place.2.max(place.3), height));
            // One of the small pixels is covered, wherever they lie.
            let thick = 2 * (width.max(height) / SMALL + 1);
            let end = |from: u32, edge: u32| (from + thick).min(edge);
            // Something small at both ends: a black heading and a pale page number.
            for (left, top, ink) in [(x1, y1, 20), (x2, y2, 110)] {
                for (x, y) in (left..end(left, width)).flat_map(|x| (top..end(top, height)).map(move |y| (x, y))) {
                    picture.put_pixel(x, y, Rgb([ink; 3]));
                }
            }
            let found = close_by(&picture);
            let (right, bottom) = (found.x + i64::from(found.width), found.y + i64::from(found.height));
            prop_assert!(found.x <= i64::from(x1) && i64::from(end(x2, width)) <= right, "{found:?}, {x1} to {x2}");
            prop_assert!(found.y <= i64::from(y1) && i64::from(end(y2, height)) <= bottom, "{found:?}, {y1} to {y2}");
            prop_assert!(found.x >= 0 && right <= i64::from(width) && found.y >= 0 && bottom <= i64::from(height));
        }
    }

    #[test]
    fn paper_is_left_out() {
        let mut picture = paper(240, 480);
        (100..140).for_each(|x| picture.put_pixel(x, 300, Rgb([0; 3])));
        let expected = Region {
            x: 90,
            y: 280,
            width: 50,
            height: 40,
        };
        assert_eq!(content(&picture), expected);
    }

    #[test]
    fn ink_of_whole_cells_is_content() {
        // In the first each pixel is a cell; in the second pixels are as wide as two cells and more.
        for (size, ink) in [((24, 24), (7, 20)), ((10, 5), (8, 0))] {
            let mut picture = RgbImage::from_pixel(size.0, size.1, Rgb([200; 3]));
            picture.put_pixel(ink.0, ink.1, Rgb([90; 3]));
            let Region {
                x,
                y,
                width,
                height,
            } = content(&picture);
            let (right, bottom) = (x + i64::from(width), y + i64::from(height));
            assert!(x <= ink.0.into() && right > ink.0.into(), "{x} to {right}");
            assert!(
                y <= ink.1.into() && bottom > ink.1.into(),
                "{y} to {bottom}"
            );
        }
    }

    #[test]
    fn all_of_a_picture_without_content() {
        for size in [(0, 0), (0, 3), (1, 1), (100, 7)] {
            assert_eq!(content(&paper(size.0, size.1)), Region::whole(size));
        }
    }

    #[test]
    fn all_of_a_picture_full_of_it() {
        let chess = RgbImage::from_fn(96, 96, |x, y| Rgb([((x + y) % 2 * 200) as u8; 3]));
        assert_eq!(content(&chess), Region::whole((96, 96)));
    }
}

//! Text lines of a page in reading order: an optional stage before recognition.
//!
//! Ink is found by contrast, letters by their size, the slope of the lines by where letters stand,
//! and columns and lines by recursive cuts through empty space (XY-cut). Lines of one image are
//! parallel. Memory is a small part of the image's own, whatever its shape.
//!
//! ```
//! use vary_vision::layout::text_lines;
//!
//! let page = image::RgbImage::from_pixel(600, 800, image::Rgb([255; 3]));
//! for line in text_lines(&page) {
//!     let strip = line.crop(&page);
//!     let [x, y] = line.to_image([0.0, strip.height() as f32]);
//!     println!("{:?}, lower left corner at {x}, {y}", line.bbox());
//! }
//! ```

mod ink;
mod letters;
mod order;

use image::{Rgb, RgbImage};

use letters::{Letter, median};

/// Fewest letters of a line that can be judged by how they stand.
const JUDGED: f32 = 3.0;
/// Letters of a line stand on its baseline but for this share of their height,
const BASELINE: f32 = 0.2;
/// and at least this share of them, as few letters have tails. Of random shapes fewer do.
const ALIGNED: f32 = 0.5;
/// A line with fewer letters is like the others if theirs are at most so many times as high or low.
const SIMILAR: f32 = 2.0;
/// A mark belongs to a line if it is at most so many letter heights beside or above its letters.
const BESIDE: [f32; 2] = [4.0, 1.0];
/// Paper around a line, in its letters' heights.
const PADDING: f32 = 0.25;
/// A gap of so many letter heights separates cells of a row: spaces between words are narrower.
const CELL: f32 = 2.6;
/// Lines of a block follow each other with at most so many letter heights of paper between them.
const BLOCK: f32 = 1.6;

/// A text line of a page, or a cell of a row of a table; may be slanted.
///
/// Coordinates are pixels, (0, 0) is the upper left corner of the upper left pixel.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct TextLine {
    /// The upper left corner in the image.
    corner: [f32; 2],
    /// Unit vector along the line in the image.
    direction: [f32; 2],
    /// Length and height in the image.
    extent: [f32; 2],
    /// Width and height of the crop.
    size: [u32; 2],
    /// Width and height of the image.
    image: [u32; 2],
    /// Top and bottom of the letters in the crop.
    inner: [f32; 2],
    row: usize,
    block: usize,
}

/// The text lines of `image` in reading order: columns of text beside each other are read one after
/// the other, rows of a table or a form across. Empty if no text lines are found.
///
/// Lines may rise or fall by up to a tenth of their length. Letters are at least 5 pixels high, and
/// at least 1/300 of the shorter edge.
pub fn text_lines(image: &RgbImage) -> Vec<TextLine> {
    if image.height() < letters::LEAST_HEIGHT {
        return vec![];
    }
    let (blobs, factor) = ink::blobs(image);
    let Some(found) = letters::letters(blobs) else {
        return vec![];
    };
    let mut rows = order::rows_in_order(found.letters, found.height);
    keep_text(&mut rows);
    let cells = rows.into_iter().enumerate();
    let cells = cells.flat_map(|(i, row)| cells_of(row).into_iter().map(move |cell| (i, cell)));
    let cells: Vec<Cell> = cells
        .filter_map(|(i, letters)| Cell::new(i, &letters))
        .collect();
    let lines = cells.iter().enumerate().filter(|(i, inner)| {
        let before = i.checked_sub(1).and_then(|i| cells.get(i));
        let mut beside = before.into_iter().chain(cells.get(i + 1));
        !beside.any(|outer| is_dot(&inner.edges, &outer.edges))
    });
    let lines: Vec<&Cell> = lines.map(|(_, cell)| cell).collect();
    let placed = lines
        .iter()
        .zip(blocks(&lines))
        .map(|(cell, block)| TextLine {
            row: cell.row,
            block,
            ..TextLine::new(cell, factor as f32, found.direction, image.dimensions())
        });
    placed.collect()
}

/// A cell of a row, in the reduced and levelled image.
struct Cell {
    row: usize,
    /// Left, top, right and bottom of its letters and marks.
    edges: [f32; 4],
    /// Paper that is cut out around them.
    padding: f32,
}

/// The cells of a row from left to right; most rows are a single one.
fn cells_of(row: Vec<Letter>) -> Vec<Vec<Letter>> {
    let heights = row.iter().filter(|letter| !letter.is_mark);
    let gap = CELL * median(heights.map(Letter::height)).unwrap_or(f32::INFINITY);
    let mut letters = row;
    letters.sort_by(|a, b| a.left.total_cmp(&b.left));
    let mut cells: Vec<Vec<Letter>> = vec![];
    let mut end = f32::NEG_INFINITY;
    for letter in letters {
        match cells.last_mut() {
            Some(cell) if letter.left - end <= gap => cell.push(letter),
            _ => cells.push(vec![letter]),
        }
        end = end.max(letter.right);
    }
    // Leaders of dots and lone specks are no cells.
    cells.retain(|cell| cell.iter().any(|letter| !letter.is_mark));
    cells
}

/// The number of each line's block: lines below each other with little paper between them.
fn blocks(lines: &[&Cell]) -> Vec<usize> {
    let mut block = 0;
    let mut numbers = Vec::with_capacity(lines.len());
    for (i, line) in lines.iter().enumerate() {
        if let Some(before) = i.checked_sub(1).map(|i| lines[i])
            && before.row != line.row
        {
            let ([_, above, _, bottom], [_, top, _, end]) = (before.edges, line.edges);
            // Lines with high and low letters are 1.4 times as high as their letters.
            let height = (bottom - above).min(end - top) / 1.4;
            if top - bottom > BLOCK * height || top < above {
                block += 1;
            }
        }
        numbers.push(block);
    }
    numbers
}

/// Whether a row is the dot of a letter: those of headings are as large as letters of the text.
fn is_dot(inner: &[f32; 4], outer: &[f32; 4]) -> bool {
    let middle = (inner[1] + inner[3]) / 2.0;
    outer[0] < inner[0] && inner[2] < outer[2] && outer[1] < middle && middle < outer[3]
}

/// Drops rows of shapes that are no text: letters of a line stand on one height, and lines too
/// short to be judged have letters as high as others.
fn keep_text(rows: &mut Vec<Vec<Letter>>) {
    let judged = |row: &[Letter]| {
        let letters = || row.iter().filter(|letter| !letter.is_mark);
        let height = median(letters().map(Letter::height))?;
        let base = median(letters().map(|letter| letter.bottom))?;
        let stands = |letter: &&Letter| (letter.bottom - base).abs() <= BASELINE * height;
        let aligned = letters().filter(stands).count() as f32;
        let is_text = aligned >= ALIGNED * letters().count() as f32;
        // Letters that touch are a single shape.
        let count: f32 = letters().map(|l| (l.width() / l.height()).max(1.0)).sum();
        Some((height, (count >= JUDGED).then_some(is_text)))
    };
    let lines = rows.iter().filter_map(|row| judged(row));
    let heights = lines.filter_map(|(height, text)| (text == Some(true)).then_some(height));
    let usual = match (median(heights), &rows[..]) {
        (Some(usual), _) => usual,
        // Nothing else is there to judge it by: a crop of a short word.
        (None, [row]) => judged(row).map_or(0.0, |(height, _)| height),
        (None, _) => return rows.clear(),
    };
    let similar = usual / SIMILAR..=usual * SIMILAR;
    rows.retain(|row| {
        judged(row).is_some_and(|(height, text)| text.unwrap_or(similar.contains(&height)))
    });
}

impl Cell {
    /// `None` if there are marks only.
    fn new(row: usize, letters: &[Letter]) -> Option<Self> {
        let upright = || letters.iter().filter(|letter| !letter.is_mark);
        let usual = median(upright().map(Letter::height))?;
        let merge = |a: [f32; 4], b: [f32; 4]| {
            [
                a[0].min(b[0]),
                a[1].min(b[1]),
                a[2].max(b[2]),
                a[3].max(b[3]),
            ]
        };
        let edges = |letter: &Letter| [letter.left, letter.top, letter.right, letter.bottom];
        let inner = upright().map(edges).reduce(merge)?;
        let [across, down] = BESIDE.map(|share| share * usual);
        let near = |letter: &&Letter| {
            let middle = letter.centre()[1];
            letter.right >= inner[0] - across
                && letter.left <= inner[2] + across
                && (inner[1] - down..=inner[3] + down).contains(&middle)
        };
        Some(Self {
            row,
            edges: letters.iter().filter(near).map(edges).fold(inner, merge),
            padding: PADDING * usual,
        })
    }
}

impl TextLine {
    /// Width and height of the crop in pixels.
    pub fn size(&self) -> (u32, u32) {
        let [width, height] = self.size;
        (width, height)
    }

    /// The cell with its padding, `factor` times as large, in an image that is turned by
    /// `direction`.
    fn new(cell: &Cell, factor: f32, direction: [f32; 2], (width, height): (u32, u32)) -> Self {
        let [left, top, right, bottom] = cell.edges.map(|edge| edge * factor);
        let padding = cell.padding * factor;
        let mut edges = [
            (left - padding).floor(),
            (top - padding).floor(),
            (right + padding).ceil(),
            (bottom + padding).ceil(),
        ];
        if direction[1] == 0.0 {
            for (i, edge) in edges.iter_mut().enumerate() {
                *edge = edge.clamp(0.0, [width, height][i % 2] as f32);
            }
        }
        let inner = [top - edges[1], bottom - edges[1]];
        let [left, top, right, bottom] = edges;
        let [cos, sin] = direction;
        let extent = [right - left, bottom - top];
        // A slanted line can be a little longer than the image is wide.
        let size = |extent: f32, most: u32| (extent.round() as u32).clamp(1, most.max(1));
        Self {
            corner: [left * cos - top * sin, left * sin + top * cos],
            direction,
            extent,
            size: [size(extent[0], width), size(extent[1], height)],
            image: [width, height],
            inner,
            row: 0,
            block: 0,
        }
    }

    /// Number of its row: cells of a row of a table have the same.
    pub fn row(&self) -> usize {
        self.row
    }

    /// Number of its block, such as a paragraph or a heading.
    pub fn block(&self) -> usize {
        self.block
    }

    /// Top and bottom of its highest and lowest letters, in pixels of the crop.
    pub fn letter_rows(&self) -> [f32; 2] {
        self.inner
    }

    /// The smallest upright rectangle around the line: x1, y1, x2, y2 in pixels of the image,
    /// inside of it.
    pub fn bbox(&self) -> [f32; 4] {
        let [width, height] = self.size.map(|edge| edge as f32);
        self.bbox_of([0.0, 0.0, width, height])
    }

    /// The same around a part of the line: left, top, right, bottom in pixels of the crop.
    pub fn bbox_of(&self, [left, top, right, bottom]: [f32; 4]) -> [f32; 4] {
        let corners = [[left, top], [right, top], [left, bottom], [right, bottom]];
        let corners = corners.map(|corner| self.to_image(corner));
        let [first, rest @ ..] = corners;
        rest.iter()
            .fold([first[0], first[1], first[0], first[1]], |b, [x, y]| {
                [b[0].min(*x), b[1].min(*y), b[2].max(*x), b[3].max(*y)]
            })
    }

    /// The line as an upright strip, in the resolution of the image; never more pixels than the
    /// image has. Pixels outside of the image repeat those at its edge.
    ///
    /// `image` is the one that the line was found in.
    pub fn crop(&self, image: &RgbImage) -> RgbImage {
        let [width, height] = self.size;
        if image.width() == 0 || image.height() == 0 {
            return RgbImage::new(0, 0);
        }
        RgbImage::from_fn(width, height, |x, y| {
            let [x, y] = self.unclamped([x as f32 + 0.5, y as f32 + 0.5]);
            bilinear(image, x - 0.5, y - 0.5)
        })
    }

    /// From pixels of the crop to pixels of the image, clamped to the image.
    pub fn to_image(&self, point: [f32; 2]) -> [f32; 2] {
        let [x, y] = self.unclamped(point);
        let [width, height] = self.image.map(|edge| edge as f32);
        [x.clamp(0.0, width), y.clamp(0.0, height)]
    }

    fn unclamped(&self, [x, y]: [f32; 2]) -> [f32; 2] {
        let along = x * self.extent[0] / self.size[0] as f32;
        let down = y * self.extent[1] / self.size[1] as f32;
        let [cos, sin] = self.direction;
        [
            self.corner[0] + along * cos - down * sin,
            self.corner[1] + along * sin + down * cos,
        ]
    }
}

/// The colour between four pixels, whose centres are at whole numbers; beyond the edge that of the
/// edge. The image has pixels.
fn bilinear(image: &RgbImage, x: f32, y: f32) -> Rgb<u8> {
    let at = |value: f32, edge: u32| {
        let value = value.clamp(0.0, (edge - 1) as f32);
        let low = value as u32;
        (low, (low + 1).min(edge - 1), value.fract())
    };
    let (left, right, across) = at(x, image.width());
    let (top, bottom, down) = at(y, image.height());
    let row = |y: u32| {
        let (a, b) = (image.get_pixel(left, y).0, image.get_pixel(right, y).0);
        [0, 1, 2].map(|c| f32::from(a[c]) + (f32::from(b[c]) - f32::from(a[c])) * across)
    };
    let (above, below) = (row(top), row(bottom));
    Rgb([0, 1, 2].map(|c| (above[c] + (below[c] - above[c]) * down).round() as u8))
}

#[cfg(test)]
mod tests;

use std::ops::Range;

use image::imageops::thumbnail;
use image::{Rgb, RgbImage};

/// Fewest lines that are shown in bands, but for a single one: two or three are read better in the whole picture.
const FEWEST: usize = 4;
/// Longer edge of the small picture that lines are looked for in.
const SMALL: u32 = 384;
/// Steepest lines, in rows per column.
const STEEPEST: f32 = 0.1;
/// The ink of a pixel begins above so many times the change of colour that a third of the pixels do not exceed, which is the
/// grain of the paper, or this share of the strongest, whichever is less,
const GRAIN: f32 = 6.0;
const STRONG: f32 = 0.4;
/// but not below this share of the strongest.
const FAINT: f32 = 0.15;
/// Between two lines there is a row with less than this share of the ink of the fullest row of either.
const GAP: f32 = 0.4;
/// A line has this share of the fullest row's ink in its own fullest,
const LEAST: f32 = 0.06;
/// so many times the ink of the emptiest eighth of the rows,
const NOISE: f32 = 4.0;
/// and so many rows with half of its fullest row's ink.
const THIN: usize = 3;
/// Where a line has less than this share of the ink of the fullest, or rows between lines more than that of a line beside them,
/// it is no page: things before scenery and grain have such rows.
const WEAKEST: f32 = 0.15;
const EMPTY: f32 = 0.3;
/// So many times as far apart as the nearest lines of a page are those of two paragraphs.
const ROOM: f32 = 1.25;
/// Share of the picture's width left beside the lines.
const BORDER: f32 = 0.04;
/// Rows above and below the lines, as a share of theirs.
const AROUND: f32 = 0.15;
/// A line alone is at most so many times as high as the picture is wide: the frame of a plate has ink on all of its rows.
const PLATE: f32 = 0.5;
/// How the lines of a page are shown, and how a line alone.
const OF_PAGE: Sizes = Sizes {
    closest: 2.5,
    highest: 1.4,
    higher: 1.2,
};
const ALONE: Sizes = Sizes {
    closest: 2.0,
    highest: 0.18,
    higher: 0.8,
};

/// What letters are known at: a word over all of a picture is read better from further away.
struct Sizes {
    /// How many times closer than the whole picture lines are shown at most.
    closest: f32,
    /// How high all lines together are at most, as a share of the width shown.
    highest: f32,
    /// How many times closer they are shown down than across at most, unless all of their rows take more.
    higher: f32,
}

/// Some lines of a page of writing, one below the other, and how they are shown upright in a square.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Band {
    /// Rows by which a line falls for each column to the right.
    slope: f32,
    /// Column in whose middle rows are counted, that of the picture.
    middle: f32,
    /// Rows of the lines on it.
    rows: (f32, f32),
    /// Whether there is more room above than between lines.
    apart: bool,
    /// Column at the left of what is shown, which may be outside of the picture.
    left: f32,
    /// Row at its top, likewise.
    top: f32,
    /// Columns and rows of what is shown.
    shown: (f32, f32),
}

/// The lines of writing of `picture` from the top down, in bands of at most `most` lines and as even as can be. None where there are
/// two or three lines, or none that are told apart by empty rows between them; lines may rise or fall by a tenth of
/// their length. A single line is a band, in which it is not higher than about a sixth, unless it is higher than half of the picture's width.
///
/// Columns of text beside each other are lines across all of them.
pub fn bands(picture: &RgbImage, most: usize) -> Vec<Band> {
    let (width, height) = picture.dimensions();
    let scale = (SMALL as f32 / width.max(height) as f32).min(1.0);
    let edge = |len: u32| (len as f32 * scale).round() as u32;
    let (across, down) = (edge(width), edge(height));
    if across == 0 || down == 0 || most == 0 {
        return vec![];
    }
    let ink = match scale < 1.0 {
        true => Ink::of(&thumbnail(picture, across, down)),
        false => Ink::of(picture),
    };
    let slope = ink.slope();
    let (edges, bases) = lines(&ink.rows(slope));
    let lines = bases.len();
    let sizes = match lines {
        1 if edges[1] - edges[0] <= PLATE * across as f32 => ALONE,
        FEWEST.. => OF_PAGE,
        _ => return vec![],
    };
    let count = lines.div_ceil(most);
    // Both are the same but for rounding.
    let (wide, high) = (width as f32 / across as f32, height as f32 / down as f32);
    let mut pitches: Vec<usize> = bases.windows(2).map(|pair| pair[1] - pair[0]).collect();
    let pitch = pitches.clone();
    pitches.sort_unstable();
    let nearest = pitches.get(pitches.len() / 4).copied().unwrap_or(0);
    let room = ROOM * nearest as f32;
    let band = |i: usize| {
        let (first, end) = (i * lines / count, (i + 1) * lines / count);
        let rows = (edges[first], edges[end]);
        let columns = ink.columns(slope, rows);
        let band = Band::new(
            (width as f32, slope * high / wide),
            (rows.0 * high, rows.1 * high),
            (columns.start as f32 * wide, columns.end as f32 * wide),
            &sizes,
        );
        let apart = first > 0 && pitch[first - 1] as f32 > room;
        Band { apart, ..band }
    };
    (0..count).map(band).collect()
}

impl Band {
    /// Of the `rows` of a picture `width` wide, with ink from one of the `columns` to the other.
    fn new(
        (width, slope): (f32, f32),
        rows: (f32, f32),
        columns: (f32, f32),
        sizes: &Sizes,
    ) -> Self {
        let high = rows.1 - rows.0;
        let wide = columns.1 - columns.0 + 2.0 * BORDER * width;
        let wide = wide.max(high / sizes.highest).max(width / sizes.closest);
        let tall = (high * (1.0 + AROUND)).max(wide / sizes.higher);
        Self {
            slope,
            middle: width / 2.0,
            rows,
            apart: false,
            left: (columns.0 + columns.1 - wide) / 2.0,
            top: (rows.0 + rows.1 - tall) / 2.0,
            shown: (wide, tall),
        }
    }

    /// Edge of the square in pixels.
    fn side(&self) -> u32 {
        self.shown.0.ceil().max(1.0) as u32
    }

    /// The lines upright in a square; around them there is paper, the middle one of their colours.
    pub fn show(&self, picture: &RgbImage) -> RgbImage {
        let side = self.side();
        let paper = self.paper(picture);
        let step = |edge: f32| edge / side as f32;
        RgbImage::from_fn(side, side, |x, y| {
            let x = self.left + (x as f32 + 0.5) * step(self.shown.0);
            let y = self.top + (y as f32 + 0.5) * step(self.shown.1);
            self.colour(picture, x, y).unwrap_or(paper)
        })
    }

    /// The colour at a column of the picture and a row of the middle column, between the rows next to it; `None` outside of the
    /// picture and of the lines.
    fn colour(&self, picture: &RgbImage, x: f32, row: f32) -> Option<Rgb<u8>> {
        let y = row + self.slope * (x - self.middle) - 0.5;
        if x < 0.0 || y < -0.5 || !(self.rows.0..self.rows.1).contains(&row) {
            return None;
        }
        let (y, part) = (y.max(0.0) as u32, y.max(0.0).fract());
        let above = picture.get_pixel_checked(x as u32, y)?.0.map(f32::from);
        let below = picture.get_pixel_checked(x as u32, y + 1);
        let below = below.map_or(above, |below| below.0.map(f32::from));
        let between = |c: usize| (above[c] + (below[c] - above[c]) * part).round() as u8;
        Some(Rgb([0, 1, 2].map(between)))
    }

    /// The median of each channel of what is shown.
    fn paper(&self, picture: &RgbImage) -> Rgb<u8> {
        let mut counts = [[0u32; 256]; 3];
        let mut all = 0;
        for row in 0..(self.rows.1 - self.rows.0).ceil() as u32 {
            for x in 0..picture.width() {
                let row = self.rows.0 + row as f32 + 0.5;
                if let Some(Rgb(colour)) = self.colour(picture, x as f32 + 0.5, row) {
                    all += 1;
                    for (counts, value) in counts.iter_mut().zip(colour) {
                        counts[usize::from(value)] += 1;
                    }
                }
            }
        }
        let median = |counts: [u32; 256]| {
            let mut below = 0;
            let middle = counts.iter().position(|count| {
                below += count;
                2 * below >= all
            });
            middle.unwrap_or(0) as u8
        };
        Rgb(counts.map(median))
    }

    /// Whether there is more room above the first line than between the lines of a paragraph.
    pub fn is_apart(&self) -> bool {
        self.apart
    }

    /// Row of a point of the picture on the middle column.
    fn row(&self, [x, y]: [f32; 2]) -> f32 {
        y - self.slope * (x - self.middle)
    }

    /// Whether a point of the picture, in pixels, is between the first line's upper and the last one's lower end.
    pub fn holds(&self, at: [f32; 2]) -> bool {
        (self.rows.0..self.rows.1).contains(&self.row(at))
    }

    /// Where a point of the picture, in pixels, is in what is shown, which may be outside of it.
    pub fn place(&self, at: [f32; 2]) -> [f32; 2] {
        let side = self.side() as f32;
        [
            (at[0] - self.left) / self.shown.0 * side,
            (self.row(at) - self.top) / self.shown.1 * side,
        ]
    }
}

/// How much a picture changes from column to column: letters do, paper, rules and shadows little.
struct Ink {
    width: usize,
    values: Vec<f32>,
}

impl Ink {
    fn of(picture: &RgbImage) -> Self {
        let (width, height) = picture.dimensions();
        let luma = |x: u32, y: u32| {
            let [r, g, b] = picture.get_pixel(x, y).0.map(f32::from);
            0.299 * r + 0.587 * g + 0.114 * b
        };
        let change =
            |x: u32, y: u32| (luma((x + 1).min(width - 1), y) - luma(x.saturating_sub(1), y)).abs();
        let pixels = (0..height).flat_map(|y| (0..width).map(move |x| (x, y)));
        let mut values: Vec<f32> = pixels.map(|(x, y)| change(x, y)).collect();
        let mut sorted = values.clone();
        let mut share = |of: usize, all: usize| {
            let at = (sorted.len() * of / all).min(sorted.len() - 1);
            *sorted.select_nth_unstable_by(at, f32::total_cmp).1
        };
        // A word on a page is half a percent of it.
        let (calm, strong) = (share(1, 3), share(995, 1000));
        let from = (GRAIN * calm).min(STRONG * strong).max(FAINT * strong);
        // Black letters do not outweigh grey ones.
        let most = 0.6 * strong;
        values
            .iter_mut()
            .for_each(|value| *value = (*value - from).max(0.0).min(most));
        Self {
            width: width as usize,
            values,
        }
    }

    /// Ink on each row, rows being those of the middle column and falling by `slope`.
    fn rows(&self, slope: f32) -> Vec<f32> {
        let height = self.values.len() / self.width;
        let mut rows = vec![0.0; height];
        for x in 0..self.width {
            let fall = slope * (x as f32 + 0.5 - self.width as f32 / 2.0);
            let (whole, part) = (fall.floor() as isize, fall - fall.floor());
            for y in 0..height {
                let value = self.values[y * self.width + x];
                // Most are 0.
                if value > 0.0 {
                    let at = |row: isize| row.clamp(0, height as isize - 1) as usize;
                    let row = y as isize - whole;
                    rows[at(row)] += value * (1.0 - part);
                    rows[at(row - 1)] += value * part;
                }
            }
        }
        rows
    }

    /// The slope at which rows differ most from their neighbours, to a row across the picture.
    fn slope(&self) -> f32 {
        let most = (STEEPEST * self.width as f32) as i32;
        let slope = |fall: i32| fall as f32 / self.width as f32;
        let difference = |fall: i32| {
            let rows = self.rows(slope(fall));
            let steps = rows.windows(2).map(|pair| (pair[1] - pair[0]).powi(2));
            steps.sum::<f32>()
        };
        let falls = (-most..=most).map(|fall| (fall, difference(fall)));
        // Of equal ones the first: no ink is as good as level.
        let best = falls.fold((0, difference(0)), |best, other| {
            if other.1 > best.1 { other } else { best }
        });
        slope(best.0)
    }

    /// The columns that ink on the rows begins and ends in.
    fn columns(&self, slope: f32, rows: (f32, f32)) -> Range<usize> {
        let height = self.values.len() / self.width;
        let ink = |x: &usize| {
            let fall = slope * (*x as f32 + 0.5 - self.width as f32 / 2.0);
            let at = |row: f32| ((row + fall).max(0.0) as usize).min(height);
            let column = (at(rows.0)..at(rows.1)).map(|y| self.values[y * self.width + *x]);
            column.sum::<f32>()
        };
        let columns: Vec<f32> = (0..self.width).map(|x| ink(&x)).collect();
        // A dash has little ink, that of its ends.
        let enough = 0.03 * columns.iter().copied().fold(0.0, f32::max);
        let filled = |ink: &f32| *ink > enough;
        match (
            columns.iter().position(filled),
            columns.iter().rposition(filled),
        ) {
            (Some(first), Some(last)) => first..last + 1,
            _ => 0..self.width,
        }
    }
}

/// Where the first line begins, where each of them ends and the next one begins, and where the last one ends, by the ink on each row;
/// and the last row of each with half of its fullest row's ink, which is where most letters stand. Nothing where there is no line.
fn lines(rows: &[f32]) -> (Vec<f32>, Vec<usize>) {
    let last = rows.len() - 1;
    let smooth = |y: usize| {
        let beside = rows[y.saturating_sub(1)] + rows[(y + 1).min(last)];
        0.5 * rows[y] + 0.25 * beside
    };
    let mut rows: Vec<f32> = (0..=last).map(smooth).collect();
    let mut sorted = rows.clone();
    sorted.sort_by(f32::total_cmp);
    // The edges of a plate or of a table's cells are on all rows.
    let (floor, emptiest, fullest) = (sorted[0], sorted[last / 8], sorted[last]);
    let least = (LEAST * (fullest - floor)).max(NOISE * (emptiest - floor));
    rows.iter_mut().for_each(|row| *row -= floor);
    let peaks = peaks(&rows, least);
    let none = (vec![], vec![]);
    let (Some(&first), Some(&end)) = (peaks.first(), peaks.last()) else {
        return none;
    };
    let ink = |peak: &usize| rows[*peak];
    let weakest = peaks.iter().map(ink).fold(f32::INFINITY, f32::min);
    let strongest = peaks.iter().map(ink).fold(0.0, f32::max);
    // The ink of the emptiest row between two lines, and of the fullest one of the weaker line.
    let inks = |pair: &[usize]| {
        let between = rows[pair[0]..pair[1]].iter().copied();
        let lowest = between.fold(f32::INFINITY, f32::min);
        (lowest, rows[pair[0]].min(rows[pair[1]]))
    };
    let blurred = |pair: &[usize]| {
        let (lowest, full) = inks(pair);
        lowest > EMPTY * full
    };
    if weakest < WEAKEST * strongest
        || emptiest - floor > EMPTY * weakest
        || peaks.windows(2).any(blurred)
    {
        return none;
    }
    // The middle of the emptiest rows between two lines.
    let between = |pair: &[usize]| {
        let (above, below) = (pair[0], pair[1]);
        let (lowest, full) = inks(pair);
        let empty = |y: &usize| rows[*y] <= lowest + 0.05 * full;
        let mut inside = above..below;
        let from = inside.clone().find(empty).unwrap_or(above);
        let to = inside.rfind(empty).unwrap_or(below);
        (from + to + 1) as f32 / 2.0
    };
    let quiet = |y: &usize, line: usize| rows[*y] < 0.04 * rows[line];
    let start = (0..first).rev().find(|y| quiet(y, first)).unwrap_or(0);
    let stop = (end..=last).find(|y| quiet(y, end)).unwrap_or(last) + 1;
    let mut edges = vec![start as f32];
    edges.extend(peaks.windows(2).map(between));
    edges.push(stop as f32);
    let bases = peaks.iter().map(|&peak| {
        let half = |y: &usize| rows[*y] > 0.5 * rows[peak];
        (peak..=last).take_while(half).last().unwrap_or(peak)
    });
    (edges, bases.collect())
}

/// The fullest row of each line: those with `least` ink that a gap parts from the one before.
fn peaks(rows: &[f32], least: f32) -> Vec<usize> {
    let mut peaks: Vec<usize> = vec![];
    // Where the line that is gone through is fullest; none of its rows is before the last gap.
    let mut peak: Option<usize> = None;
    let mut lowest = 0.0;
    for (y, &ink) in rows.iter().enumerate() {
        match peak {
            Some(at) if ink > rows[at] => peak = Some(y),
            Some(at) if ink < GAP * rows[at] => {
                peaks.push(at);
                (peak, lowest) = (None, ink);
            }
            Some(_) => {}
            None if ink > least && lowest < GAP * ink => peak = Some(y),
            None => lowest = ink.min(lowest),
        }
    }
    peaks.extend(peak);
    peaks.retain(|&at| {
        let half = |y: &usize| rows[*y] > 0.5 * rows[at];
        let above = (0..at).rev().take_while(half).count();
        above + (at..rows.len()).take_while(half).count() >= THIN
    });
    peaks
}

#[cfg(test)]
mod tests;

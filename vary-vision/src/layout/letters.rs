//! Which blobs are letters, and by how much lines of them rise or fall.

use super::ink::Blob;

/// Letters lower than so many pixels cannot be read.
pub(super) const LEAST_HEIGHT: u32 = 5;
/// A blob lower than this share of the usual letter is a mark: a dot, an accent, a dash, a speck.
/// It belongs to a line but does not make one. The lowest letters have two thirds of the highest.
const MARK: f32 = 0.5;
/// A mark is at most so many times as wide as the usual letter is high; the rest are rules.
const RULE: f32 = 4.0;
/// A letter of a heading is at most so many times as high as the usual letter; the rest is figures.
const FIGURE: f32 = 10.0;
/// From so many times the usual height on, a narrow blob is a rule, one around others a frame.
const FRAME: f32 = 2.0;
/// Steepest lines, in rows per column: a sheet put down or photographed askew, not one turned.
const STEEPEST: f32 = 0.1;
/// Lines count as level unless so many times as well aligned otherwise: a few letters with tails
/// align a little better in some other direction.
const LEVEL: f64 = 1.05;
/// Blobs that the slope is found from, at most; more only take time.
const SAMPLES: usize = 5000;

/// A letter, part of one, or several that touch. Coordinates are those of the reduced image, or of
/// that image turned so that lines are level.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Letter {
    pub left: f32,
    pub top: f32,
    pub right: f32,
    pub bottom: f32,
    /// Too low for a letter: it belongs to a line but does not make one.
    pub is_mark: bool,
}

impl Letter {
    pub fn width(&self) -> f32 {
        self.right - self.left
    }

    pub fn height(&self) -> f32 {
        self.bottom - self.top
    }

    pub fn centre(&self) -> [f32; 2] {
        [
            (self.left + self.right) / 2.0,
            (self.top + self.bottom) / 2.0,
        ]
    }

    /// The letter where its image is turned by `direction` to be level. Its edges become upright:
    /// what a slanted word takes more than a level one is taken off.
    fn turned(self, [cos, sin]: [f32; 2]) -> Self {
        let [x, y] = self.centre();
        let (u, v) = (x * cos + y * sin, y * cos - x * sin);
        let edge = |edge: f32, other: f32| (edge - sin.abs() * other).max(edge / 2.0) / 2.0;
        let (half_width, half_height) = (
            edge(self.width(), self.height()),
            edge(self.height(), self.width()),
        );
        Self {
            left: u - half_width,
            top: v - half_height,
            right: u + half_width,
            bottom: v + half_height,
            ..self
        }
    }
}

/// The letters of an image, turned so that their lines are level.
pub(super) struct Letters {
    pub letters: Vec<Letter>,
    /// Median height of the letters.
    pub height: f32,
    /// Unit vector along the lines, in the image.
    pub direction: [f32; 2],
}

/// The letters among `blobs`; `None` where there are none.
pub(super) fn letters(mut blobs: Vec<Blob>) -> Option<Letters> {
    let heights = blobs.iter().map(|blob| (blob.bottom - blob.top) as f32);
    let height = median(heights.filter(|&height| height >= LEAST_HEIGHT as f32))?;
    blobs.sort_unstable_by_key(|blob| (blob.left, blob.top));
    let letters: Vec<Letter> = (0..blobs.len())
        .filter_map(|i| letter(&blobs, i, height))
        .collect();
    let slope = slope(&letters, height);
    let length = slope.hypot(1.0);
    let direction = [1.0 / length, slope / length];
    Some(Letters {
        letters: letters
            .into_iter()
            .map(|letter| letter.turned(direction))
            .collect(),
        height,
        direction,
    })
}

/// The middle one of some values; `None` if there are none.
pub(super) fn median(values: impl Iterator<Item = f32>) -> Option<f32> {
    let mut values: Vec<f32> = values.collect();
    let middle = values.len() / 2;
    match values.is_empty() {
        true => None,
        false => Some(*values.select_nth_unstable_by(middle, f32::total_cmp).1),
    }
}

/// Blob `i` of those sorted by their left edge, unless it is a rule, a frame or a figure.
fn letter(blobs: &[Blob], i: usize, usual: f32) -> Option<Letter> {
    let blob = blobs[i];
    let letter = Letter {
        left: blob.left as f32,
        top: blob.top as f32,
        right: blob.right as f32,
        bottom: blob.bottom as f32,
        is_mark: ((blob.bottom - blob.top) as f32) < MARK * usual,
    };
    let (width, height) = (letter.width(), letter.height());
    let is_rule = (letter.is_mark && width > RULE * usual)
        || (height > FRAME * usual && width < MARK * usual);
    let is_frame = || {
        let inside = |other: &&Blob| {
            let is_letter = (other.bottom - other.top) as f32 >= MARK * usual;
            is_letter
                && other.top > blob.top
                && other.bottom < blob.bottom
                && other.right < blob.right
        };
        let from_here = blobs[i + 1..].iter();
        let others = from_here.take_while(|other| other.left < blob.right);
        height > FRAME * usual && others.filter(inside).nth(1).is_some()
    };
    (!is_rule && height <= FIGURE * usual && !is_frame()).then_some(letter)
}

/// The slope at which the lower ends of the letters gather on the fewest rows.
fn slope(letters: &[Letter], usual: f32) -> f32 {
    let upright: Vec<&Letter> = letters.iter().filter(|letter| !letter.is_mark).collect();
    let step = upright.len().div_ceil(SAMPLES).max(1);
    let bottoms: Vec<[f32; 2]> = upright
        .iter()
        .step_by(step)
        .map(|letter| [letter.centre()[0], letter.bottom])
        .collect();
    let extent = |axis: usize| {
        let values = bottoms.iter().map(|point| point[axis]);
        values.fold((f32::INFINITY, f32::NEG_INFINITY), |(low, high), value| {
            (low.min(value), high.max(value))
        })
    };
    let ((left, right), (top, bottom)) = (extent(0), extent(1));
    // Rows of a quarter letter separate baselines from tails, and slopes differ by one such row.
    let row = usual / 4.0;
    let width = right - left;
    let reach = STEEPEST * width;
    if bottoms.is_empty() || reach < row {
        return 0.0;
    }
    let mut counts = vec![0f32; ((bottom - top + 2.0 * reach) / row) as usize + 2];
    let mut alignment = |slope: f32| {
        counts.fill(0.0);
        for [x, y] in &bottoms {
            let at = (y - slope * (x - left) - top + reach) / row;
            let (whole, part) = (at as usize, at.fract());
            for (at, share) in [(whole, 1.0 - part), (whole + 1, part)] {
                if let Some(count) = counts.get_mut(at) {
                    *count += share;
                }
            }
        }
        counts
            .iter()
            .map(|&count| f64::from(count).powi(2))
            .sum::<f64>()
    };
    let steps = (reach / row) as i32;
    let level = alignment(0.0);
    let slopes = (-steps..=steps).map(|step| step as f32 * row / width);
    let best = slopes
        .map(|slope| (slope, alignment(slope)))
        .max_by(|a, b| a.1.total_cmp(&b.1));
    best.filter(|best| best.1 > LEVEL * level)
        .map_or(0.0, |best| best.0)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn blob(left: u32, top: u32, width: u32, height: u32) -> Blob {
        Blob {
            left,
            top,
            right: left + width,
            bottom: top + height,
        }
    }

    fn word(top: u32) -> Vec<Blob> {
        (0..20).map(|i| blob(10 + 14 * i, top, 10, 12)).collect()
    }

    #[test]
    fn rules_and_frames_are_dropped() {
        let mut blobs = word(50);
        blobs.extend([
            blob(0, 70, 300, 2),
            blob(2, 10, 3, 100),
            blob(5, 40, 290, 30),
            blob(0, 0, 400, 200),
        ]);
        let found = letters(blobs).unwrap();
        assert_eq!(
            (found.letters.len(), found.direction, found.height),
            (20, [1.0, 0.0], 12.0)
        );
    }

    #[test]
    fn headings_and_dots_are_kept() {
        let mut blobs = word(50);
        blobs.extend([blob(20, 0, 40, 45), blob(300, 60, 2, 2)]);
        let found = letters(blobs).unwrap().letters;
        assert_eq!(found.len(), 22);
        assert_eq!(found.iter().filter(|letter| letter.is_mark).count(), 1);
    }

    #[test]
    fn slopes_are_found() {
        for slope in [-0.09f32, -0.02, 0.0, 0.013, 0.08] {
            let lines = (0..8).flat_map(|i| word(100 + 30 * i));
            let fall = |blob: Blob| (slope * blob.left as f32).round() as i32;
            let blobs = lines.map(|b| Blob {
                top: (b.top as i32 + fall(b)) as u32,
                bottom: (b.bottom as i32 + fall(b)) as u32,
                ..b
            });
            let [cos, sin] = letters(blobs.collect()).unwrap().direction;
            assert!(
                (sin / cos - slope).abs() < 0.01,
                "{slope} found as {}",
                sin / cos
            );
        }
    }

    #[test]
    fn specks_are_no_letters() {
        assert!(letters(vec![]).is_none());
        assert!(letters(vec![blob(3, 3, 2, 2), blob(9, 9, 4, 4)]).is_none());
    }
}

//! Connected blobs of ink: where an image changes from pixel to pixel.
//!
//! Contrast finds dark text on light paper, light text on dark, and text in uneven light. The
//! image is read row by row and no mask is stored: memory is that of two rows and of the blobs.

use image::RgbImage;

/// The image is reduced until its shorter edge has at most so many pixels: letters of a printed
/// page, 1/150 of its width, are still 10 pixels high.
const SHORT_EDGE: u32 = 1500;
/// Contrast of ink in multiples of the median (the grain of the paper): of grain that is cut off at
/// white and smoothed, one pixel in 100,000 reaches that.
const GRAIN: f32 = 4.3;
/// Ink is never expected to have more than this share of what one pixel in 200 exceeds: in crops
/// without margins the median is that of letters.
const DARK: f32 = 0.5;
/// Contrast of ink, as a share of what one pixel in 200 exceeds (the darkest letters): faint text
/// passes, JPEG artefacts around dark letters do not.
const FAINT: f32 = 0.15;
/// Least contrast of ink in levels of 255, for an image in which nothing else is known.
const LEAST: f32 = 16.0;

/// The bounding box of connected ink in pixels of the reduced image; `right` and `bottom` are
/// exclusive.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Blob {
    pub left: u32,
    pub top: u32,
    pub right: u32,
    pub bottom: u32,
}

impl Blob {
    fn merge(&mut self, other: Self) {
        self.left = self.left.min(other.left);
        self.top = self.top.min(other.top);
        self.right = self.right.max(other.right);
        self.bottom = self.bottom.max(other.bottom);
    }
}

/// The blobs of an image, and how many pixels of the image an edge of a reduced pixel spans.
pub(super) fn blobs(image: &RgbImage) -> (Vec<Blob>, u32) {
    let (width, height) = image.dimensions();
    let factor = width.min(height).div_ceil(SHORT_EDGE).max(1);
    if width == 0 || height == 0 {
        return (vec![], factor);
    }
    let mut rows = Rows {
        image,
        factor,
        smooth: false,
    };
    let (mut grain, mut ink) = rows.thresholds();
    if grain > ink {
        // Grain would hide ink, or pass as ink: of the means of 3 x 3 pixels it has a third.
        rows.smooth = true;
        (grain, ink) = rows.thresholds();
    }
    let threshold = grain.max(ink).clamp(LEAST, 255.0) as u8;
    let mut found = Connected::default();
    rows.contrasts(|y, row| found.add_row(y, row, threshold));
    let mut blobs = found.finish();
    if rows.smooth {
        // A dot of ink is wider by now than what is left of the grain.
        let least = |blob: &Blob| (blob.right - blob.left).min(blob.bottom - blob.top);
        blobs.retain(|blob| least(blob) > 2);
    }
    (blobs, factor)
}

/// The rows of a reduced image.
struct Rows<'a> {
    image: &'a RgbImage,
    factor: u32,
    /// Whether each pixel is the mean of its 3 x 3 neighbours.
    smooth: bool,
}

impl Rows<'_> {
    /// The contrasts that grain does not reach and that ink exceeds.
    fn thresholds(&self) -> (f32, f32) {
        let mut counts = [0u64; 256];
        self.contrasts(|_, row| {
            row.iter()
                .for_each(|&value| counts[usize::from(value)] += 1);
        });
        let all: u64 = counts.iter().sum();
        let quantile = |rank: u64| {
            let mut below = 0;
            let at = counts.iter().position(|count| {
                below += count;
                below > rank
            });
            at.unwrap_or(255) as f32
        };
        let strong = quantile(all - all.div_ceil(200));
        let grain = (GRAIN * quantile(all / 2)).min(DARK * strong);
        (grain, FAINT * strong)
    }

    /// Calls `each` with every row of contrasts: the range of luma in the 2 x 2 pixels from there
    /// on.
    fn contrasts(&self, mut each: impl FnMut(u32, &[u8])) {
        let height = self.image.height().div_ceil(self.factor);
        let mut below = self.row(0);
        for y in 0..height {
            let row = below;
            below = self.row((y + 1).min(height - 1));
            let mut contrasts = vec![0; row.len()];
            for (x, contrast) in contrasts.iter_mut().enumerate() {
                let next = (x + 1).min(row.len() - 1);
                let four = [row[x], row[next], below[x], below[next]];
                let (low, high) = four
                    .iter()
                    .fold((u8::MAX, 0), |(low, high), &v| (v.min(low), v.max(high)));
                *contrast = high - low;
            }
            each(y, &contrasts);
        }
    }

    /// Luma of a row.
    fn row(&self, y: u32) -> Vec<u8> {
        if !self.smooth {
            return luma_row(self.image, self.factor, y);
        }
        let last = self.image.height().div_ceil(self.factor) - 1;
        let rows = [y.saturating_sub(1), y, (y + 1).min(last)];
        let rows = rows.map(|y| luma_row(self.image, self.factor, y));
        let sums: Vec<u32> = (0..rows[0].len())
            .map(|x| rows.iter().map(|row| u32::from(row[x])).sum())
            .collect();
        let mean = |x: usize| {
            let (left, right) = (x.saturating_sub(1), (x + 1).min(sums.len() - 1));
            ((sums[left] + sums[x] + sums[right]) / 9) as u8
        };
        (0..sums.len()).map(mean).collect()
    }
}

/// Luma of a row of the reduced image, the mean of `factor` x `factor` pixels each.
fn luma_row(image: &RgbImage, factor: u32, y: u32) -> Vec<u8> {
    let (width, height) = image.dimensions();
    let rows = y * factor..((y + 1) * factor).min(height);
    let stride = 3 * width as usize;
    let mut sums = vec![0u64; width.div_ceil(factor) as usize];
    for row in rows.clone() {
        let row = &image.as_raw()[row as usize * stride..][..stride];
        for (sum, pixels) in sums.iter_mut().zip(row.chunks(3 * factor as usize)) {
            let luma = |p: &[u8; 3]| {
                let [red, green, blue] = p.map(u64::from);
                // BT.601 in 256ths.
                77 * red + 150 * green + 29 * blue
            };
            *sum += pixels.as_chunks::<3>().0.iter().map(luma).sum::<u64>();
        }
    }
    let tall = (rows.end - rows.start) as u64;
    let mean = |(x, sum): (usize, u64)| {
        let left = x as u32 * factor;
        let wide = u64::from((width - left).min(factor));
        (sum / (256 * wide * tall)) as u8
    };
    sums.into_iter().enumerate().map(mean).collect()
}

/// Connected components by runs: of the pixels only the runs of the row above are kept.
#[derive(Default)]
struct Connected {
    /// Runs of the row above, `(left, right, label)`, `right` exclusive.
    above: Vec<(u32, u32, usize)>,
    /// Of each label, the one that it was joined to; a root has itself.
    parents: Vec<usize>,
    /// Boxes of roots, in contrasts.
    boxes: Vec<Blob>,
}

impl Connected {
    fn add_row(&mut self, y: u32, row: &[u8], threshold: u8) {
        let mut runs = Vec::with_capacity(self.above.len());
        let mut next_above = 0;
        let mut x = 0;
        while let Some(skip) = row[x..].iter().position(|&value| value >= threshold) {
            let left = x + skip;
            let len = row[left..].iter().take_while(|&&v| v >= threshold).count();
            x = left + len;
            let (left, right) = (left as u32, x as u32);
            let run = Blob {
                left,
                top: y,
                right,
                bottom: y + 1,
            };
            let mut label = None;
            // Diagonal neighbours are connected.
            while let Some(&(from, to, other)) = self.above.get(next_above) {
                if from > right {
                    break;
                }
                if to >= left {
                    label = Some(label.map_or(self.root(other), |own| self.join(own, other)));
                }
                if to > right {
                    break;
                }
                next_above += 1;
            }
            let label = label.unwrap_or_else(|| {
                self.parents.push(self.parents.len());
                self.boxes.push(run);
                self.parents.len() - 1
            });
            self.boxes[label].merge(run);
            runs.push((left, right, label));
        }
        self.above = runs;
    }

    fn root(&mut self, mut label: usize) -> usize {
        while self.parents[label] != label {
            self.parents[label] = self.parents[self.parents[label]];
            label = self.parents[label];
        }
        label
    }

    fn join(&mut self, a: usize, b: usize) -> usize {
        let (a, b) = (self.root(a), self.root(b));
        let (root, other) = (a.min(b), a.max(b));
        self.parents[other] = root;
        let merged = self.boxes[other];
        self.boxes[root].merge(merged);
        root
    }

    /// The boxes in pixels: a step between two pixels is counted at the first of them, so that
    /// contrasts begin one pixel before what they surround.
    fn finish(self) -> Vec<Blob> {
        let roots = self.boxes.iter().zip(&self.parents).enumerate();
        roots
            .filter(|(label, (_, parent))| label == *parent)
            .map(|(_, (blob, _))| Blob {
                left: (blob.left + 1).min(blob.right - 1),
                top: (blob.top + 1).min(blob.bottom - 1),
                ..*blob
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use image::Rgb;

    use super::*;

    fn drawn(width: u32, height: u32, boxes: &[[u32; 4]]) -> RgbImage {
        RgbImage::from_fn(width, height, |x, y| {
            let inside = |b: &[u32; 4]| x >= b[0] && y >= b[1] && x < b[2] && y < b[3];
            Rgb([if boxes.iter().any(inside) { 20 } else { 230 }; 3])
        })
    }

    #[test]
    fn blobs_are_boxes() {
        let boxes = [[3, 4, 9, 12], [12, 2, 14, 13]];
        let mut found = blobs(&drawn(30, 20, &boxes)).0;
        found.sort_by_key(|blob| blob.left);
        let found: Vec<_> = found
            .iter()
            .map(|b| [b.left, b.top, b.right, b.bottom])
            .collect();
        assert_eq!(found, boxes);
    }

    #[test]
    fn branches_are_one_blob() {
        // A "U" is two runs until its last row, an "n" one until its second.
        let u = [[3, 3, 5, 10], [9, 3, 11, 12], [3, 10, 11, 12]];
        let n = [[14, 3, 22, 5], [14, 3, 16, 12], [20, 3, 22, 12]];
        assert_eq!(blobs(&drawn(30, 20, &[u, n].concat())).0.len(), 2);
    }

    #[test]
    fn grain_is_no_ink() {
        let mut seed = 1u32;
        let image = RgbImage::from_fn(300, 200, |_, _| {
            seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            Rgb([(seed >> 27) as u8 + 180; 3])
        });
        assert_eq!(blobs(&image).0, []);
    }

    #[test]
    fn large_images_are_reduced() {
        let (found, factor) = blobs(&drawn(3200, 3100, &[[300, 600, 330, 660]]));
        assert_eq!(factor, 3);
        let expected = Blob {
            left: 100,
            top: 200,
            right: 110,
            bottom: 220,
        };
        assert_eq!(found, [expected]);
    }
}

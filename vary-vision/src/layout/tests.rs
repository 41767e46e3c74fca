#![allow(clippy::unwrap_used)]

use proptest::prelude::*;

use super::*;

/// Boxes in place of letters, two in five with a tail or a stem, in lines of `words` of five.
struct Page(RgbImage);

impl Page {
    fn new(width: u32, height: u32) -> Self {
        Self(RgbImage::from_pixel(width, height, Rgb([250; 3])))
    }

    /// A line whose small letters are `size` high and stand on `base`; `slope` rows per column.
    fn line(mut self, [left, base]: [u32; 2], size: u32, words: u32, slope: f32) -> Self {
        for i in 0..words * 5 {
            let x = left + i * (size + 2) + i / 5 * size / 2;
            let fall = (slope * x as f32).round() as i64;
            let (up, down) = match i % 5 {
                1 => (size * 3 / 2, 0),
                3 if i % 15 == 3 => (size, size / 2),
                _ => (size, 0),
            };
            let rows = base - up..base + down;
            for (x, y) in (x..x + size).flat_map(|x| rows.clone().map(move |y| (x, y))) {
                let y = (i64::from(y) + fall) as u32;
                if x < self.0.width() && y < self.0.height() {
                    self.0.put_pixel(x, y, Rgb([30; 3]));
                }
            }
        }
        self
    }

    fn lines(&self) -> Vec<[f32; 4]> {
        text_lines(&self.0).iter().map(TextLine::bbox).collect()
    }
}

/// Whether the middle of a found line is on the line that stands on `base` and begins at `left`.
fn is_at(found: &[f32; 4], [left, base]: [u32; 2]) -> bool {
    (found[0] - left as f32).abs() < 12.0
        && found[1] < base as f32
        && base as f32 <= found[3]
        && found[3] - found[1] < 40.0
}

fn assert_order(page: &Page, expected: &[[u32; 2]]) {
    let found = page.lines();
    let matches = found.iter().zip(expected).all(|(f, e)| is_at(f, *e));
    assert!(found.len() == expected.len() && matches, "{found:?}");
}

#[test]
fn one_column() {
    let at: Vec<_> = (0..7).map(|i| [40, 60 + 26 * i]).collect();
    let page = at
        .iter()
        .fold(Page::new(500, 400), |page, &at| page.line(at, 10, 6, 0.0));
    assert_order(&page, &at);
}

#[test]
fn one_line_alone() {
    assert_order(&Page::new(300, 40).line([20, 28], 12, 3, 0.0), &[[20, 28]]);
}

#[test]
fn columns_follow_each_other() {
    // Baselines beside each other, and baselines in between.
    for shift in [0, 13] {
        let left = (0..6).map(|i| [40, 100 + 26 * i]);
        let right = (0..6).map(|i| [420, 100 + shift + 26 * i]);
        let below = [[40, 300]];
        let at: Vec<_> = [[40, 60]]
            .into_iter()
            .chain(left)
            .chain(right)
            .chain(below)
            .collect();
        let page = at.iter().fold(Page::new(800, 360), |page, &at| {
            let words = if at[1] == 60 || at[1] == 300 { 10 } else { 5 };
            page.line(at, 10, words, 0.0)
        });
        assert_order(&page, &at);
    }
}

#[test]
fn a_number_below_the_gutter_ends_the_columns() {
    let left = (0..6).map(|i| [40, 60 + 26 * i]);
    let right = (0..6).map(|i| [420, 60 + 26 * i]);
    let at: Vec<_> = left.chain(right).chain([[359, 300]]).collect();
    let page = at.iter().fold(Page::new(800, 360), |page, &at| {
        let words = if at[1] == 300 { 1 } else { 5 };
        page.line(at, 10, words, 0.0)
    });
    assert_order(&page, &at);
}

#[test]
fn tables_are_read_across() {
    let page = (0..6).fold(Page::new(800, 360), |page, i| {
        let base = 60 + 30 * i;
        page.line([40, base], 10, 4, 0.0)
            .line([600, base], 10, 1, 0.0)
    });
    let cells = text_lines(&page.0);
    assert_eq!(cells.len(), 12, "{cells:?}");
    for (row, cells) in cells.chunks(2).enumerate() {
        assert_eq!([cells[0].row(), cells[1].row()], [row; 2]);
        assert!(
            cells[0].bbox()[2] < 400.0 && cells[1].bbox()[0] > 500.0,
            "{cells:?}"
        );
    }
}

#[test]
fn blocks_are_apart() {
    let at = [[40, 60], [40, 86], [40, 112], [40, 180], [40, 206]];
    let page = at
        .iter()
        .fold(Page::new(500, 260), |page, &at| page.line(at, 10, 6, 0.0));
    let blocks: Vec<usize> = text_lines(&page.0)
        .iter()
        .map(|line| line.block())
        .collect();
    assert_eq!(blocks, [0, 0, 0, 1, 1]);
}

#[test]
fn slanted_lines_are_upright() {
    for slope in [-0.06f32, 0.05] {
        let page = (0..5).fold(Page::new(700, 400), |page, i| {
            page.line([60, 150 + 30 * i], 12, 7, slope)
        });
        let lines = text_lines(&page.0);
        assert_eq!(lines.len(), 5);
        for line in lines {
            let crop = line.crop(&page.0);
            assert!(crop.height() < 34, "{} pixels high", crop.height());
            let [from, to] = [0.0, crop.width() as f32].map(|x| line.to_image([x, 0.0]));
            let found = (to[1] - from[1]) / (to[0] - from[0]);
            assert!((found - slope).abs() < 0.006, "{slope} found as {found}");
        }
    }
}

#[test]
fn headings_are_lines() {
    let page = Page::new(900, 300).line([40, 80], 36, 3, 0.0);
    let page = (0..5).fold(page, |page, i| page.line([40, 130 + 26 * i], 10, 8, 0.0));
    let found = page.lines();
    assert_eq!(found.len(), 6, "{found:?}");
    assert!(found[0][1] < 30.0 && found[0][3] >= 80.0, "{found:?}");
}

#[test]
fn light_on_dark() {
    let mut page = Page::new(300, 40).line([20, 28], 12, 3, 0.0);
    image::imageops::invert(&mut page.0);
    assert_order(&page, &[[20, 28]]);
}

#[test]
fn no_text_no_lines() {
    let shapes = RgbImage::from_fn(192, 192, |x, y| {
        let inside = |cx: i64, cy: i64, r: i64| {
            (i64::from(x) - cx).pow(2) + (i64::from(y) - cy).pow(2) < r * r
        };
        let filled = inside(50, 60, 30) || inside(120, 100, 20) || inside(60, 150, 12);
        Rgb([if filled { 40 } else { 220 }; 3])
    });
    let gradient = RgbImage::from_fn(300, 200, |x, y| Rgb([(x / 2 + y / 3) as u8; 3]));
    for image in [shapes, gradient, RgbImage::new(300, 200)] {
        assert_eq!(text_lines(&image), []);
    }
}

#[test]
fn crops_of_a_word() {
    // Letters that touch are two shapes; of a short word there is nothing to judge it by.
    let touching = RgbImage::from_fn(150, 25, |x, y| {
        let word = (4..65).contains(&x) || (71..147).contains(&x);
        Rgb([if word && (4..19).contains(&y) && (x + y) % 7 > 1 {
            20
        } else {
            250
        }; 3])
    });
    let short = RgbImage::from_fn(40, 30, |x, y| {
        let letters = (6..16).contains(&x) || (20..30).contains(&x);
        Rgb([if letters && (8..22).contains(&y) {
            20
        } else {
            250
        }; 3])
    });
    for image in [touching, short] {
        let found = text_lines(&image);
        assert_eq!(found.len(), 1, "{found:?}");
        let [left, _, right, _] = found[0].bbox();
        assert!(left < 7.0 && right > 29.0, "{found:?}");
    }
}

#[test]
fn a_grainy_page() {
    let at: Vec<_> = (0..7).map(|i| [40, 60 + 26 * i]).collect();
    let page = at
        .iter()
        .fold(Page::new(500, 400), |page, &at| page.line(at, 10, 6, 0.0));
    let mut seed = 1u32;
    let mut grain = || {
        seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (seed >> 16) as f32 / 65536.0 - 0.5
    };
    let mut noisy = page.0.clone();
    for pixel in noisy.pixels_mut() {
        // About Gaussian, with a standard deviation of 25.
        let value = f32::from(pixel.0[0]) + 43.0 * (0..4).map(|_| grain()).sum::<f32>();
        pixel.0 = [value.clamp(0.0, 255.0) as u8; 3];
    }
    let (found, clean) = (Page(noisy).lines(), page.lines());
    assert_eq!(found.len(), clean.len(), "{found:?}");
    for (a, b) in found.iter().zip(&clean) {
        let off = a.iter().zip(b).map(|(a, b)| (a - b).abs());
        assert!(off.fold(0.0, f32::max) <= 4.0, "{a:?} {b:?}");
    }
}

#[test]
fn tiny_images() {
    for (width, height) in [(0, 0), (0, 5), (1, 1), (1, 9), (9, 1), (3, 2)] {
        let image = RgbImage::from_fn(width, height, |x, y| Rgb([((x + y) % 2 * 255) as u8; 3]));
        assert_eq!(text_lines(&image), []);
    }
}

#[test]
fn crops_are_exact_copies() {
    let page = Page::new(300, 60).line([20, 38], 12, 3, 0.0);
    let [line] = text_lines(&page.0).try_into().unwrap();
    let [x1, y1, x2, y2] = line.bbox().map(|edge| edge as u32);
    let copy = image::imageops::crop_imm(&page.0, x1, y1, x2 - x1, y2 - y1).to_image();
    assert!(line.crop(&page.0) == copy);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn crops_lie_inside(
        (width, height) in (20u32..400, 20u32..300),
        (size, words, slope) in (5u32..30, 1u32..6, -0.1f32..0.1),
        (left, base) in (0u32..100, 60u32..200),
    ) {
        let page = (0..3).fold(Page::new(width, height), |page, i| {
            page.line([left, base + i * size * 3], size, words, slope)
        });
        for line in text_lines(&page.0) {
            let crop = line.crop(&page.0);
            prop_assert!(crop.width() * crop.height() <= width * height);
            let edges = [crop.width() as f32, crop.height() as f32];
            let bbox = line.bbox();
            prop_assert!(bbox[0] >= 0.0 && bbox[1] >= 0.0 && bbox[0] < bbox[2]);
            prop_assert!(bbox[2] <= width as f32 && bbox[3] <= height as f32);
            for corner in [[0.0, 0.0], [edges[0], 0.0], [0.0, edges[1]], edges] {
                let [x, y] = line.to_image(corner);
                prop_assert!((bbox[0]..=bbox[2]).contains(&x));
                prop_assert!((bbox[1]..=bbox[3]).contains(&y));
            }
        }
    }
}

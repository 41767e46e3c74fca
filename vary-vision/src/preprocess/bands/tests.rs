use image::Rgb;
use proptest::prelude::*;

use super::*;

/// A page with lines of letters that fall by `slope`: strokes 2 columns wide, some of them tall.
#[derive(Debug, Clone)]
struct Page {
    size: (u32, u32),
    /// Rows of the letters' upper and lower ends on the middle column.
    lines: Vec<(u32, u32)>,
    slope: f32,
    paper: u8,
    ink: u8,
}

impl Page {
    /// Row of the picture for a row of the middle column.
    fn row(&self, x: u32, row: f32) -> f32 {
        row + self.slope * (x as f32 + 0.5 - self.size.0 as f32 / 2.0)
    }

    /// Whether it is ink at a column and a row of the middle column.
    fn inked(&self, x: u32, row: f32) -> bool {
        let (left, right) = (self.size.0 / 8, self.size.0 * 7 / 8);
        let stroke = (left..right).contains(&x) && x % 7 < 2;
        stroke
            && self.lines.iter().any(|&(top, bottom)| {
                // Every fifth stroke begins lower, and every third ends higher.
                let high = bottom - top;
                let top = top
                    + if (x / 7).is_multiple_of(5) {
                        0
                    } else {
                        high / 4
                    };
                let bottom = bottom
                    - if (x / 7).is_multiple_of(3) {
                        0
                    } else {
                        high / 5
                    };
                (top as f32..bottom as f32).contains(&row)
            })
    }

    fn draw(&self) -> RgbImage {
        RgbImage::from_fn(self.size.0, self.size.1, |x, y| {
            let row = y as f32 + 0.5 - (self.row(x, 0.0));
            // Grain of 6 steps, and light from the left.
            let grain = ((x * 7919 + y * 104_729 + x * y) % 7) as u8;
            let light = (20 * x / self.size.0) as u8;
            let colour = if self.inked(x, row) {
                self.ink
            } else {
                self.paper
            };
            Rgb([colour.saturating_add(grain).saturating_sub(light); 3])
        })
    }
}

fn pages() -> impl Strategy<Value = Page> {
    (
        192u32..700,
        4usize..12,
        9u32..14,
        3u32..9,
        -0.08f32..0.08,
        any::<bool>(),
    )
        .prop_map(|(width, count, high, gap, slope, dark)| {
            let scale = width as f32 / 192.0;
            let [high, gap] = [high, gap].map(|rows| (rows as f32 * scale) as u32);
            let first = (0.06 * width as f32) as u32 + gap;
            let top = |i: usize| first + i as u32 * (high + gap);
            let (paper, ink) = if dark { (40, 200) } else { (220, 60) };
            Page {
                size: (width, top(count) + first),
                lines: (0..count).map(|i| (top(i), top(i) + high)).collect(),
                slope,
                paper,
                ink,
            }
        })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn each_band_holds_its_lines_whole(page in pages(), most in 1usize..5) {
        let picture = page.draw();
        let found = bands(&picture, most);
        let count = page.lines.len();
        prop_assert_eq!(found.len(), count.div_ceil(most));
        let mut lines = page.lines.iter();
        for (i, band) in found.iter().enumerate() {
            let own = (i + 1) * count / found.len() - i * count / found.len();
            prop_assert!(own <= most);
            for &(top, bottom) in lines.by_ref().take(own) {
                // At both ends of a line, short of a row or two that the slope is rounded by.
                for x in [page.size.0 / 8, page.size.0 * 7 / 8] {
                    let rows = [top as f32 + 2.0, bottom as f32 - 2.0];
                    for at in rows.map(|row| [x as f32, page.row(x, row)]) {
                        prop_assert!(band.holds(at), "{band:?}, {at:?}");
                        let others = found.iter().filter(|other| *other != band);
                        prop_assert!(others.into_iter().all(|other| !other.holds(at)));
                    }
                }
            }
        }
        prop_assert!(lines.next().is_none());
    }

    #[test]
    fn what_is_shown_is_where_it_is_said_to_be(page in pages(), most in 1usize..4) {
        let picture = page.draw();
        for band in bands(&picture, most) {
            let shown = band.show(&picture);
            prop_assert_eq!(shown.width(), shown.height());
            let colour = |[x, y]: [f32; 2]| f32::from(shown.get_pixel(x as u32, y as u32).0[0]);
            for (x, row) in (page.size.0 / 8..page.size.0 * 7 / 8)
                .flat_map(|x| page.lines.iter().map(move |&(top, bottom)| (x, (top + bottom) as f32 / 2.0)))
            {
                let at = [x as f32 + 0.5, page.row(x, row)];
                if band.holds(at) {
                    let place = band.place(at);
                    let near = colour(place) - f32::from(page.paper);
                    let ink = f32::from(page.ink) - f32::from(page.paper);
                    // Columns are shown as they are, so a stroke is where it was or right beside.
                    let beside = [-1i64, 0, 1].map(|d| page.inked((i64::from(x) + d) as u32, row));
                    if beside == [true; 3] || beside == [false; 3] {
                        prop_assert_eq!(near.abs() > ink.abs() / 2.0, beside[0], "{:?} at {:?}", band, at);
                    }
                }
            }
            // Paper above and below.
            for x in 0..shown.width() {
                for y in [0.5, shown.height() as f32 - 0.5] {
                    let step = colour([x as f32, y]) - f32::from(page.paper);
                    prop_assert!(step.abs() <= 26.0, "{step} at {x}, {y}");
                }
            }
        }
    }
}

#[test]
fn letters_keep_their_form_but_for_a_stretch() {
    let new = |rows, columns| Band::new((200.0, 0.0), rows, columns, &OF_PAGE);
    let band = new((50.0, 70.0), (20.0, 180.0));
    // 160 columns and a border of 8 on both sides; 176 / 1.2 rows.
    assert_eq!(band.left, 12.0);
    assert_eq!(band.shown.0, 176.0);
    assert!(
        (band.shown.1 - 176.0 / 1.2).abs() < 1e-3 && (band.top - (60.0 - 88.0 / 1.2)).abs() < 1e-3
    );
    // A short line, at most 2.5 times as close.
    assert_eq!(new((50.0, 70.0), (90.0, 100.0)).shown.0, 80.0);
    // High ones fill what is shown but for 15 %.
    let high = new((0.0, 180.0), (90.0, 100.0));
    assert!((high.shown.1 - 207.0).abs() < 1e-3 && (high.shown.0 - 180.0 / 1.4).abs() < 1e-3);
}

#[test]
fn a_line_alone_is_neither_high_nor_narrow() {
    let shown = |rows, columns| Band::new((200.0, 0.0), rows, columns, &ALONE).shown;
    // Small letters, at most twice as close, and wider by a fourth than they are.
    assert_eq!(shown((50.0, 58.0), (90.0, 120.0)), (100.0, 125.0));
    // Large ones, further away than the whole picture.
    let (wide, tall) = shown((50.0, 104.0), (10.0, 190.0));
    assert!((wide - 300.0).abs() < 1e-3 && (tall - 375.0).abs() < 1e-3);

    let mut page = Page {
        size: (200, 200),
        lines: vec![(90, 110)],
        slope: 0.05,
        paper: 220,
        ink: 60,
    };
    for dark in [false, true] {
        if dark {
            (page.paper, page.ink) = (40, 200);
        }
        let picture = page.draw();
        let found = bands(&picture, 2);
        assert_eq!(found.len(), 1);
        // Its ink upright, in the middle of the paper around it.
        let shown = found[0].show(&picture);
        let inked = |y: &u32| {
            (0..shown.width()).any(|x| shown.get_pixel(x, *y).0[0].abs_diff(page.paper) > 60)
        };
        let rows: Vec<u32> = (0..shown.height()).filter(inked).collect();
        let (first, last) = (rows[0], rows[rows.len() - 1]);
        assert!(
            first.abs_diff(shown.height() - last) < 8,
            "{first} to {last}"
        );
        assert!((last - first) * 6 < shown.height(), "{first} to {last}");
    }
}

#[test]
fn paragraphs_are_told_apart() {
    let page = Page {
        size: (200, 200),
        lines: vec![(20, 32), (38, 50), (65, 77), (83, 95), (101, 113)],
        slope: 0.05,
        paper: 220,
        ink: 60,
    };
    let apart: Vec<bool> = bands(&page.draw(), 1).iter().map(Band::is_apart).collect();
    assert_eq!(apart, [false, false, true, false, false]);
}

#[test]
fn where_no_lines_are_there_are_no_bands() {
    let mut page = Page {
        size: (200, 200),
        lines: vec![(20, 32), (60, 72), (100, 112), (140, 152)],
        slope: 0.0,
        paper: 220,
        ink: 60,
    };
    assert_eq!(bands(&page.draw(), 2).len(), 2);
    assert!(bands(&page.draw(), 0).is_empty());
    // A line alone is a band.
    for (lines, count) in [(3, 0), (2, 0), (1, 1)] {
        page.lines.truncate(lines);
        assert_eq!(bands(&page.draw(), 2).len(), count, "{lines} lines");
    }
    for (width, height) in [(0, 0), (0, 5), (5, 0), (1, 1), (3, 900), (900, 2)] {
        assert!(bands(&RgbImage::new(width, height), 2).is_empty());
    }
    // A plate with a frame, and two words on it.
    let plate = RgbImage::from_fn(200, 200, |x, y| {
        let inside = (40..160).contains(&x) && (30..170).contains(&y);
        let framed = inside && !((44..156).contains(&x) && (34..166).contains(&y));
        let letter = (60..110).contains(&x)
            && x % 7 < 2
            && ((80..92).contains(&y) || (100..112).contains(&y));
        Rgb([if framed || letter { 60 } else { 230 }; 3])
    });
    assert!(bands(&plate, 2).is_empty());
    // Paper.
    assert!(bands(&RgbImage::from_pixel(200, 200, Rgb([230; 3])), 2).is_empty());
    // Rules alone, with nothing on them.
    let ruled = RgbImage::from_fn(200, 200, |_, y| Rgb([if y % 16 < 2 { 90 } else { 230 }; 3]));
    assert!(bands(&ruled, 2).is_empty());
}

//! How a page looks.

use rand::{Rng, RngExt};

use crate::{Error, Result};

/// How a page looks. All lengths are in pixels of the image.
#[derive(Debug, Clone, PartialEq)]
pub struct PageStyle {
    /// Width of the image, `64..=8192`. Default 724.
    pub width: u32,
    /// Height of the image, `64..=8192`. Default 1024.
    pub height: u32,
    /// Left, top, right and bottom margin; they leave at least half of the page.
    /// Default `[72.0, 84.0, 72.0, 84.0]`.
    pub margins: [f32; 4],
    /// Columns of text, `1..=4`. Default 1.
    pub columns: u8,
    /// Family of the text, one of [`Typesetter::families`](super::Typesetter::families).
    /// Default `Libertinus Serif`.
    pub font: String,
    /// Size of the text (its em), `4.0..=200.0`. Default 14.
    pub size: f32,
    /// Distance from line to line in ems, `1.0..=3.0`. Default 1.3.
    pub line_spacing: f32,
    /// Additional distance between paragraphs in ems, `0.0..=3.0`. Default 0.5.
    pub paragraph_spacing: f32,
    /// Indent of a paragraph's first line in ems, `0.0..=4.0`. Default 0.
    pub indent: f32,
    /// Whether lines are stretched to the full width of their column. Default true.
    pub justify: bool,
    /// Whether headings are centred. Default false.
    pub centre_headings: bool,
    /// Lines of tables. Default [`Book`](TableLines::Book).
    pub table_lines: TableLines,
    /// Text in the top margin; none if empty. Default empty.
    pub header: String,
    /// Whether pages have a number in the bottom margin. Default false.
    pub page_numbers: bool,
    /// Colour of the paper, as red, green, blue. Default white.
    pub paper: [u8; 3],
    /// Colour of the ink, as red, green, blue. Default black.
    pub ink: [u8; 3],
}

/// The lines of a table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TableLines {
    /// Around every cell.
    Grid,
    /// Above and below the table, and below its header.
    Book,
    /// None.
    None,
}

impl Default for PageStyle {
    fn default() -> Self {
        Self {
            width: 724,
            height: 1024,
            margins: [72.0, 84.0, 72.0, 84.0],
            columns: 1,
            font: "Libertinus Serif".into(),
            size: 14.0,
            line_spacing: 1.3,
            paragraph_spacing: 0.5,
            indent: 0.0,
            justify: true,
            centre_headings: false,
            table_lines: TableLines::Book,
            header: String::new(),
            page_numbers: false,
            paper: [255; 3],
            ink: [0; 3],
        }
    }
}

impl PageStyle {
    /// A random style for pages of about A4's shape, 1024 pixels high, in one of `families`.
    pub fn draw(rng: &mut impl Rng, families: &[String]) -> Self {
        let default = Self::default();
        let font = match families.len() {
            0 => default.font,
            n => families[rng.random_range(0..n)].clone(),
        };
        let side = rng.random_range(36.0..90.0_f32).round();
        let (top, bottom) = (rng.random_range(54.0..100.0), rng.random_range(54.0..100.0));
        let columns = *choose(rng, &[1, 1, 1, 2, 2, 3]);
        let size = match columns {
            1 => rng.random_range(10.5..19.0),
            2 => rng.random_range(10.0..13.5),
            _ => rng.random_range(9.5..11.5),
        };
        // Most paper is white, some is tinted; ink is black or a dark grey.
        let white = rng.random_bool(0.7);
        let paper = if white {
            [255; 3]
        } else {
            let base: u8 = rng.random_range(236..=252);
            [
                base,
                base - rng.random_range(0..8),
                base - rng.random_range(0..20),
            ]
        };
        let indented = rng.random_bool(0.4);
        Self {
            width: rng.random_range(700..=800),
            height: 1024,
            margins: [side, top, side, bottom],
            columns,
            font,
            size,
            line_spacing: rng.random_range(1.15..1.7),
            paragraph_spacing: if indented {
                0.0
            } else {
                rng.random_range(0.3..1.0)
            },
            indent: if indented {
                rng.random_range(1.0..2.5)
            } else {
                0.0
            },
            justify: rng.random_bool(0.6),
            centre_headings: rng.random_bool(0.3),
            table_lines: *choose(rng, &[TableLines::Grid, TableLines::Book, TableLines::None]),
            header: String::new(),
            page_numbers: rng.random_bool(0.5),
            paper,
            ink: [*choose(rng, &[0, 0, 0, 30, 60]); 3],
        }
    }

    /// Left and right side of each column in pixels.
    pub(super) fn column_sides(&self) -> Vec<[f32; 2]> {
        let [left, _, right, _] = self.margins;
        let (gutter, columns) = (self.gutter(), f32::from(self.columns));
        let width = (self.width as f32 - left - right - gutter * (columns - 1.0)) / columns;
        (0..self.columns)
            .map(|i| left + f32::from(i) * (width + gutter))
            .map(|x| [x, x + width])
            .collect()
    }

    /// Distance between columns in pixels.
    pub(super) fn gutter(&self) -> f32 {
        1.8 * self.size
    }

    /// Refuses what typst could not lay out.
    pub(super) fn check(&self) -> Result<()> {
        let within = |name: &str, value: f32, low: f32, high: f32| {
            if (low..=high).contains(&value) {
                return Ok(());
            }
            Err(Error::PageStyle(format!(
                "{name} is {value}, not within {low} to {high}"
            )))
        };
        let (width, height) = (self.width as f32, self.height as f32);
        within("width", width, 64.0, 8192.0)?;
        within("height", height, 64.0, 8192.0)?;
        within("columns", self.columns.into(), 1.0, 4.0)?;
        within("size", self.size, 4.0, 200.0)?;
        within("line_spacing", self.line_spacing, 1.0, 3.0)?;
        within("paragraph_spacing", self.paragraph_spacing, 0.0, 3.0)?;
        within("indent", self.indent, 0.0, 4.0)?;
        let [left, top, right, bottom] = self.margins;
        for (name, value, side) in [
            ("left margin", left, width),
            ("top margin", top, height),
            ("right margin", right, width),
            ("bottom margin", bottom, height),
        ] {
            within(name, value, 0.0, side / 4.0)?;
        }
        let column = self.column_sides()[0];
        within(
            "width of a column",
            column[1] - column[0],
            2.0 * self.size,
            8192.0,
        )
    }
}

/// One of `items`, which are not empty.
fn choose<'a, T>(rng: &mut impl Rng, items: &'a [T]) -> &'a T {
    &items[rng.random_range(0..items.len())]
}

//! Tables.

use super::shared::Align;
use super::shared::Content;
use super::shared::paper;
use super::shared::small_print;
use super::shared::style;
use super::shared::write_aligned;
use crate::random::Random;
use crate::texts::compose::{Block, joined};
use crate::texts::palette;
use crate::texts::region::Region;
use crate::texts::sheet::{Sheet, Style};
use crate::texts::source::Texts;
use crate::texts::words::{self, Words};
use crate::texts::written::Written;

/// What the cells of a column hold.
#[derive(Clone, Copy)]
enum Column {
    Names,
    Numbers,
    Prices,
    Shares,
    Times,
    Codes,
}

impl Column {
    fn any(first: bool, rng: &mut Random) -> Self {
        match rng.below(if first { 3 } else { 8 }) {
            0..3 => Self::Names,
            3 | 4 => Self::Numbers,
            5 => Self::Prices,
            6 => Self::Shares,
            _ => *[Self::Times, Self::Codes]
                .get(rng.below(2))
                .unwrap_or(&Self::Times),
        }
    }

    fn cell(self, source: &Words, most: usize, rng: &mut Random) -> String {
        let cell = match self {
            Self::Names => source.title(most, rng),
            Self::Numbers => words::number(rng),
            Self::Prices => words::price(rng),
            Self::Shares => words::percentage(rng),
            Self::Times => words::time(rng),
            Self::Codes => words::code(rng),
        };
        cell.chars().take(most.max(5)).collect()
    }
}

/// Cells in columns, with or without rules.
pub(super) fn draw(sheet: &mut Sheet, texts: &Texts, rng: &mut Random) -> Content {
    paper(sheet, rng);
    let (x_height, stretch) = (small_print(rng), rng.range(0.72, 1.25));
    let style = style(sheet, texts, x_height, stretch, rng);
    let [x1, y1, x2, y2] = sheet.area;
    let mut blocks = Vec::new();
    let mut top = y1;
    if rng.chance(0.25) {
        let text = texts.words(sheet.split).title(14, rng);
        let title = Style {
            x_height: style.x_height * 1.3,
            ..style
        }
        .fit(&text, [x2 - x1, 30.0], 0.6);
        let line = write_aligned(sheet, &text, [x1, x2, top], Align::Left, &title);
        blocks.push(Block::Heading(line));
        top += title.height() * 1.2;
    }
    let pitch = style.height() * rng.range(1.1, 1.6);
    let room = ((y2 - top) / pitch) as usize;
    let count = (2 + rng.below(4)).min(room.max(2));
    let mut cells = cells(texts.words(sheet.split), count, rng);
    let (style, widths) = fit(&mut cells, style, x2 - x1);
    let spare = x2 - x1 - widths.iter().sum::<f32>();
    let stretch = spare * rng.unit() / widths.len() as f32;
    let widths: Vec<f32> = widths.iter().map(|w| w + stretch).collect();
    let height = pitch * count as f32;
    let spot = [
        x2 - x1 - widths.iter().sum::<f32>(),
        (y2 - top - height).max(0.0),
    ];
    let corner = [x1 + spot[0] * rng.unit(), top + spot[1] * rng.unit()];
    let grid = Grid {
        corner,
        widths,
        pitch,
        count,
    };
    grid.rules(sheet, style.ink, rng);
    let rows = grid.write(sheet, &cells, &style, rng);
    let regions = columns(&rows);
    blocks.push(Block::Table(rows));
    Content { blocks, regions }
}

/// Rows of cells, the header first.
fn cells(source: &Words, count: usize, rng: &mut Random) -> Vec<Vec<String>> {
    let columns = 2 + rng.below(3);
    let kinds: Vec<Column> = (0..columns).map(|i| Column::any(i == 0, rng)).collect();
    let most = [0, 0, 11, 8, 6][columns];
    (0..count)
        .map(|row| {
            let cell = |kind: &Column| {
                let kind = if row == 0 { Column::Names } else { *kind };
                kind.cell(source, most, rng)
            };
            kinds.iter().map(cell).collect()
        })
        .collect()
}

/// Narrows the letters and, if need be, leaves out columns so that all cells fit. Returns the
/// widths of the columns too.
fn fit<'t>(cells: &mut [Vec<String>], style: Style<'t>, width: f32) -> (Style<'t>, Vec<f32>) {
    const PADDING: f32 = 7.0;
    let measure = |cells: &[Vec<String>], style: &Style| -> Vec<f32> {
        let columns = 0..cells.first().map_or(0, Vec::len);
        let widest = |i: usize| {
            cells
                .iter()
                .map(|row| style.width(&row[i]))
                .fold(0.0, f32::max)
        };
        columns.map(|i| widest(i) + PADDING).collect()
    };
    loop {
        let widths = measure(cells, &style);
        let padding = PADDING * widths.len() as f32;
        let excess = (widths.iter().sum::<f32>() - padding) / (width - padding);
        let stretch = style.stretch.min(style.stretch / excess);
        if stretch >= 0.6_f32.min(style.stretch) || widths.len() <= 2 {
            let style = Style { stretch, ..style };
            let widths = measure(cells, &style);
            return (style, widths);
        }
        for row in cells.iter_mut() {
            row.pop();
        }
    }
}

fn columns(rows: &[Vec<Written>]) -> Vec<Region> {
    let column = |name: &str, at: fn(&Vec<Written>) -> Option<&Written>| {
        let cells: Vec<Written> = rows.iter().filter_map(at).cloned().collect();
        Region::new(name, joined(&cells, "\n"))
    };
    [
        column("the first column", |row| row.first()),
        column("the last column", |row| row.last()),
    ]
    .into_iter()
    .flatten()
    .collect()
}

struct Grid {
    corner: [f32; 2],
    widths: Vec<f32>,
    pitch: f32,
    count: usize,
}

impl Grid {
    /// Paints none, some or all lines between cells, at times a shade behind the header.
    fn rules(&self, sheet: &mut Sheet, ink: [f32; 3], rng: &mut Random) {
        let [x1, y1] = self.corner;
        let x2 = x1 + self.widths.iter().sum::<f32>();
        let y2 = y1 + self.pitch * self.count as f32;
        let look = rng.below(4);
        let faint = sheet.faint(ink);
        if rng.chance(0.25) {
            // A shade towards the far side of the ink keeps the contrast.
            let far = if palette::luma(ink) < 0.5 { 1.0 } else { 0.0 };
            let shade = sheet.paper.map(|c| 0.5 * (c + far));
            sheet.plate([x1, y1, x2, y1 + self.pitch], 0.0, shade, None);
        }
        for i in 0..=self.count {
            let (edge, inner) = (i == 0 || i == self.count, i == 1);
            if look == 1 || look == 2 && (edge || inner) || look == 3 && inner {
                sheet.rule(x1, x2, y1 + self.pitch * i as f32, faint);
            }
        }
        if look == 1 {
            let mut x = x1;
            for width in self.widths.iter().chain(&[0.0]) {
                sheet.plate([x - 0.5, y1, x + 0.5, y2], 0.0, faint, None);
                x += width;
            }
        }
    }

    fn write(
        &self,
        sheet: &mut Sheet,
        cells: &[Vec<String>],
        style: &Style,
        rng: &mut Random,
    ) -> Vec<Vec<Written>> {
        let aligns: Vec<Align> = (0..self.widths.len())
            .map(|i| match rng.below(4) {
                0 => Align::Centre,
                1 | 2 if i > 0 => Align::Right,
                _ => Align::Left,
            })
            .collect();
        let mut rows = Vec::new();
        for (i, row) in cells.iter().enumerate() {
            let y = self.corner[1] + self.pitch * i as f32 + 0.5 * (self.pitch - style.height());
            let mut x = self.corner[0];
            let mut written = Vec::new();
            for ((cell, width), align) in row.iter().zip(&self.widths).zip(&aligns) {
                let span = [x + 3.0, x + width - 3.0, y];
                written.push(write_aligned(sheet, cell, span, *align, style));
                x += width;
            }
            rows.push(written);
        }
        rows
    }
}

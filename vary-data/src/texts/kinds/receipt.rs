//! Receipts and bills.

use super::shared::Align;
use super::shared::Content;
use super::shared::fitting;
use super::shared::paper;
use super::shared::small_print;
use super::shared::style;
use super::shared::write_aligned;
use crate::random::Random;
use crate::texts::compose::{Block, in_one_line};
use crate::texts::palette;
use crate::texts::region::Region;
use crate::texts::sheet::{Sheet, Style};
use crate::texts::source::Texts;
use crate::texts::words::{self, Words};

/// Things bought, their prices and the total.
pub(super) fn draw(sheet: &mut Sheet, texts: &Texts, rng: &mut Random) -> Content {
    paper(sheet, rng);
    let source = texts.words(sheet.split);
    let [x1, top, x2, bottom] = sheet.area;
    let spare = rng.range(0.0, 40.0);
    let left = x1 + spare * rng.unit();
    let right = left + (x2 - x1 - spare);
    if spare > 15.0 && rng.chance(0.6) {
        sheet.paper = palette::light(sheet.split, rng);
        let bbox = [left - 2.0, top - 2.0, right + 2.0, bottom + 2.0];
        sheet.plate(bbox, 0.0, sheet.paper, None);
    }
    let (left, right) = (left + 3.0, right - 3.0);
    let (x_height, stretch) = (small_print(rng), rng.range(0.72, 1.15));
    let style = style(sheet, texts, x_height, stretch, rng);
    let pitch = style.height() * rng.range(1.0, 1.2);
    let mut y = top + rng.range(0.0, 8.0);
    let mut blocks = Vec::new();
    if rng.chance(0.7) {
        let mut large = style;
        large.x_height *= rng.range(1.1, 1.5);
        let text = source.title(14, rng);
        let large = large.fit(&text, [right - left, 40.0], 0.6);
        let line = write_aligned(sheet, &text, [left, right, y], Align::Centre, &large);
        blocks.push(Block::Heading(line));
        y += large.height() * 1.1;
    }
    if rng.chance(0.5) {
        let text = fitting(&style, right - left, rng, |rng| info(source, rng));
        let line = write_aligned(sheet, &text, [left, right, y], Align::Centre, &style);
        blocks.push(Block::Paragraph(vec![line]));
        y += pitch;
    }
    y += 2.0;
    let room = ((bottom - y - 5.0) / pitch) as usize;
    let count = (2 + rng.below(5)).min(room.saturating_sub(1)).max(1);
    let ruled = rng.chance(0.6);
    let mut rows = Vec::new();
    for i in 0..=count {
        if i == count && ruled {
            sheet.rule(left, right, y + 1.0, sheet.faint(style.ink));
            y += 4.0;
        }
        let price = words::price(rng);
        let width = right - left - style.width(&price) - style.width("  ");
        let name = fitting(&style, width, rng, |rng| {
            if i == count {
                total(rng)
            } else {
                thing(source, rng)
            }
        });
        rows.push(row(sheet, [&name, &price], [left, right, y], &style));
        y += pitch;
    }
    let regions = total_of(&rows);
    blocks.push(Block::Table(rows));
    Content { blocks, regions }
}

type Row = Vec<crate::texts::written::Written>;

fn row(sheet: &mut Sheet, [name, price]: [&str; 2], span: [f32; 3], style: &Style) -> Row {
    vec![
        write_aligned(sheet, name, span, Align::Left, style),
        write_aligned(sheet, price, span, Align::Right, style),
    ]
}

fn total_of(rows: &[Row]) -> Vec<Region> {
    let mut regions = Vec::new();
    if let [first, .., last] = rows {
        regions.extend(
            last.last()
                .and_then(|p| Region::new("the total", p.clone())),
        );
        regions.extend(Region::new("the first item", in_one_line(first)));
    }
    regions
}

fn info(source: &Words, rng: &mut Random) -> String {
    match rng.below(4) {
        0 => format!("{} {}", words::date(rng), words::time(rng)),
        1 => format!("No. {}", words::code(rng)),
        2 => format!("{} {}", words::day(rng), words::time(rng)),
        _ => source.line(14, rng),
    }
    .replace('|', "/")
}

fn thing(source: &Words, rng: &mut Random) -> String {
    let title = source.title(13, rng);
    match rng.below(6) {
        0 => format!("{}x {title}", 1 + rng.below(9)),
        1 => title.to_ascii_lowercase(),
        2 => format!("{title} {}", 1 + rng.below(30)),
        _ => title,
    }
}

fn total(rng: &mut Random) -> String {
    ["Total", "TOTAL", "Total:", "Sum", "total", "To pay"][rng.below(6)].into()
}

//! Windows of programs.

use super::page::Flow;
use super::shared::Align;
use super::shared::Content;
use super::shared::fitting;
use super::shared::paper;
use super::shared::style;
use super::shared::write_aligned;
use crate::random::Random;
use crate::texts::compose::{Block, in_one_line};
use crate::texts::palette;
use crate::texts::region::Region;
use crate::texts::sheet::{Sheet, Style};
use crate::texts::source::Texts;
use crate::texts::words;

const BUTTONS: &[&str] = &[
    "OK", "Cancel", "Save", "Open", "Close", "Next", "Back", "Send", "Delete", "Edit", "Yes", "No",
    "Retry", "Help", "Login", "Search", "Apply", "Done",
];

/// A window with a title, text, fields and buttons.
pub(super) fn draw(sheet: &mut Sheet, texts: &Texts, rng: &mut Random) -> Content {
    paper(sheet, rng);
    let [x1, y1, x2, y2] = sheet.area;
    let inset = rng.range(0.0, 8.0);
    let window = [
        x1 + inset,
        y1 + rng.range(0.0, 8.0),
        x2 - inset,
        y2 - rng.range(0.0, 8.0),
    ];
    let colour = if rng.chance(0.6) {
        palette::light(sheet.split, rng)
    } else {
        palette::dark(sheet.split, rng)
    };
    sheet.plate(window, 3.0, colour, None);
    sheet.paper = colour;
    let share = rng.unit();
    let (x_height, stretch) = (6.5 + 2.5 * share * share, rng.range(0.75, 1.2));
    let style = style(sheet, texts, x_height, stretch, rng);
    let mut blocks = vec![title_bar(sheet, texts, window, &style, rng)];
    let bar = style.height() + 6.0;
    let bottom = window[3] - style.height() - 12.0;
    let mut flow = Flow {
        style,
        pitch: style.height() * 1.1,
        justified: false,
        x1: window[0] + 6.0,
        x2: window[2] - 6.0,
        y: window[1] + bar + 5.0,
        bottom,
    };
    let words = texts.words(sheet.split).prose(30 + rng.below(46), rng);
    let lines = flow.write(sheet, &words, 0.0);
    if !lines.is_empty() {
        blocks.push(Block::Paragraph(lines));
    }
    for _ in 0..rng.below(3) {
        flow.y += 3.0;
        if flow.y + style.height() > bottom {
            break;
        }
        blocks.push(field(sheet, texts, &mut flow, rng));
    }
    let (buttons, regions) = buttons(sheet, window, &style, rng);
    blocks.push(buttons);
    Content { blocks, regions }
}

/// Paints the bar at the top of a window and writes the title there.
fn title_bar(
    sheet: &mut Sheet,
    texts: &Texts,
    window: [f32; 4],
    style: &Style,
    rng: &mut Random,
) -> Block {
    let colour = palette::vivid(sheet.split, rng);
    let bar = [
        window[0],
        window[1],
        window[2],
        window[1] + style.height() + 4.0,
    ];
    sheet.plate(bar, 3.0, colour, None);
    let ink = palette::ink(sheet.split, palette::luma(colour), rng);
    let style = Style { ink, ..*style };
    let width = window[2] - window[0] - 12.0;
    let text = fitting(&style, width, rng, |rng| {
        texts.words(sheet.split).title(16, rng)
    });
    let span = [window[0] + 6.0, window[2] - 6.0, window[1] + 2.0];
    let align = if rng.chance(0.4) {
        Align::Centre
    } else {
        Align::Left
    };
    Block::Heading(write_aligned(sheet, &text, span, align, &style))
}

/// Writes a name and a value, at times with a frame about the value.
fn field(sheet: &mut Sheet, texts: &Texts, flow: &mut Flow, rng: &mut Random) -> Block {
    let style = flow.style;
    let half = 0.5 * (flow.x1 + flow.x2);
    let width = half - flow.x1 - 6.0;
    let name = fitting(&style, width, rng, |rng| {
        format!("{}:", texts.words(sheet.split).title(8, rng))
    });
    let value = fitting(&style, width, rng, |rng| match rng.below(4) {
        0 => words::date(rng),
        1 => words::percentage(rng),
        2 => words::code(rng),
        _ => texts.words(sheet.split).title(9, rng),
    });
    if rng.chance(0.6) {
        let frame = [
            half - 3.0,
            flow.y - 1.0,
            flow.x2,
            flow.y + style.height() + 1.0,
        ];
        sheet.plate(frame, 2.0, sheet.faint(style.ink), Some(0.8));
    }
    let name = write_aligned(sheet, &name, [flow.x1, half, flow.y], Align::Left, &style);
    let value = write_aligned(sheet, &value, [half, flow.x2, flow.y], Align::Left, &style);
    flow.y += style.height() + 2.0;
    Block::Paragraph(vec![in_one_line(&[name, value])])
}

/// One or two buttons at the bottom of a window.
fn buttons(
    sheet: &mut Sheet,
    window: [f32; 4],
    style: &Style,
    rng: &mut Random,
) -> (Block, Vec<Region>) {
    let colour = palette::vivid(sheet.split, rng);
    let ink = palette::ink(sheet.split, palette::luma(colour), rng);
    let style = Style { ink, ..*style };
    let count = 1 + rng.below(2);
    let slot = (window[2] - window[0] - 8.0) / 2.0;
    let first = if count == 1 { rng.below(2) } else { 0 };
    let y = window[3] - style.height() - 7.0;
    let from = rng.below(BUTTONS.len());
    let mut written = Vec::new();
    for i in 0..count {
        let text = BUTTONS[(from + i) % BUTTONS.len()];
        let x = window[0] + 4.0 + slot * (first + i) as f32;
        let span = [x + 6.0, x + slot - 6.0, y];
        let bbox = [x + 2.0, y - 2.0, x + slot - 2.0, y + style.height() + 2.0];
        sheet.plate(bbox, 4.0, colour, None);
        let style = style.fit(text, [span[1] - span[0], 60.0], 0.6);
        written.push(write_aligned(sheet, text, span, Align::Centre, &style));
    }
    let names: &[&str] = match count {
        1 => &["the button"],
        _ => &["the left button", "the right button"],
    };
    let regions = names.iter().zip(&written);
    let regions = regions.filter_map(|(name, text)| Region::new(name, text.clone()));
    let regions = regions.collect();
    (Block::Paragraph(vec![in_one_line(&written)]), regions)
}

//! Single words and lines.

use super::shared::Content;
use super::shared::any_line;
use super::shared::paper;
use super::shared::style;
use crate::random::Random;
use crate::texts::compose::Block;
use crate::texts::sheet::{Sheet, Style};
use crate::texts::source::Texts;

/// Letters of a strip are narrowed at most to this: a strip four times as wide as high becomes a
/// square.
const NARROWEST: f32 = 0.25;
/// Letters are not narrowed further once the letter x of a font as wide as high would be as
/// narrow as this: they run into each other in the image.
const LEAST_WIDTH: f32 = 5.0;

/// A word anywhere.
pub(super) fn word(sheet: &mut Sheet, texts: &Texts, rng: &mut Random) -> Content {
    paper(sheet, rng);
    let text = texts.words(sheet.split).token(rng);
    let share = rng.unit();
    let x_height = 7.0 + 33.0 * share * share;
    let style = strip_style(sheet, texts, x_height, rng);
    single(sheet, &text, style, rng)
}

/// A line anywhere.
pub(super) fn line(sheet: &mut Sheet, texts: &Texts, rng: &mut Random) -> Content {
    paper(sheet, rng);
    let most = 6 + rng.below(13);
    let text = any_line(sheet, texts, most, rng);
    let share = rng.unit();
    let x_height = if rng.chance(0.75) {
        9.5 + 22.0 * share * share
    } else {
        6.2 + 3.0 * share
    };
    let style = strip_style(sheet, texts, x_height, rng);
    single(sheet, &text, style, rng)
}

/// Two or three lines, each in a band of its own.
pub(super) fn lines(sheet: &mut Sheet, texts: &Texts, rng: &mut Random) -> Content {
    paper(sheet, rng);
    let count = 2 + rng.below(2);
    let share = rng.unit();
    let mut style = strip_style(sheet, texts, 6.8 + 11.0 * share * share, rng);
    let same_size = rng.chance(0.6);
    let left = rng.chance(0.5).then(|| rng.unit());
    let [x1, y1, x2, y2] = sheet.area;
    let pitch = (y2 - y1) / count as f32;
    let mut blocks = Vec::new();
    for i in 0..count {
        if i > 0 && !same_size {
            style = strip_style(sheet, texts, 6.8 + 9.0 * rng.unit(), rng);
        }
        let most = 5 + rng.below(12);
        let text = any_line(sheet, texts, most, rng);
        let style = style.fit(&text, [x2 - x1, pitch], least_stretch(style.x_height));
        let top = y1 + pitch * i as f32;
        let band = [x1, top, x2, top + pitch];
        let line = place(
            sheet,
            &text,
            &style,
            band,
            [left.unwrap_or(rng.unit()), rng.unit()],
        );
        blocks.push(line);
    }
    blocks.into()
}

fn strip_style<'t>(sheet: &Sheet, texts: &'t Texts, x_height: f32, rng: &mut Random) -> Style<'t> {
    let stretch = if rng.chance(0.65) {
        rng.range(0.75, 1.4)
    } else {
        rng.range(0.3, 0.75)
    };
    let stretch = stretch.max(least_stretch(x_height));
    style(sheet, texts, x_height, stretch, rng)
}

fn least_stretch(x_height: f32) -> f32 {
    (LEAST_WIDTH / x_height).max(NARROWEST)
}

fn single(sheet: &mut Sheet, text: &str, style: Style, rng: &mut Random) -> Content {
    let [x1, y1, x2, y2] = sheet.area;
    let style = style.fit(text, [x2 - x1, y2 - y1], least_stretch(style.x_height));
    vec![place(
        sheet,
        text,
        &style,
        [x1, y1, x2, y2],
        [rng.unit(), rng.unit()],
    )]
    .into()
}

/// Writes a line into a box with the shares `spot` of the spare room before it.
fn place(
    sheet: &mut Sheet,
    text: &str,
    style: &Style,
    [x1, y1, x2, y2]: [f32; 4],
    spot: [f32; 2],
) -> Block {
    let x = x1 + style.overhang() + spot[0] * (x2 - x1 - style.span(text));
    let y = y1 + spot[1] * (y2 - y1 - style.height());
    let line = sheet.write(text, [x, y + style.top()], style, 0.0);
    Block::Paragraph(vec![line])
}

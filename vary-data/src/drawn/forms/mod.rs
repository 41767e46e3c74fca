//! Forms of keys and values with questions, in the style of DocVQA.

mod content;
mod fields;
mod layout;
mod office;
mod pen;
mod table;
#[cfg(test)]
mod tests;
mod theme;
mod trade;
mod values;
mod words;

use image::RgbImage;

use super::config::ATTEMPTS;
use super::config::Drawn;
use super::config::DrawnConfig;
use super::raster::Shape;
use super::sheet::Sheet;
use super::text::Style;
use crate::error::Result;
use crate::random::{FORMS, Random};
use content::Form;
use pen::Pen;
use theme::{Keys, Theme};

type Filled = fn(usize, &mut Random) -> Form;

/// Draws form number `index` of the stream `seed`.
///
/// # Errors
/// If the configuration's size is out of range or no form fits into it.
pub fn form(seed: u64, index: u64, config: &DrawnConfig) -> Result<Drawn> {
    config.check()?;
    let mut rng = Random::new(FORMS, seed, index);
    let (form, sheet) = planned(config, &mut rng)?;
    let questions = form.ask(&mut rng);
    let mut page = sheet.paint(Some(form.markdown()))?;
    age(&mut page.image, &mut rng);
    Ok(Drawn {
        kind: form.kind,
        page,
        questions,
    })
}

/// A form that fits, with its layout.
fn planned(config: &DrawnConfig, rng: &mut Random) -> Result<(Form, Sheet)> {
    let kinds: [(&str, Filled); 6] = [
        ("invoice", trade::invoice),
        ("receipt", trade::receipt),
        ("card", office::card),
        ("registration", office::registration),
        ("label", office::label),
        ("memo", office::memo),
    ];
    let (kind, fill) = kinds[rng.below(kinds.len())];
    let room = (config.height / 70).clamp(3, 9) as usize;
    for attempt in 0..ATTEMPTS {
        let form = fill(room.saturating_sub(attempt / 10).max(2), rng);
        let theme = theme(config, attempt, rng);
        let mut sheet = paper(config, rng);
        let mut pen = pen(&mut sheet, kind, &theme, rng);
        if layout::plan(&form, &theme, &mut pen, rng).is_some() {
            return Ok((form, sheet));
        }
    }
    Err(config.no_room(kind))
}

fn theme(config: &DrawnConfig, attempt: usize, rng: &mut Random) -> Theme {
    let side = config.width.min(config.height) as f32;
    // Text shrinks with the attempts down to what can just be read.
    let largest = (side * (0.038 - 0.00015 * attempt as f32)).max(9.2);
    let em = rng.range((side * 0.02).clamp(9.0, largest), largest);
    let ink = *rng.pick(&[&[15, 15, 15], &[30, 30, 30], &[20, 30, 70]]);
    let accent = *rng.pick(&[&ink, &ink, &[130, 25, 30], &[25, 80, 50], &[25, 60, 130]]);
    let text = Style::new(&config.fonts.body(rng), em, ink);
    let other = if rng.chance(0.5) {
        text.font.clone()
    } else {
        config.fonts.any(rng)
    };
    Theme {
        bold: Style::new(&other, em, accent),
        title: Style::new(&other, em * rng.range(1.2, 1.8), accent),
        small: Style::new(&text.font, (em * 0.85).max(9.0), ink),
        text,
        line: *rng.pick(&[&[120, 120, 120], &[60, 60, 60], &[150, 160, 180]]),
        shade: *rng.pick(&[&[232, 232, 232], &[222, 230, 242], &[240, 232, 214]]),
        keys: Keys::ALL[rng.below(Keys::ALL.len())],
        columns: if attempt.is_multiple_of(2) {
            rng.whole(1, 2) as usize
        } else {
            1
        },
    }
}

fn paper(config: &DrawnConfig, rng: &mut Random) -> Sheet {
    let papers = [
        [255; 3],
        [255; 3],
        [252, 250, 242],
        [244, 247, 252],
        [253, 246, 246],
    ];
    Sheet::new(config.width, config.height, papers[rng.below(papers.len())])
}

/// The free part of the page; for some kinds it is a sheet on a table.
fn pen<'a>(sheet: &'a mut Sheet, kind: &str, theme: &Theme, rng: &mut Random) -> Pen<'a> {
    let (width, height) = (sheet.width, sheet.height);
    let narrow = match kind {
        "receipt" if width >= 400.0 => width * rng.range(0.0, 0.15),
        _ => 0.0,
    };
    let edge = width.min(height) * 0.02;
    let area = [narrow + edge, edge, width - narrow - edge, height - edge];
    if narrow > 0.0 || (matches!(kind, "card" | "label") && rng.chance(0.5)) {
        let table = *rng.pick(&[&[205, 200, 192], &[180, 188, 196], &[214, 214, 214]]);
        let paper = std::mem::replace(&mut sheet.background, table);
        sheet.shapes.push(Shape::Box(area, paper));
        sheet.shapes.push(Shape::outline(area, 1.0, theme.line));
    }
    let margin = theme.text.em * rng.range(0.7, 1.2);
    Pen {
        left: area[0] + margin,
        right: area[2] - margin,
        y: area[1] + margin,
        bottom: area[3] - margin * 0.6,
        sheet,
    }
}

/// Noise and uneven light, as scans and photos have them, on half of the images.
fn age(image: &mut RgbImage, rng: &mut Random) {
    if rng.chance(0.5) {
        return;
    }
    let reach = rng.whole(1, 9) as u8;
    let darker = rng.range(0.0, 14.0);
    let height = image.height() as f32;
    let mut noise = vec![0; image.width() as usize];
    for (y, row) in image.enumerate_rows_mut() {
        rng.fill(&mut noise);
        let light = (darker * y as f32 / height) as i16;
        for ((_, _, pixel), &n) in row.zip(&noise) {
            let change = i16::from(n % (2 * reach + 1)) - i16::from(reach) - light;
            pixel.0 = pixel.0.map(|v| (i16::from(v) + change).clamp(0, 255) as u8);
        }
    }
}

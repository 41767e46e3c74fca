//! Charts with questions, in the style of ChartQA.

mod axes;
mod data;
mod legend;
mod marks;
mod pie;
mod questions;
#[cfg(test)]
mod tests;
mod topics;

use super::random::Random;
use super::sheet::Sheet;
use super::text::{Colour, Style};
use super::{ATTEMPTS, Drawn, DrawnConfig, number};
use crate::error::Result;
use data::Chart;

/// Kinds of charts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Vertical,
    Horizontal,
    /// Vertical bars of several series side by side.
    Grouped,
    Line,
    Pie,
}

impl Kind {
    const ALL: [Self; 5] = [
        Self::Vertical,
        Self::Horizontal,
        Self::Grouped,
        Self::Line,
        Self::Pie,
    ];

    fn name(self) -> &'static str {
        match self {
            Self::Vertical => "vertical_bars",
            Self::Horizontal => "horizontal_bars",
            Self::Grouped => "grouped_bars",
            Self::Line => "lines",
            Self::Pie => "pie",
        }
    }
}

/// How a chart looks.
struct Look {
    text: Style,
    title: Style,
    grid: Colour,
    background: Colour,
    frame: bool,
}

impl Look {
    fn random(config: &DrawnConfig, attempt: usize, rng: &mut Random) -> Self {
        let side = config.width.min(config.height) as f32;
        // Text shrinks with the attempts down to what can just be read.
        let largest = (side * (0.04 - 0.00015 * attempt as f32)).max(9.5);
        let em = rng.range((side * 0.02).clamp(9.0, largest), largest);
        let (background, ink, grid) = match rng.below(10) {
            0..6 => ([255; 3], [25; 3], [222; 3]),
            6..8 => ([250, 248, 241], [40, 36, 32], [224, 220, 210]),
            8 => ([236, 239, 244], [20, 30, 50], [208, 212, 220]),
            _ => ([33, 36, 43], [232; 3], [70, 74, 84]),
        };
        let text = Style::new(&config.fonts.body(rng), em, ink);
        let title_font = if rng.chance(0.5) {
            text.font.clone()
        } else {
            config.fonts.any(rng)
        };
        Self {
            title: Style::new(&title_font, em * rng.range(1.1, 1.45), ink),
            text,
            grid,
            background,
            frame: rng.chance(0.4),
        }
    }
}

/// Draws chart number `index` of the stream `seed`.
///
/// # Errors
/// If the configuration's size is out of range or no chart fits into it.
pub fn chart(seed: u64, index: u64, config: &DrawnConfig) -> Result<Drawn> {
    config.check()?;
    let mut rng = Random::new(b"charts..", seed, index);
    let (chart, sheet) = planned(config, &mut rng)?;
    let questions = questions::ask(&chart, &mut rng);
    Ok(Drawn {
        kind: chart.kind.name(),
        page: sheet.paint(Some(chart.markdown()))?,
        questions: questions.into_iter().map(|(_, q)| q).collect(),
    })
}

/// A chart that fits, with its layout.
fn planned(config: &DrawnConfig, rng: &mut Random) -> Result<(Chart, Sheet)> {
    let kind = Kind::ALL[rng.below(Kind::ALL.len())];
    let room = (config.width / 40).clamp(4, 12) as usize;
    for attempt in 0..ATTEMPTS {
        let room = room.saturating_sub(attempt / 10).max(3);
        let chart = Chart::random(kind, room, rng);
        let look = Look::random(config, attempt, rng);
        let mut sheet = Sheet::new(config.width, config.height, look.background);
        if plan(&chart, &look, &mut sheet, rng).is_some() {
            return Ok((chart, sheet));
        }
    }
    Err(config.no_room(kind.name()))
}

/// Fills the sheet, or `None` if something doesn't fit.
fn plan(chart: &Chart, look: &Look, sheet: &mut Sheet, rng: &mut Random) -> Option<()> {
    let margin = look.text.em * 0.8;
    let mut free = [margin, margin, sheet.width - margin, sheet.height - margin];
    legend::title(chart, look, sheet, &mut free, rng)?;
    if chart.kind == Kind::Pie {
        return pie::plan(chart, look, sheet, free, rng);
    }
    if chart.series.len() > 1 {
        let names: Vec<_> = chart.series.iter().map(|s| s.name.to_owned()).collect();
        legend::plan(&names, chart, look, sheet, &mut free, rng)?;
    }
    let frame = axes::plan(chart, look, sheet, free, rng)?;
    match chart.kind {
        Kind::Line => marks::lines(chart, look, sheet, &frame, rng),
        _ => marks::bars(chart, look, sheet, &frame, rng),
    }
}

//! Charts with questions, in the style of ChartQA.

mod axes;
mod data;
mod kind;
mod legend;
mod marks;
mod pie;
mod questions;
#[cfg(test)]
mod tests;
mod theme;
mod topics;

use super::config::ATTEMPTS;
use super::config::Drawn;
use super::config::DrawnConfig;
use super::sheet::Sheet;
use crate::error::Result;
use crate::random::{CHARTS, Random};
use data::Chart;
use kind::Kind;
use theme::Theme;

/// Draws chart number `index` of the stream `seed`.
///
/// # Errors
/// If the configuration's size is out of range or no chart fits into it.
pub fn chart(seed: u64, index: u64, config: &DrawnConfig) -> Result<Drawn> {
    config.check()?;
    let mut rng = Random::new(CHARTS, seed, index);
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
        let theme = Theme::random(config, attempt, rng);
        let mut sheet = Sheet::new(config.width, config.height, theme.background);
        if plan(&chart, &theme, &mut sheet, rng).is_some() {
            return Ok((chart, sheet));
        }
    }
    Err(config.no_room(kind.name()))
}

/// Fills the sheet, or `None` if something doesn't fit.
fn plan(chart: &Chart, theme: &Theme, sheet: &mut Sheet, rng: &mut Random) -> Option<()> {
    let margin = theme.text.em * 0.8;
    let mut free = [margin, margin, sheet.width - margin, sheet.height - margin];
    legend::title(chart, theme, sheet, &mut free, rng)?;
    if chart.kind == Kind::Pie {
        return pie::plan(chart, theme, sheet, free, rng);
    }
    if chart.series.len() > 1 {
        let names: Vec<_> = chart.series.iter().map(|s| s.name.to_owned()).collect();
        legend::plan(&names, chart, theme, sheet, &mut free, rng)?;
    }
    let frame = axes::plan(chart, theme, sheet, free, rng)?;
    match chart.kind {
        Kind::Line => marks::lines(chart, theme, sheet, &frame, rng),
        _ => marks::bars(chart, theme, sheet, &frame, rng),
    }
}

use crate::drawn::config::DrawnConfig;
use crate::drawn::text::{Colour, Style};
use crate::random::Random;

/// How a chart looks.
pub(super) struct Theme {
    pub(super) text: Style,
    pub(super) title: Style,
    pub(super) grid: Colour,
    pub(super) background: Colour,
    pub(super) frame: bool,
}

impl Theme {
    pub(super) fn random(config: &DrawnConfig, attempt: usize, rng: &mut Random) -> Self {
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

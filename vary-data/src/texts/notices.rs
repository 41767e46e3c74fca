//! Lines as in notices and lists.

use crate::calendar::MONTHS;
use crate::random::Random;

use super::words::{Words, amount, capitalised, day, price};

const LONG_DAYS: &[&str] = &[
    "Monday",
    "Tuesday",
    "Wednesday",
    "Thursday",
    "Friday",
    "Saturday",
    "Sunday",
];

impl Words {
    /// Hours, days, dates, ranges and counts as notices and lists have them, at most `most`
    /// characters; `most` is at least 1.
    pub(super) fn notice(&self, most: usize, rng: &mut Random) -> String {
        for _ in 0..8 {
            let text = match rng.below(10) {
                0 => format!("{} {}", rng.pick(LONG_DAYS), hours(rng)),
                1 => format!("{} {}", day(rng), hours(rng)),
                2 => hours(rng),
                3 => format!("{} - {}", day(rng), day(rng)),
                4 => format!("{} - {}", amount(rng), amount(rng)),
                5 => format!(
                    "{} {} {}",
                    1 + rng.below(31),
                    rng.pick(&MONTHS),
                    1950 + rng.below(100)
                ),
                6 => format!("{} {}", amount(rng), self.common(rng)),
                7 => format!("{} {}", capitalised(&self.common(rng)), price(rng)),
                8 => format!(
                    "{} on {}",
                    capitalised(&self.common(rng)),
                    rng.pick(LONG_DAYS)
                ),
                _ if rng.chance(0.5) => rng.pick(LONG_DAYS).into(),
                _ => rng.pick(&MONTHS).into(),
            };
            if text.len() <= most {
                return text;
            }
        }
        self.line(most, rng)
    }
}

/// From when till when.
fn hours(rng: &mut Random) -> String {
    let (from, to) = (rng.below(13), 12 + rng.below(12));
    let [a, b] = [0; 2].map(|_| rng.pick(&["00", "00", "30", "15", "45"]));
    match rng.below(6) {
        0 => format!("{from}-{to}"),
        1 => format!("{from:02}:{a}-{to}:{b}"),
        2 => format!("{}am - {}pm", 1 + from % 12, 1 + to % 12),
        3 => format!("{from:02}:{a} - {to}:{b}"),
        _ => format!("{from}:{a} - {to}:{b}"),
    }
}

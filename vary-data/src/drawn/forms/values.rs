//! Random values in the formats of forms.

use super::words::{CITIES, COMPANY, FIRST, LAST, STREETS};
use crate::calendar::MONTHS;
use crate::drawn::number::number;
use crate::random::Random;

pub(super) fn person(rng: &mut Random) -> String {
    let (first, last) = (rng.pick(FIRST), rng.pick(LAST));
    if rng.chance(0.2) {
        let middle = char::from(b'A' + rng.below(26) as u8);
        format!("{first} {middle}. {last}")
    } else {
        format!("{first} {last}")
    }
}

/// A company with a word for what it does.
pub(super) fn company(trades: &[&str], rng: &mut Random) -> String {
    format!("{} {}", rng.pick(COMPANY), rng.pick(trades))
}

pub(super) fn street(rng: &mut Random) -> String {
    format!("{} {}", rng.whole(1, 989), rng.pick(STREETS))
}

/// City, state and postal code.
pub(super) fn city(rng: &mut Random) -> String {
    let (city, state, code) = CITIES[rng.below(CITIES.len())];
    format!("{city}, {state} {:05}", code * 100 + rng.whole(1, 99))
}

pub(super) fn phone(rng: &mut Random) -> String {
    // 555-01xx belongs to nobody.
    let (area, line) = (rng.whole(201, 989), rng.whole(100, 199));
    match rng.below(3) {
        0 => format!("({area}) 555-0{line}"),
        1 => format!("{area}-555-0{line}"),
        _ => format!("+1 {area} 555 0{line}"),
    }
}

pub(super) fn email(person: &str) -> String {
    let letters = |c: char| c.is_ascii_alphabetic() || c == ' ';
    let name: String = person
        .to_lowercase()
        .chars()
        .filter(|&c| letters(c))
        .collect();
    format!("{}@example.com", name.replace(' ', "."))
}

/// Letters, a separator and digits.
pub(super) fn code(letters: &str, digits: u32, rng: &mut Random) -> String {
    let low = 10_i64.pow(digits - 1);
    format!("{letters}{}", rng.whole(low, low * 10 - 1))
}

pub(super) fn time(rng: &mut Random) -> String {
    let minute = 5 * rng.below(12);
    if rng.chance(0.5) {
        format!("{:02}:{minute:02}", rng.whole(8, 21))
    } else {
        let half = if rng.chance(0.5) { "AM" } else { "PM" };
        format!("{}:{minute:02} {half}", rng.whole(1, 11))
    }
}

/// An amount of cents as it is printed.
pub(super) fn money(cents: i64) -> String {
    format!("${}", number(cents, 2, true))
}

/// How an amount may be answered.
pub(super) fn amounts(cents: i64) -> Vec<String> {
    vec![
        money(cents),
        number(cents, 2, true),
        number(cents, 2, false),
        format!("${}", number(cents, 2, false)),
    ]
}

/// A day of the calendar.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Date {
    pub year: i64,
    /// 1 to 12.
    pub month: i64,
    /// 1 to 31.
    pub day: i64,
}

impl Date {
    /// A day of the years from `first` to `last`.
    pub(super) fn random(first: i64, last: i64, rng: &mut Random) -> Self {
        let (year, month) = (rng.whole(first, last), rng.whole(1, 12));
        let day = rng.whole(1, length(year, month));
        Self { year, month, day }
    }

    /// The day `days` days later.
    pub(super) fn later(mut self, days: i64) -> Self {
        self.day += days;
        while self.day > length(self.year, self.month) {
            self.day -= length(self.year, self.month);
            self.month += 1;
            if self.month > 12 {
                (self.year, self.month) = (self.year + 1, 1);
            }
        }
        self
    }

    /// In one of five formats, `format` below 5.
    pub(super) fn show(self, format: usize) -> String {
        let Self { year, month, day } = self;
        let name = MONTHS[month as usize - 1];
        match format {
            0 => format!("{month:02}/{day:02}/{year}"),
            1 => format!("{day} {name} {year}"),
            2 => format!("{year}-{month:02}-{day:02}"),
            3 => format!("{} {day}, {year}", &name[..3]),
            _ => format!("{day:02}.{month:02}.{year}"),
        }
    }
}

fn length(year: i64, month: i64) -> i64 {
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    match month {
        2 if leap => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

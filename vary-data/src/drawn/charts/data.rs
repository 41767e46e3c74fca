//! What a chart shows, before it is laid out.

use super::kind::Kind;
use super::topics::{TOPICS, Topic};
use crate::drawn::number::number;
use crate::drawn::text::Colour;
use crate::random::Random;

/// How well values can be read from the image.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Readable {
    /// Every value is printed.
    Printed,
    /// Every value lies on a tick of the axis.
    OnTicks,
    /// Only clear differences.
    Roughly,
}

/// Values with a name and a colour.
pub(super) struct Series {
    pub name: &'static str,
    /// In units of `10^-decimals`.
    pub values: Vec<i64>,
}

/// What a chart shows.
pub(super) struct Chart {
    pub kind: Kind,
    pub topic: &'static Topic,
    pub title: String,
    /// Labels of the axes, where they are shown.
    pub category_axis: Option<String>,
    pub value_axis: Option<String>,
    pub categories: Vec<&'static str>,
    pub series: Vec<Series>,
    pub decimals: u32,
    pub readable: Readable,
    /// Ends of the axis and the distance of its ticks, as values.
    pub base: i64,
    pub top: i64,
    pub step: i64,
    /// Name and RGB: of the series, or of the categories if `by_category`.
    pub colours: Vec<(&'static str, Colour)>,
    /// Whether each category has a colour, not each series.
    pub by_category: bool,
    /// Whether thousands are separated by commas.
    pub commas: bool,
}

const PALETTE: &[(&str, Colour)] = &[
    ("blue", [31, 109, 184]),
    ("orange", [250, 130, 20]),
    ("green", [50, 155, 50]),
    ("red", [212, 40, 42]),
    ("purple", [142, 85, 190]),
    ("brown", [130, 78, 62]),
    ("pink", [238, 130, 195]),
    ("gray", [130, 130, 130]),
    ("cyan", [40, 190, 215]),
    ("yellow", [230, 196, 30]),
];

/// The names of the series of a chart.
fn series_names(topic: &Topic, kind: Kind, rng: &mut Random) -> Vec<&'static str> {
    let count = match kind {
        Kind::Grouped => rng.whole(2, 3),
        Kind::Line => rng.whole(1, 4),
        _ => 1,
    };
    let series = rng.some(topic.series, count as usize);
    match series.len() {
        1 => vec![topic.measure],
        _ => series,
    }
}

impl Chart {
    /// A chart with at most `room` categories, at least 3.
    pub(super) fn random(kind: Kind, room: usize, rng: &mut Random) -> Self {
        let topic = topic(kind, rng);
        let series = series_names(topic, kind, rng);
        let most = match kind {
            Kind::Grouped => room / series.len() + 1,
            Kind::Pie => room.min(7),
            _ => room,
        };
        let categories = categories(topic, most.max(3), rng);
        let readable = match rng.below(20) {
            0..11 => Readable::Printed,
            11..15 if kind != Kind::Pie => Readable::OnTicks,
            _ => Readable::Roughly,
        };
        // Beside several lines it is not clear which point a number belongs to.
        let readable = match readable {
            Readable::Printed if kind == Kind::Line && series.len() > 1 => Readable::OnTicks,
            other => other,
        };
        let decimals = if readable == Readable::OnTicks || rng.chance(0.4) {
            0
        } else {
            topic.decimals
        };
        let mut chart = Self {
            kind,
            topic,
            title: title(topic, kind, series.len(), rng),
            category_axis: rng.chance(0.6).then(|| capital(topic.group[0])),
            value_axis: rng.chance(0.7).then(|| with_unit(topic)),
            categories,
            series: Vec::new(),
            decimals,
            readable,
            base: 0,
            top: 0,
            step: 1,
            colours: Vec::new(),
            by_category: kind == Kind::Pie
                || (matches!(kind, Kind::Vertical | Kind::Horizontal) && rng.chance(0.25)),
            commas: rng.chance(0.5),
        };
        if kind == Kind::Pie {
            (chart.category_axis, chart.value_axis) = (None, None);
            let values = chart.shares(rng);
            chart.series.push(Series {
                name: "Share",
                values,
            });
            chart.top = 100 * 10_i64.pow(decimals);
        } else {
            chart.measure(&series, rng);
        }
        chart.colour(rng);
        chart
    }

    /// Draws the values of all series, and the axis that they need.
    fn measure(&mut self, names: &[&'static str], rng: &mut Random) {
        let unit = 10_i64.pow(self.decimals);
        let [low, high] = self.topic.range.map(|v| v * unit);
        // Not every chart reaches the end of the range.
        let high = low + ((high - low) as f32 * rng.range(0.4, 1.0)) as i64;
        self.step = step(high, rng.whole(7, 10));
        for &name in names {
            let mut at = rng.whole(low, high);
            let mut values = Vec::new();
            for c in 0..self.categories.len() {
                values.push(match self.readable {
                    Readable::OnTicks => self.on_tick(c, high, rng),
                    // A line wanders; bars are drawn afresh.
                    _ if self.kind == Kind::Line => {
                        let reach = (high - low) / 3;
                        at = (at + rng.whole(-reach, reach)).clamp(low, high);
                        at
                    }
                    _ => rng.whole(low, high),
                });
            }
            self.series.push(Series { name, values });
        }
        let all = || self.series.iter().flat_map(|s| s.values.iter().copied());
        let (least, most) = (all().min().unwrap_or(0), all().max().unwrap_or(1));
        self.step = match self.readable {
            Readable::OnTicks => self.step,
            _ => step(most, rng.whole(4, 7)),
        };
        self.top = (most * 21 / 20 / self.step + 1) * self.step;
        if self.kind == Kind::Line && rng.chance(0.3) {
            self.base = (least / self.step - 1).max(0) * self.step;
        }
    }

    /// A tick that no earlier series has at this category, or points would hide each other.
    fn on_tick(&self, category: usize, high: i64, rng: &mut Random) -> i64 {
        let ticks = (high / self.step).max(self.series.len() as i64 + 1);
        loop {
            let value = self.step * rng.whole(1, ticks);
            if self.series.iter().all(|s| s.values[category] != value) {
                return value;
            }
        }
    }

    /// Parts of a whole, none too small to be seen.
    fn shares(&self, rng: &mut Random) -> Vec<i64> {
        let whole = 100 * 10_i64.pow(self.decimals);
        let weights: Vec<_> = self
            .categories
            .iter()
            .map(|_| rng.range(0.25, 1.4))
            .collect();
        let sum: f32 = weights.iter().sum();
        let share = |w: &f32| (w / sum * whole as f32) as i64;
        let mut values: Vec<_> = weights.iter().map(share).collect();
        let rest = whole - values.iter().sum::<i64>();
        if let Some(first) = values.first_mut() {
            *first += rest;
        }
        values
    }

    fn colour(&mut self, rng: &mut Random) {
        let count = if self.by_category {
            self.categories.len()
        } else {
            self.series.len()
        };
        self.colours = rng.some(PALETTE, count);
        // More bars than colours: all the same.
        if self.colours.len() < count {
            self.by_category = false;
            self.colours.truncate(1);
        }
        for (_, rgb) in &mut self.colours {
            *rgb = rgb.map(|v| (i64::from(v) + rng.whole(-12, 12)).clamp(0, 255) as u8);
        }
    }

    /// RGB of a bar, point or slice.
    pub(super) fn rgb(&self, series: usize, category: usize) -> Colour {
        let index = if self.by_category { category } else { series };
        self.colours.get(index).map_or([90; 3], |c| c.1)
    }

    /// A value as it is printed.
    pub(super) fn printed(&self, value: i64) -> String {
        let mark = if self.kind == Kind::Pie { "%" } else { "" };
        number(value, self.decimals, self.commas) + mark
    }

    /// A tick as it is printed: without digits after the point that all ticks lack.
    pub(super) fn tick(&self, value: i64) -> String {
        let unit = 10_i64.pow(self.decimals);
        if self.step % unit == 0 {
            number(value / unit, 0, self.commas)
        } else {
            number(value, self.decimals, self.commas)
        }
    }

    /// The data as a table of Markdown.
    pub(super) fn markdown(&self) -> String {
        let row = |cells: Vec<String>| format!("| {} |\n", cells.join(" | "));
        let mut head = vec![capital(self.topic.group[0])];
        head.extend(self.series.iter().map(|s| capital(s.name)));
        let mut table = row(vec!["---".into(); head.len()]);
        table.insert_str(0, &row(head));
        for (c, category) in self.categories.iter().enumerate() {
            let mut cells = vec![(*category).to_owned()];
            for series in &self.series {
                cells.push(number(series.values[c], self.decimals, false));
            }
            table += &row(cells);
        }
        table
    }
}

fn topic(kind: Kind, rng: &mut Random) -> &'static Topic {
    loop {
        let topic = &TOPICS[rng.below(TOPICS.len())];
        if match kind {
            Kind::Line => topic.time,
            Kind::Pie => !topic.time && !matches!(topic.unit, "minutes" | "points" | "g" | "%"),
            _ => true,
        } {
            return topic;
        }
    }
}

fn categories(topic: &Topic, most: usize, rng: &mut Random) -> Vec<&'static str> {
    let all = topic.categories;
    let count = rng.whole(3, most.min(all.len()) as i64) as usize;
    if topic.time {
        let first = rng.below(all.len() - count + 1);
        all[first..first + count].to_vec()
    } else {
        rng.some(all, count)
    }
}

fn title(topic: &Topic, kind: Kind, series: usize, rng: &mut Random) -> String {
    let (measure, [group, groups]) = (capital(topic.measure), topic.group);
    let year = rng.whole(2001, 2025);
    if kind == Kind::Pie {
        return match rng.below(3) {
            0 => format!("Share of {} by {group}", bare(topic.measure)),
            1 => format!("{} by {group} in {year}, %", capital(bare(topic.measure))),
            _ => format!("Distribution of {}", bare(topic.measure)),
        };
    }
    match rng.below(6) {
        0 => format!("{measure} by {group}"),
        1 if !topic.time => format!("{measure} of selected {groups}, {year}"),
        2 if !topic.time => format!("{measure} per {group} in {year}"),
        3 if series == 1 => format!("{measure}: a comparison of {groups}"),
        4 => measure,
        _ => format!("{} by {group}", with_unit(topic)),
    }
}

/// The measure with its unit, as an axis shows it.
fn with_unit(topic: &Topic) -> String {
    let measure = capital(topic.measure);
    match topic.unit {
        "" => measure,
        "%" => format!("{measure} in %"),
        unit => format!("{measure} ({unit})"),
    }
}

/// What is counted, without the words for counting.
pub(super) fn bare(measure: &str) -> &str {
    measure.strip_prefix("number of ").unwrap_or(measure)
}

/// With a capital letter at the start.
pub(super) fn capital(text: &str) -> String {
    let mut letters = text.chars();
    let first = letters.next().map(|c| c.to_ascii_uppercase());
    first.into_iter().chain(letters).collect()
}

/// The smallest of 1, 2, 5, 10, 20, 50, ... that divides `most` into at most `parts` steps.
fn step(most: i64, parts: i64) -> i64 {
    let mut unit = 1;
    loop {
        for factor in [1, 2, 5] {
            if factor * unit * parts >= most {
                return factor * unit;
            }
        }
        unit *= 10;
    }
}

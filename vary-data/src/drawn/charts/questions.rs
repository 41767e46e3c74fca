//! Questions that a chart answers, and their answers.

use super::data::{Chart, Readable, Series, bare, capital};
use super::kind::Kind;
use crate::drawn::number::number;
use crate::question::Question;
use crate::random::Random;

/// What a question is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Template {
    Value,
    LargestValue,
    Largest,
    Smallest,
    Difference,
    Sum,
    Average,
    CountAbove,
    CountCategories,
    CountSeries,
    NameOfColour,
    ColourOfName,
    Title,
    Axis,
    Compare,
    Trend,
}

impl Template {
    pub(super) const ALL: [Self; 16] = [
        Self::Value,
        Self::LargestValue,
        Self::Largest,
        Self::Smallest,
        Self::Difference,
        Self::Sum,
        Self::Average,
        Self::CountAbove,
        Self::CountCategories,
        Self::CountSeries,
        Self::NameOfColour,
        Self::ColourOfName,
        Self::Title,
        Self::Axis,
        Self::Compare,
        Self::Trend,
    ];
}

/// All questions that can be answered from the image, in random order.
pub(super) fn ask(chart: &Chart, rng: &mut Random) -> Vec<(Template, Question)> {
    let templates = rng.some(&Template::ALL, Template::ALL.len());
    let asked = templates.into_iter().filter_map(|template| {
        let asked = match template {
            Template::CountCategories
            | Template::CountSeries
            | Template::NameOfColour
            | Template::ColourOfName
            | Template::Title
            | Template::Axis => of_image(template, chart, rng),
            _ => of_values(template, chart, rng),
        };
        asked.map(|question| (template, question))
    });
    asked.collect()
}

/// Questions whose answer is a text or a count in the image.
fn of_image(template: Template, chart: &Chart, rng: &mut Random) -> Option<Question> {
    let groups = chart.topic.group[1];
    let names: Vec<&str> = if chart.by_category {
        chart.categories.clone()
    } else {
        chart.series.iter().map(|s| s.name).collect()
    };
    let coloured = rng.below(names.len());
    match template {
        Template::CountCategories => {
            let text = match rng.below(3) {
                0 => format!("How many {groups} are shown?"),
                1 => format!("How many {groups} does the chart have?"),
                _ => format!("What is the number of {groups} in the chart?"),
            };
            Some(Question::new(text, [chart.categories.len().to_string()]))
        }
        Template::CountSeries if chart.series.len() > 1 => {
            let text = rng.pick(&[
                "How many entries does the legend have?",
                "How many different colors are used for the data?",
            ]);
            Some(Question::new(text, [chart.series.len().to_string()]))
        }
        Template::NameOfColour | Template::ColourOfName if names.len() > 1 => {
            let (name, colour) = (names[coloured], chart.colours[coloured].0);
            Some(match template {
                Template::NameOfColour => name_of(colour, name, chart, rng),
                _ => colour_of(name, colour, chart, rng),
            })
        }
        Template::Title => {
            let text = rng.pick(&[
                "What is the title of the chart?",
                "What is the title of this graph?",
                "What does the heading of the chart say?",
            ]);
            Some(Question::new(text, [chart.title.as_str()]))
        }
        Template::Axis => axis(chart, rng),
        _ => None,
    }
}

/// What a chart draws for each name.
fn mark(chart: &Chart) -> &'static str {
    match chart.kind {
        Kind::Pie => "slice",
        Kind::Line => "line",
        _ if chart.by_category => "bar",
        _ => "bars",
    }
}

/// Asks for the name of what has a colour.
fn name_of(colour: &str, name: &str, chart: &Chart, rng: &mut Random) -> Question {
    let text = match (mark(chart), rng.below(2)) {
        ("bars", 0) => format!("What do the {colour} bars represent?"),
        ("bars", _) => format!("Which name belongs to the {colour} bars?"),
        (mark, 0) => format!("What does the {colour} {mark} represent?"),
        (mark, _) => format!("Which name belongs to the {colour} {mark}?"),
    };
    Question::new(text, [name])
}

/// Asks for the colour of what has a name.
fn colour_of(name: &str, colour: &str, chart: &Chart, rng: &mut Random) -> Question {
    let mark = mark(chart);
    let be = if mark == "bars" { "are" } else { "is" };
    let text = match rng.below(2) {
        0 => format!("What color {be} the {mark} of {name}?"),
        _ => format!("In which color {be} the {mark} for {name} drawn?"),
    };
    let other = if colour == "gray" { "grey" } else { colour };
    Question::new(text, [colour, other])
}

/// Asks for the label of an axis that has one.
fn axis(chart: &Chart, rng: &mut Random) -> Option<Question> {
    let lying = chart.kind == Kind::Horizontal;
    let axes = [(&chart.category_axis, lying), (&chart.value_axis, !lying)];
    let shown: Vec<_> = axes.into_iter().filter(|a| a.0.is_some()).collect();
    let &(label, vertical) = shown.get(rng.below(shown.len()))?;
    let text = match (vertical, rng.below(2)) {
        (true, 0) => "What is the label of the y-axis?",
        (true, _) => "What is written along the vertical axis?",
        (false, 0) => "What is the label of the x-axis?",
        (false, _) => "What is written along the horizontal axis?",
    };
    Some(Question::new(text, label.clone()))
}

/// Questions whose answer follows from the values.
fn of_values(template: Template, chart: &Chart, rng: &mut Random) -> Option<Question> {
    let series = &chart.series[rng.below(chart.series.len())];
    let values = &series.values;
    let pair = rng.some(&(0..values.len()).collect::<Vec<_>>(), 2);
    let about = About {
        chart,
        what: measured(chart, series),
        values,
        pair: [*pair.first()?, *pair.get(1)?],
    };
    match template {
        Template::Largest | Template::Smallest => about.extreme(template, rng),
        Template::CountAbove if chart.kind != Kind::Pie => about.above(rng),
        Template::Compare => about.compare(rng),
        Template::Trend if chart.topic.time => about.trend(rng),
        _ if chart.readable != Readable::Roughly => about.number(template, rng),
        _ => None,
    }
}

/// What questions about values are about.
struct About<'a> {
    chart: &'a Chart,
    /// What is measured, as within a sentence.
    what: String,
    /// The values of a series.
    values: &'a [i64],
    /// Two categories.
    pair: [usize; 2],
}

impl About<'_> {
    /// Answers that are numbers of the chart, or follow from two.
    fn number(&self, template: Template, rng: &mut Random) -> Option<Question> {
        let (chart, what) = (self.chart, &self.what);
        let [a, b] = self.pair.map(|c| chart.categories[c]);
        let [x, y] = self.pair.map(|c| self.values[c]);
        let (text, value) = match template {
            Template::Value => {
                let text = match rng.below(3) {
                    0 => format!("What is the {what} for {a}?"),
                    1 => format!("What is the value of the {what} for {a}?"),
                    _ => format!("What {what} does the chart show for {a}?"),
                };
                (text, x)
            }
            Template::LargestValue => {
                let text = match rng.below(2) {
                    0 => format!("What is the highest {what}?"),
                    _ => format!("What is the maximum value of the {what}?"),
                };
                (text, *self.values.iter().max()?)
            }
            Template::Difference => {
                let text = match rng.below(2) {
                    0 => format!("What is the difference between the {what} for {a} and {b}?"),
                    _ => format!("By how much does the {what} for {a} differ from that for {b}?"),
                };
                (text, (x - y).abs())
            }
            Template::Sum => {
                let text = match rng.below(2) {
                    0 => format!("What is the sum of the {what} for {a} and {b}?"),
                    _ => format!("What do {a} and {b} add up to in {what}?"),
                };
                (text, x + y)
            }
            Template::Average if (x + y) % 2 == 0 => {
                let text = match rng.below(2) {
                    0 => format!("What is the average of the {what} for {a} and {b}?"),
                    _ => format!("What is the mean {what} for {a} and {b}?"),
                };
                (text, (x + y) / 2)
            }
            _ => return None,
        };
        Some(Question::new(text, numbers(chart, value)))
    }

    /// The category of the largest or smallest value, where it is clear.
    fn extreme(&self, template: Template, rng: &mut Random) -> Option<Question> {
        let (chart, what, group) = (self.chart, &self.what, self.chart.topic.group[0]);
        let mut order: Vec<usize> = (0..self.values.len()).collect();
        order.sort_by_key(|&i| self.values[i]);
        let largest = template == Template::Largest;
        let (next, last) = match order[..] {
            [.., next, last] if largest => (next, last),
            [last, next, ..] if !largest => (next, last),
            _ => return None,
        };
        let clear = apart(chart, self.values[next], self.values[last]);
        let text = match (largest, rng.below(3)) {
            (true, 0) => format!("Which {group} has the highest {what}?"),
            (true, 1) => format!("For which {group} is the {what} the largest?"),
            (true, _) => format!("Which {group} shows the greatest {what}?"),
            (false, 0) => format!("Which {group} has the lowest {what}?"),
            (false, 1) => format!("For which {group} is the {what} the smallest?"),
            (false, _) => format!("Which {group} shows the least {what}?"),
        };
        clear.then(|| Question::new(text, [chart.categories[last]]))
    }

    /// How many values are above a tick.
    fn above(&self, rng: &mut Random) -> Option<Question> {
        let (chart, what) = (self.chart, &self.what);
        let most = (chart.top - chart.base) / chart.step - 1;
        let line = chart.base + chart.step * rng.whole(1, most);
        let clear = self.values.iter().all(|&v| apart(chart, v, line));
        let (limit, groups) = (chart.tick(line), chart.topic.group[1]);
        let text = match rng.below(2) {
            0 => format!("How many {groups} have a {what} above {limit}?"),
            _ => format!("For how many {groups} is the {what} greater than {limit}?"),
        };
        let count = self.values.iter().filter(|&&v| v > line).count();
        clear.then(|| Question::new(text, [count.to_string()]))
    }

    /// Which of two values is larger.
    fn compare(&self, rng: &mut Random) -> Option<Question> {
        let (chart, what) = (self.chart, &self.what);
        let [a, b] = self.pair.map(|c| chart.categories[c]);
        let [x, y] = self.pair.map(|c| self.values[c]);
        if !apart(chart, x, y) {
            return None;
        }
        let (text, yes) = match rng.below(2) {
            0 => (
                format!("Is the {what} for {a} greater than for {b}?"),
                x > y,
            ),
            _ => (format!("Is the {what} for {a} less than for {b}?"), x < y),
        };
        Some(Question::new(text, [if yes { "Yes" } else { "No" }]))
    }

    /// Whether a value grows from one time to another.
    fn trend(&self, rng: &mut Random) -> Option<Question> {
        let (chart, what) = (self.chart, &self.what);
        let [first, second] = self.pair;
        if first == second || !apart(chart, self.values[first], self.values[second]) {
            return None;
        }
        let (from, to) = (first.min(second), first.max(second));
        let (a, b) = (chart.categories[from], chart.categories[to]);
        let text = match rng.below(2) {
            0 => format!("Did the {what} increase or decrease from {a} to {b}?"),
            _ => format!("Is there an increase or a decrease of the {what} between {a} and {b}?"),
        };
        let grows = self.values[to] > self.values[from];
        Some(Question::new(
            text,
            [if grows { "Increase" } else { "Decrease" }],
        ))
    }
}

/// What is asked for, as within a sentence.
fn measured(chart: &Chart, series: &Series) -> String {
    let measure = chart.topic.measure;
    if chart.kind == Kind::Pie {
        format!("share of {}", bare(measure))
    } else if chart.series.len() == 1 {
        measure.into()
    } else {
        format!("{measure} of {}", capital(series.name))
    }
}

/// Whether one can see which of two values is larger, or that they differ at all.
fn apart(chart: &Chart, a: i64, b: i64) -> bool {
    match chart.readable {
        Readable::Roughly => (a - b).abs() * 25 >= chart.top - chart.base,
        _ => a != b,
    }
}

/// A number without commas, as ChartQA has it; then as it is printed; then shorter.
fn numbers(chart: &Chart, value: i64) -> Vec<String> {
    let plain = number(value, chart.decimals, false);
    let mut answers = vec![plain.clone(), chart.printed(value)];
    if plain.contains('.') {
        answers.push(plain.trim_end_matches('0').trim_end_matches('.').into());
    }
    answers
}

//! Questions that a chart answers, and their answers.

use super::super::random::Random;
use super::data::{Chart, Readable, Series, bare, capital};
use super::{Kind, number};
use crate::question::Question;

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

/// All questions that can be answered from the picture, in random order.
pub(super) fn ask(chart: &Chart, rng: &mut Random) -> Vec<(Template, Question)> {
    let templates = rng.some(&Template::ALL, Template::ALL.len());
    let asked = templates.into_iter().filter_map(|template| {
        let asked = match template {
            Template::CountCategories
            | Template::CountSeries
            | Template::NameOfColour
            | Template::ColourOfName
            | Template::Title
            | Template::Axis => of_picture(template, chart, rng),
            _ => of_values(template, chart, rng),
        };
        asked.map(|question| (template, question))
    });
    asked.collect()
}

/// Questions whose answer is a text or a count in the picture.
fn of_picture(template: Template, chart: &Chart, rng: &mut Random) -> Option<Question> {
    let groups = chart.topic.group[1];
    let part = match chart.kind {
        Kind::Pie => "slice",
        Kind::Line => "line",
        _ if chart.by_category => "bar",
        _ => "bars",
    };
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
        Template::NameOfColour if names.len() > 1 => {
            let colour = chart.colours[coloured].0;
            let text = match (part, rng.below(2)) {
                ("bars", 0) => format!("What do the {colour} bars represent?"),
                ("bars", _) => format!("Which name belongs to the {colour} bars?"),
                (_, 0) => format!("What does the {colour} {part} represent?"),
                _ => format!("Which name belongs to the {colour} {part}?"),
            };
            Some(Question::new(text, [names[coloured]]))
        }
        Template::ColourOfName if names.len() > 1 => {
            let name = names[coloured];
            let (be, plural) = if part == "bars" {
                ("are", "bars")
            } else {
                ("is", part)
            };
            let text = match rng.below(2) {
                0 => format!("What color {be} the {plural} of {name}?"),
                _ => format!("In which color {be} the {plural} for {name} drawn?"),
            };
            let colour = chart.colours[coloured].0;
            let other = if colour == "gray" { "grey" } else { colour };
            Some(Question::new(text, [colour, other]))
        }
        Template::Title => {
            let text = rng.pick(&[
                "What is the title of the chart?",
                "What is the title of this graph?",
                "What does the heading of the chart say?",
            ]);
            Some(Question::new(text, [chart.title.as_str()]))
        }
        Template::Axis => {
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
        _ => None,
    }
}

/// Questions whose answer follows from the values.
fn of_values(template: Template, chart: &Chart, rng: &mut Random) -> Option<Question> {
    let group = chart.topic.group[0];
    let exact = chart.readable != Readable::Roughly;
    let series = &chart.series[rng.below(chart.series.len())];
    let what = measured(chart, series);
    let values = &series.values;
    let pair = rng.some(&(0..values.len()).collect::<Vec<_>>(), 2);
    let (&first, &second) = (pair.first()?, pair.get(1)?);
    let (a, b) = (chart.categories[first], chart.categories[second]);
    let (x, y) = (values[first], values[second]);
    let ordered: Vec<usize> = {
        let mut order: Vec<_> = (0..values.len()).collect();
        order.sort_by_key(|&i| values[i]);
        order
    };
    match template {
        Template::Value if exact => {
            let text = match rng.below(3) {
                0 => format!("What is the {what} for {a}?"),
                1 => format!("What is the value of the {what} for {a}?"),
                _ => format!("What {what} does the chart show for {a}?"),
            };
            Some(Question::new(text, numbers(chart, x)))
        }
        Template::LargestValue if exact => {
            let text = match rng.below(2) {
                0 => format!("What is the highest {what}?"),
                _ => format!("What is the maximum value of the {what}?"),
            };
            Some(Question::new(text, numbers(chart, *values.iter().max()?)))
        }
        Template::Largest => {
            let [.., next, last] = ordered[..] else {
                return None;
            };
            let clear = apart(chart, values[next], values[last]);
            let text = match rng.below(3) {
                0 => format!("Which {group} has the highest {what}?"),
                1 => format!("For which {group} is the {what} the largest?"),
                _ => format!("Which {group} shows the greatest {what}?"),
            };
            clear.then(|| Question::new(text, [chart.categories[last]]))
        }
        Template::Smallest => {
            let [last, next, ..] = ordered[..] else {
                return None;
            };
            let clear = apart(chart, values[next], values[last]);
            let text = match rng.below(3) {
                0 => format!("Which {group} has the lowest {what}?"),
                1 => format!("For which {group} is the {what} the smallest?"),
                _ => format!("Which {group} shows the least {what}?"),
            };
            clear.then(|| Question::new(text, [chart.categories[last]]))
        }
        Template::Difference if exact => {
            let text = match rng.below(2) {
                0 => format!("What is the difference between the {what} for {a} and {b}?"),
                _ => format!("By how much does the {what} for {a} differ from that for {b}?"),
            };
            Some(Question::new(text, numbers(chart, (x - y).abs())))
        }
        Template::Sum if exact => {
            let text = match rng.below(2) {
                0 => format!("What is the sum of the {what} for {a} and {b}?"),
                _ => format!("What do {a} and {b} add up to in {what}?"),
            };
            Some(Question::new(text, numbers(chart, x + y)))
        }
        Template::Average if exact && (x + y) % 2 == 0 => {
            let text = match rng.below(2) {
                0 => format!("What is the average of the {what} for {a} and {b}?"),
                _ => format!("What is the mean {what} for {a} and {b}?"),
            };
            Some(Question::new(text, numbers(chart, (x + y) / 2)))
        }
        Template::CountAbove if chart.kind != Kind::Pie => {
            let most = (chart.top - chart.base) / chart.step - 1;
            let line = chart.base + chart.step * rng.whole(1, most);
            let clear = values.iter().all(|&v| apart(chart, v, line));
            let (limit, groups) = (chart.tick(line), chart.topic.group[1]);
            let text = match rng.below(2) {
                0 => format!("How many {groups} have a {what} above {limit}?"),
                _ => format!("For how many {groups} is the {what} greater than {limit}?"),
            };
            let count = values.iter().filter(|&&v| v > line).count();
            clear.then(|| Question::new(text, [count.to_string()]))
        }
        Template::Compare if apart(chart, x, y) => {
            let (text, yes) = match rng.below(2) {
                0 => (
                    format!("Is the {what} for {a} greater than for {b}?"),
                    x > y,
                ),
                _ => (format!("Is the {what} for {a} less than for {b}?"), x < y),
            };
            Some(Question::new(text, [if yes { "Yes" } else { "No" }]))
        }
        Template::Trend if chart.topic.time && first != second && apart(chart, x, y) => {
            let (from, to) = (first.min(second), first.max(second));
            let (a, b) = (chart.categories[from], chart.categories[to]);
            let text = match rng.below(2) {
                0 => format!("Did the {what} increase or decrease from {a} to {b}?"),
                _ => {
                    format!("Is there an increase or a decrease of the {what} between {a} and {b}?")
                }
            };
            let answer = if values[to] > values[from] {
                "Increase"
            } else {
                "Decrease"
            };
            Some(Question::new(text, [answer]))
        }
        _ => None,
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

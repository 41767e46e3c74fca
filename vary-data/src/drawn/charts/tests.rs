#![allow(clippy::unwrap_used)]

use std::collections::HashSet;

use super::data::Readable;
use super::questions::{Template, ask};
use super::*;
use crate::question::Question;

/// A chart's data, read from its Markdown.
struct Table {
    group: String,
    series: Vec<String>,
    categories: Vec<String>,
    /// `[series][category]`
    values: Vec<Vec<f64>>,
}

fn parsed(markdown: &str) -> Table {
    let cells = |line: &str| -> Vec<String> {
        let line = line.trim_start_matches("| ").trim_end_matches(" |");
        line.split(" | ").map(str::to_owned).collect()
    };
    let mut lines = markdown.lines();
    let head = cells(lines.next().unwrap());
    assert!(lines.next().unwrap().starts_with("| ---"));
    let rows: Vec<_> = lines.map(cells).collect();
    let column = |s: usize| rows.iter().map(|row| row[s + 1].parse().unwrap()).collect();
    Table {
        group: head[0].clone(),
        values: (0..head.len() - 1).map(column).collect(),
        series: head[1..].to_vec(),
        categories: rows.iter().map(|row| row[0].clone()).collect(),
    }
}

/// Those names that a question mentions as whole words, in the order of the text.
fn mentioned(text: &str, names: &[String]) -> Vec<usize> {
    let free = |c: Option<char>| c.is_none_or(|c| !c.is_alphanumeric());
    let mut found: Vec<(usize, usize)> = Vec::new();
    for (i, name) in names.iter().enumerate() {
        for (at, _) in text.match_indices(name.as_str()) {
            if free(text[..at].chars().last()) && free(text[at + name.len()..].chars().next()) {
                found.push((at, i));
            }
        }
    }
    found.sort_unstable();
    found.into_iter().map(|f| f.1).collect()
}

fn close(answer: &str, value: f64) -> bool {
    (answer.parse::<f64>().unwrap() - value).abs() < 1e-6
}

/// Computes the answer anew, from the words of the question and the table.
fn check(template: Template, question: &Question, table: &Table) {
    let Question { text, answers } = question;
    let answer = answers[0].as_str();
    let column = match table.series.len() {
        1 => 0,
        _ => mentioned(text, &table.series).first().copied().unwrap_or(0),
    };
    let values = &table.values[column];
    let named = mentioned(text, &table.categories);
    let at = |i: usize| values[named[i]];
    let (most, least) = (
        values.iter().copied().fold(f64::MIN, f64::max),
        values.iter().copied().fold(f64::MAX, f64::min),
    );
    let index = |name: &str| table.categories.iter().position(|c| c == name).unwrap();
    let right = match template {
        Template::Value => close(answer, at(0)) && named.len() == 1,
        Template::LargestValue => close(answer, most),
        Template::Largest => {
            let best = values.iter().filter(|&&v| v == most).count();
            values[index(answer)] == most && best == 1
        }
        Template::Smallest => {
            let best = values.iter().filter(|&&v| v == least).count();
            values[index(answer)] == least && best == 1
        }
        Template::Difference => close(answer, (at(0) - at(1)).abs()) && named.len() == 2,
        Template::Sum => close(answer, at(0) + at(1)) && named.len() == 2,
        Template::Average => close(answer, (at(0) + at(1)) / 2.0) && named.len() == 2,
        Template::CountAbove => {
            let limit = text.trim_end_matches('?').rsplit(' ').next().unwrap();
            let limit: f64 = limit.replace(',', "").parse().unwrap();
            close(answer, values.iter().filter(|&&v| v > limit).count() as f64)
        }
        Template::Compare => {
            let greater = text.contains("greater");
            let yes = if greater {
                at(0) > at(1)
            } else {
                at(0) < at(1)
            };
            answer == if yes { "Yes" } else { "No" } && at(0) != at(1)
        }
        Template::Trend => {
            let up = at(1) > at(0);
            named[0] < named[1] && answer == if up { "Increase" } else { "Decrease" }
        }
        Template::CountCategories => close(answer, table.categories.len() as f64),
        Template::CountSeries => close(answer, table.series.len() as f64),
        // Texts and colours: see the tests below.
        _ => true,
    };
    assert!(right, "{template:?} on {}: {question:?}", table.group);
}

#[test]
fn answers_follow_from_data() {
    let config = DrawnConfig::new(512, 512).unwrap();
    let mut seen = HashSet::new();
    for index in 0..300 {
        let mut rng = Random::new(CHARTS, 5, index);
        let (chart, sheet) = planned(&config, &mut rng).unwrap();
        let asked = ask(&chart, &mut rng);
        let markdown = chart.markdown();
        let table = parsed(&markdown);
        let page = sheet.paint(None).unwrap();
        let lines = format!("\n{}\n", page.text.replace('\n', " "));
        let shown = |text: &str| lines.replace('\n', " ").contains(&format!(" {text} "));
        for (template, question) in &asked {
            seen.insert(format!("{template:?}"));
            check(*template, question, &table);
            let answer = &question.answers[0];
            let text = matches!(
                template,
                Template::Title
                    | Template::Axis
                    | Template::NameOfColour
                    | Template::Largest
                    | Template::Smallest
            );
            assert!(
                !text || shown(answer),
                "{index}: {answer} isn't in the image"
            );
            let exact = matches!(template, Template::Value | Template::LargestValue);
            if exact && chart.readable == Readable::Printed {
                assert!(
                    question.answers.iter().any(|a| shown(a)),
                    "{index}: {question:?}"
                );
            }
            assert!(!exact || chart.readable != Readable::Roughly);
        }
        if chart.readable == Readable::OnTicks {
            let on_tick = |v: &i64| (v - chart.base) % chart.step == 0 && *v <= chart.top;
            assert!(chart.series.iter().flat_map(|s| &s.values).all(on_tick));
        }
        if chart.kind == Kind::Pie {
            let sum: f64 = table.values[0].iter().sum();
            assert!((sum - 100.0).abs() < 1e-6);
            assert!(table.values[0].iter().all(|&v| v >= 3.0), "{markdown}");
        }
        for (series, values) in chart.series.iter().zip(&table.values) {
            assert_eq!(series.values.len(), values.len());
            assert!(
                series
                    .values
                    .iter()
                    .all(|&v| v > 0 && v >= chart.base && v <= chart.top)
            );
        }
    }
    assert_eq!(seen.len(), Template::ALL.len(), "{seen:?}");
}

#[test]
fn asked_colours_are_visible() {
    let config = DrawnConfig::new(400, 400).unwrap();
    for index in 0..120 {
        let mut rng = Random::new(CHARTS, 9, index);
        let (chart, sheet) = planned(&config, &mut rng).unwrap();
        let asked = ask(&chart, &mut rng);
        let page = sheet.paint(None).unwrap();
        for (template, Question { text, answers }) in asked {
            let names: Vec<&str> = match chart.by_category {
                true => chart.categories.clone(),
                false => chart.series.iter().map(|s| s.name).collect(),
            };
            let (name, colour) = match template {
                Template::ColourOfName => {
                    let names: Vec<_> = names.iter().map(|&n| n.to_owned()).collect();
                    (
                        names[mentioned(&text, &names)[0]].clone(),
                        answers[0].clone(),
                    )
                }
                Template::NameOfColour => {
                    let mut words = text.split(' ');
                    let named = |w: &&str| chart.colours.iter().any(|c| c.0 == *w);
                    (answers[0].clone(), words.find(named).unwrap().to_owned())
                }
                _ => continue,
            };
            let place = names.iter().position(|&n| n == name).unwrap();
            let (name, rgb) = chart.colours[place];
            assert_eq!(name, colour, "{text}");
            let pixels = page.image.pixels().filter(|p| p.0 == rgb).count();
            assert!(pixels > 20, "{index}: {colour} has {pixels} pixels");
        }
    }
}

use vary_core::eval::{
    Confusion, DetectionSummary, Metrics, Truth, closest_reference, common_words,
};

use super::display::{number, rows, score_count};
use super::escape::escape;
use super::svg::{boxes, reliability};
use super::{Case, Report, TaskReport};

const STYLE: &str = include_str!("style.css");

/// Explanation at the top of the page.
const KEY: &str = "<p class=\"key\">Boxes: <b class=\"true\">true</b>, \
    <b class=\"found\">found, with score</b> (dashed). Words: <del>only in the reference</del>, \
    <ins>only in the answer</ins>. Numbers are means over the answers; pooled ones are over all \
    answers as one text. Shares are 0 to 1.</p>\n";

/// The whole page. Every element is closed: apart from its first line it is well-formed XML.
pub(super) fn page(report: &Report) -> String {
    let title = escape(&report.title);
    let mut page = format!(
        "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"/>\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"/>\
         <title>{title}</title><style>{STYLE}</style></head>\n<body><h1>{title}</h1>\n"
    );
    page += match report.tasks[..] {
        [] => "<p>No answers.</p>\n",
        _ => KEY,
    };
    for task in &report.tasks {
        page += &section(task);
    }
    page += &skipped(&report.skipped);
    page + "</body></html>\n"
}

/// The records that were not scored.
fn skipped(records: &[String]) -> String {
    if records.is_empty() {
        return String::new();
    }
    let items: Vec<String> = records
        .iter()
        .map(|record| format!("<li>{}</li>", escape(record)))
        .collect();
    format!(
        "<details><summary>Skipped records: {}</summary><ul>{}</ul></details>\n",
        records.len(),
        items.join("")
    )
}

fn section(task: &TaskReport) -> String {
    let summary = &task.summary;
    let mut html = format!(
        "<section><h2>{}</h2>\n<div class=\"numbers\">",
        escape(&summary.name)
    );
    html += "<dl>";
    for (name, value) in rows(summary) {
        html += &format!("<div><dt>{name}</dt><dd>{value}</dd></div>");
    }
    html += "</dl>";
    let calibration = summary.metrics.calibration();
    if calibration.count > 0 {
        html += &format!(
            "<figure>{}<figcaption>Calibration of {}. Perfect bars end at the dashed line; \
             the bars below count the scores.</figcaption></figure>",
            reliability(calibration),
            score_count(calibration)
        );
    }
    html += "</div>\n";
    if let Metrics::Detection(detection) = &summary.metrics {
        html += &classes(detection);
    }
    let wide = match summary.metrics {
        Metrics::Text(_) => " wide",
        _ => "",
    };
    for (title, cases) in [("Worst answers", &task.worst), ("Best answers", &task.best)] {
        if !cases.is_empty() {
            html += &format!("<h3>{title}</h3>\n<div class=\"cases{wide}\">");
            cases.iter().for_each(|case| html += &card(case));
            html += "</div>\n";
        }
    }
    html + "</section>\n"
}

/// A row for each class.
fn classes(summary: &DetectionSummary) -> String {
    let confusion: &Confusion = &summary.confusion;
    let mut html = String::from(
        "<details><summary>Classes</summary><table><thead><tr><th>class</th><th>AP50</th>\
         <th>objects</th><th>missed</th><th>false boxes</th><th>confused with</th></tr></thead>\
         <tbody>",
    );
    let mistaken = confusion.worst(usize::MAX);
    for (i, (name, ap50)) in confusion
        .classes
        .iter()
        .zip(&summary.class_ap50)
        .enumerate()
    {
        let objects: usize = confusion.counts[i].iter().sum();
        let others = mistaken.iter().filter(|(truth, ..)| truth == name);
        let others: Vec<String> = others
            .map(|(_, found, n)| format!("{found} ({n})"))
            .collect();
        html += &format!(
            "<tr><th>{}</th><td>{}</td><td>{objects}</td><td>{}</td><td>{}</td>\
             <td class=\"words\">{}</td></tr>",
            escape(name),
            number(*ap50),
            confusion.missed(i),
            confusion.false_boxes(i),
            escape(&others.join(", ")),
        );
    }
    html += "</tbody></table>";
    if confusion.unknown > 0 {
        html += &format!(
            "<p>{} boxes have a label that is not a class.</p>",
            confusion.unknown
        );
    }
    html + "</details>\n"
}

fn card(case: &Case) -> String {
    let mut html = format!(
        "<figure class=\"case\">{}<figcaption><p><b>{:.3}</b> · no. {} · \
         <span class=\"question\">{}</span></p>",
        boxes(case),
        case.quality,
        case.index,
        escape(&case.question)
    );
    let answer = case.answer.trim();
    if let Truth::Text(references) = &case.truth {
        let truth = closest_reference(references, answer);
        let words = |text| -> Vec<&str> { str::split_whitespace(text).collect() };
        let (in_truth, in_answer) = common_words(&words(truth), &words(answer));
        html += &format!(
            "<div class=\"texts\"><div><h4>Reference</h4><pre>{}</pre></div>\
             <div><h4>Answer</h4><pre>{}</pre></div></div>",
            marked(truth, "del", &in_truth),
            marked(answer, "ins", &in_answer)
        );
    } else {
        html += &format!("<pre class=\"raw\">{}</pre>", escape(answer));
    }
    html + "</figcaption></figure>\n"
}

/// Escapes `text` and puts each word that is not `common` into an element `tag`.
fn marked(text: &str, tag: &str, common: &[bool]) -> String {
    let mut html = String::new();
    let mut end = 0;
    for (word, common) in text.split_whitespace().zip(common) {
        // Words are slices of the text.
        let start = word.as_ptr() as usize - text.as_ptr() as usize;
        html += &escape(&text[end..start]);
        end = start + word.len();
        let word = escape(word);
        html += &if *common {
            word
        } else {
            format!("<{tag}>{word}</{tag}>")
        };
    }
    html + &escape(&text[end..])
}

use vary_core::pipeline::{BULLETS, heading};

use super::page::LineRecord;

/// Space of so many heights of a line separates the cells of a table.
const GAP: f32 = 1.5;

/// The lines of a text layer as Markdown: headings by their size, items of lists, paragraphs, and
/// tables where lines with wide gaps follow each other.
/// `sizes` are those of the words, in their order.
pub fn of_layer(lines: &[LineRecord], sizes: &[f32]) -> String {
    let mut first = 0;
    let of_line = lines.iter().map(|line| {
        let words = sizes
            .get(first..first + line.words.len())
            .unwrap_or_default();
        first += line.words.len();
        words.iter().copied().fold(0.0, f32::max)
    });
    let of_line: Vec<f32> = of_line.collect();
    // The usual size is that of most letters.
    let letters = lines.iter().map(|line| line.text.chars().count());
    let mut all: Vec<(f32, usize)> = of_line.iter().copied().zip(letters).collect();
    all.sort_by(|a, b| a.0.total_cmp(&b.0));
    let half = all.iter().map(|(_, letters)| letters).sum::<usize>() / 2;
    let mut seen = 0;
    let usual = all.iter().find(|(_, letters)| {
        seen += letters;
        seen > half
    });
    let usual = usual.map_or(1.0, |(size, _)| *size);

    let rows: Vec<Vec<String>> = lines.iter().map(cells).collect();
    // A single row is rather a header with its page number.
    let wide = |i: usize| rows.get(i).is_some_and(|row| row.len() > 1);
    let is_row = |i: usize| wide(i) && (i > 0 && wide(i - 1) || wide(i + 1));
    let mut text = String::new();
    let mut before: Option<(&LineRecord, &str)> = None;
    for (i, (line, size)) in lines.iter().zip(of_line).enumerate() {
        if is_row(i) {
            let table = rows[i..].iter().take_while(|row| row.len() > 1);
            let head = (i == 0 || !is_row(i - 1)).then(|| table.map(Vec::len).max());
            push_row(&mut text, &rows[i], head.flatten());
            before = None;
            continue;
        }
        let mark = heading(size, usual);
        let item = line.text.strip_prefix(BULLETS);
        if let Some((before, its)) = before {
            let more = before.paragraph == line.paragraph && its == mark;
            text.push_str(match (more, mark.is_empty()) {
                (true, true) => "\n",
                // A heading of two lines is one heading.
                (true, false) => " ",
                (false, _) => "\n\n",
            });
            if !more || mark.is_empty() {
                text.push_str(mark);
            }
        } else {
            text.push_str(if i > 0 { "\n\n" } else { "" });
            text.push_str(mark);
        }
        match item {
            Some(rest) => text.push_str(&format!("- {}", rest.trim_start())),
            None => text.push_str(&line.text),
        }
        before = Some((line, mark));
    }
    text
}

/// The texts of a line between its wide gaps.
fn cells(line: &LineRecord) -> Vec<String> {
    let mut cells: Vec<String> = vec![];
    let mut end = f32::NEG_INFINITY;
    for word in &line.words {
        let [left, top, right, bottom] = word.bbox.unwrap_or_default();
        match cells.last_mut() {
            Some(cell) if left - end <= GAP * (bottom - top) => {
                cell.push(' ');
                cell.push_str(&word.text);
            }
            _ => cells.push(word.text.clone()),
        }
        end = right;
    }
    cells
}

/// Adds a row of a table. The first one is its head, which has as many cells as the widest row:
/// others may have fewer.
fn push_row(text: &mut String, cells: &[String], head: Option<usize>) {
    text.push_str(match (text.is_empty(), head) {
        (true, _) => "",
        (_, None) => "\n",
        _ => "\n\n",
    });
    for cell in cells {
        text.push_str(&format!("| {} ", cell.replace('|', "\\|")));
    }
    text.push('|');
    if let Some(width) = head {
        text.push_str(&" |".repeat(width - cells.len()));
        text.push_str("\n|");
        text.push_str(&" --- |".repeat(width));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(text: &str, paragraph: usize) -> LineRecord {
        LineRecord {
            text: text.into(),
            bbox: None,
            confidence: None,
            paragraph,
            words: vec![super::super::page::WordRecord {
                text: text.into(),
                bbox: None,
                confidence: None,
            }],
        }
    }

    #[test]
    fn headings_items_and_paragraphs() {
        let lines = [
            line("Long", 0),
            line("title", 0),
            line("Text that continues", 1),
            line("in a second line.", 1),
            line("• first", 2),
            line("•second", 2),
        ];
        let sizes = [32.0, 32.0, 16.0, 16.0, 16.0, 16.0];
        let expected =
            "# Long title\n\nText that continues\nin a second line.\n\n- first\n- second";
        assert_eq!(of_layer(&lines, &sizes), expected);
        assert_eq!(of_layer(&[], &[]), "");
    }

    #[test]
    fn lines_with_wide_gaps_are_tables() {
        let words = |texts: &[(&str, f32)]| {
            let word = |(text, left): &(&str, f32)| super::super::page::WordRecord {
                text: (*text).into(),
                bbox: Some([*left, 0.0, left + 20.0, 10.0]),
                confidence: None,
            };
            LineRecord {
                words: texts.iter().map(word).collect(),
                ..line(&texts.iter().map(|t| t.0).collect::<Vec<_>>().join(" "), 0)
            }
        };
        let lines = [
            words(&[("Header", 0.0), ("7", 300.0)]),
            words(&[("Prices", 0.0), ("below", 24.0)]),
            words(&[("name", 0.0), ("in", 100.0), ("euros", 124.0)]),
            words(&[("a|b", 0.0), ("1.50", 110.0), ("net", 200.0)]),
            words(&[("End", 0.0)]),
        ];
        let sizes = [10.0; 10];
        let expected = "Header 7\nPrices below\n\n| name | in euros | |\n| --- | --- | --- |\n\
                        | a\\|b | 1.50 | net |\n\nEnd";
        assert_eq!(of_layer(&lines, &sizes), expected);
    }
}

use vary_core::pipeline::{BULLETS, heading};

use super::page::LineRecord;

/// Space of so many heights of a line separates the cells of a table.
const GAP: f32 = 1.5;
/// A table has at least so many rows.
const ROWS: usize = 3;

/// The lines of a text layer as Markdown: headings by their size, items of lists, paragraphs,
/// tables. `sizes` are those of the words, in their order.
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

    let tables = tables(lines);
    let mut text = String::new();
    let mut before: Option<(&LineRecord, &str)> = None;
    for (i, (line, size)) in lines.iter().zip(of_line).enumerate() {
        if let Some(row) = &tables[i] {
            push_row(&mut text, row, i > 0 && tables[i - 1].is_some());
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

/// What stands between two wide gaps of a line.
struct Cell {
    text: String,
    left: f32,
    right: f32,
}

/// The cells of the lines that are rows of a table: of at least three lines with as many cells,
/// which stand below each other. What is alone is rather a header with its page number, and code
/// has wide gaps too.
fn tables(lines: &[LineRecord]) -> Vec<Option<Vec<Cell>>> {
    let rows: Vec<Vec<Cell>> = lines.iter().map(cells).collect();
    let heights: Vec<f32> = lines.iter().map(height).collect();
    let follows = |i: usize| {
        let (above, row, most) = (&rows[i - 1], &rows[i], heights[i].max(heights[i - 1]));
        row.len() > 1
            && row.len() == above.len()
            && row.iter().zip(above).all(|(a, b)| is_below(a, b, most))
    };
    let mut in_table = vec![false; rows.len()];
    let mut start = 0;
    for i in 1..=rows.len() {
        if i == rows.len() || !follows(i) {
            in_table[start..i].fill(i - start >= ROWS);
            start = i;
        }
    }
    let rows = rows.into_iter().zip(in_table);
    rows.map(|(row, inside)| inside.then_some(row)).collect()
}

/// Whether cells have an edge or the middle in common, to within `most`.
fn is_below(a: &Cell, b: &Cell, most: f32) -> bool {
    let edges = [
        a.left - b.left,
        a.right - b.right,
        (a.left + a.right - b.left - b.right) / 2.0,
    ];
    edges.iter().any(|difference| difference.abs() < most)
}

fn height(line: &LineRecord) -> f32 {
    let heights = line.words.iter().filter_map(|word| word.bbox);
    heights.map(|bbox| bbox[3] - bbox[1]).fold(0.0, f32::max)
}

/// The cells of a line; none, if its gaps are filled with dots.
fn cells(line: &LineRecord) -> Vec<Cell> {
    let is_leader = |text: &str| text.chars().all(|c| matches!(c, '.' | '·' | '…'));
    if line.words.iter().any(|word| is_leader(&word.text)) {
        return vec![];
    }
    let mut cells: Vec<Cell> = vec![];
    for word in &line.words {
        let [left, top, right, bottom] = word.bbox.unwrap_or_default();
        match cells.last_mut() {
            Some(cell) if left - cell.right <= GAP * (bottom - top) => {
                cell.text.push(' ');
                cell.text.push_str(&word.text);
                cell.right = right;
            }
            _ => cells.push(Cell {
                text: word.text.clone(),
                left,
                right,
            }),
        }
    }
    cells
}

/// Adds a row of a table; the first one is its head.
fn push_row(text: &mut String, cells: &[Cell], follows: bool) {
    text.push_str(match (text.is_empty(), follows) {
        (true, _) => "",
        (_, true) => "\n",
        _ => "\n\n",
    });
    for cell in cells {
        text.push_str(&format!("| {} ", cell.text.replace('|', "\\|")));
    }
    text.push('|');
    if !follows {
        text.push_str("\n|");
        text.push_str(&" --- |".repeat(cells.len()));
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
            words(&[("name", 0.0), ("in", 90.0), ("euros", 114.0)]),
            words(&[("a|b", 0.0), ("1.50", 110.0)]),
            words(&[("c", 4.0), ("2.75", 110.0)]),
            words(&[("End", 0.0)]),
            // Gaps that do not stand below each other, and leaders.
            words(&[("int", 0.0), ("=", 60.0)]),
            words(&[("double", 0.0), ("=", 90.0)]),
            words(&[("char", 0.0), ("=", 150.0)]),
            words(&[("One", 0.0), (".", 60.0), ("1", 120.0)]),
            words(&[("Two", 0.0), (".", 60.0), ("2", 120.0)]),
            words(&[("Three", 0.0), (".", 60.0), ("3", 120.0)]),
        ];
        let sizes = [10.0; 40];
        let expected = "Header 7\nPrices below\n\n| name | in euros |\n| --- | --- |\n\
                        | a\\|b | 1.50 |\n| c | 2.75 |\n\nEnd\nint =\ndouble =\nchar =\n\
                        One . 1\nTwo . 2\nThree . 3";
        assert_eq!(of_layer(&lines, &sizes), expected);
    }
}

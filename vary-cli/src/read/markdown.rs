use vary_core::pipeline::{BULLETS, heading};

use super::page::LineRecord;

/// The lines of a text layer as Markdown: headings by their size, items of lists, paragraphs.
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

    let mut text = String::new();
    let mut before: Option<(&LineRecord, &str)> = None;
    for (line, size) in lines.iter().zip(of_line) {
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
}

//! From written pieces to reading text, Markdown and regions.

use super::region::Region;
use super::written::Written;

/// A piece of a page.
pub(super) enum Block {
    Heading(Written),
    /// Lines of one paragraph.
    Paragraph(Vec<Written>),
    /// Mark and lines of a list item.
    Item(Written, Vec<Written>),
    /// Rows of cells.
    Table(Vec<Vec<Written>>),
}

impl Block {
    fn plain(&self) -> Written {
        match self {
            Self::Heading(line) => line.clone(),
            Self::Paragraph(lines) => joined(lines, "\n"),
            Self::Item(mark, lines) => item(mark, lines, "\n"),
            Self::Table(rows) => {
                let rows: Vec<_> = rows.iter().map(|row| in_one_line(row)).collect();
                joined(&rows, "\n")
            }
        }
    }

    fn markdown(&self) -> Written {
        match self {
            Self::Heading(line) => {
                let mut written = Written::default();
                written.mark("# ");
                written.append(line);
                written
            }
            Self::Paragraph(lines) => joined(lines, " "),
            Self::Item(mark, lines) => item(mark, lines, " "),
            Self::Table(rows) => table(rows),
        }
    }
}

/// The whole text in reading order, lines joined by line breaks.
pub(super) fn plain(blocks: &[Block]) -> Written {
    let blocks: Vec<_> = blocks.iter().map(Block::plain).collect();
    joined(&blocks, "\n")
}

/// The text as Markdown.
pub(super) fn markdown(blocks: &[Block]) -> Written {
    let mut written = Written::default();
    let mut after_item = false;
    for block in blocks {
        let is_item = matches!(block, Block::Item(..));
        let gap = if after_item && is_item { "\n" } else { "\n\n" };
        written.append_after(gap, &block.markdown());
        after_item = is_item;
    }
    written
}

/// The regions that any text of several lines or words has.
pub(super) fn regions(plain: &Written, blocks: &[Block]) -> Vec<Region> {
    let mut regions = Vec::new();
    let titles = |block: &Block| match block {
        Block::Heading(line) => Some(line.clone()),
        _ => None,
    };
    let ends = |name: &str, parts: &[Written], regions: &mut Vec<Region>| {
        if let [first, .., last] = parts {
            regions.extend(Region::new(&format!("the first {name}"), first.clone()));
            regions.extend(Region::new(&format!("the last {name}"), last.clone()));
        }
    };
    let lines = plain.split('\n');
    ends("line", &lines, &mut regions);
    if let [line] = &lines[..] {
        ends("word", &line.split(' '), &mut regions);
    }
    if let [_, second, _] = &lines[..] {
        regions.extend(Region::new("the second line", second.clone()));
    }
    let title = blocks.iter().find_map(titles);
    regions.extend(title.and_then(|title| Region::new("the title", title)));
    regions
}

/// Pieces with signs without ink between them.
pub(super) fn joined(pieces: &[Written], signs: &str) -> Written {
    let mut written = Written::default();
    for piece in pieces {
        written.append_after(signs, piece);
    }
    written
}

/// Words of one line with a blank between them.
pub(super) fn in_one_line(words: &[Written]) -> Written {
    let mut written = Written::default();
    for word in words {
        written.append_word(word);
    }
    written
}

fn item(mark: &Written, lines: &[Written], signs: &str) -> Written {
    let mut written = mark.clone();
    let [first, rest @ ..] = lines else {
        return written;
    };
    written.append_word(first);
    for line in rest {
        written.append_after(signs, line);
    }
    written
}

fn table(rows: &[Vec<Written>]) -> Written {
    let mut written = Written::default();
    for (i, row) in rows.iter().enumerate() {
        written.mark(if i == 0 { "|" } else { "\n|" });
        for cell in row {
            written.mark(" ");
            written.append(cell);
            written.mark(" |");
        }
        if i == 0 {
            written.mark("\n|");
            written.mark(&" --- |".repeat(row.len()));
        }
    }
    written
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ink(text: &str) -> Written {
        let mut written = Written::default();
        for c in text.chars() {
            written.push(c, Some([0.0, 0.0, 1.0, 1.0]));
        }
        written
    }

    fn lines(texts: &[&str]) -> Vec<Written> {
        texts.iter().map(|text| ink(text)).collect()
    }

    #[test]
    fn both_texts_of_a_page() {
        let blocks = [
            Block::Heading(ink("News")),
            Block::Paragraph(lines(&["We have", "moved."])),
            Block::Item(ink("-"), lines(&["one"])),
            Block::Item(ink("-"), lines(&["two or", "more"])),
            Block::Table(vec![lines(&["a", "b"]), lines(&["1", "2"])]),
        ];
        let plain = plain(&blocks);
        assert_eq!(
            plain.text,
            "News\nWe have\nmoved.\n- one\n- two or\nmore\na b\n1 2"
        );
        let markdown = markdown(&blocks);
        assert_eq!(
            markdown.text,
            "# News\n\nWe have moved.\n\n- one\n- two or more\n\n\
             | a | b |\n| --- | --- |\n| 1 | 2 |"
        );
        assert_eq!(markdown.places.len(), markdown.text.chars().count());
        let names: Vec<_> = regions(&plain, &blocks)
            .into_iter()
            .map(|r| r.name)
            .collect();
        assert_eq!(names, ["the first line", "the last line", "the title"]);
    }
}

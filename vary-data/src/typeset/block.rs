//! The content of a page: blocks of text.

use typst::text::is_default_ignorable;

use super::formula::Formula;

/// A block of a document.
#[derive(Debug, Clone, PartialEq)]
pub enum Block {
    /// A heading of level 1 (largest) to 6.
    Heading {
        /// The level, `1..=6`.
        level: u8,
        /// Its text.
        text: Vec<Inline>,
    },
    /// A paragraph.
    Paragraph(Vec<Inline>),
    /// A list without nesting.
    List {
        /// Number of the first item; `None` for bullets.
        start: Option<u64>,
        /// The items.
        items: Vec<Vec<Inline>>,
    },
    /// A table; its first row is the header.
    Table(Vec<Vec<Vec<Inline>>>),
    /// A formula on its own line.
    Formula(Formula),
    /// Lines of code.
    Code(Vec<String>),
}

/// A piece of text in one style.
#[derive(Debug, Clone, PartialEq)]
pub enum Inline {
    /// Text.
    Text {
        /// The characters.
        text: String,
        /// Whether it is bold.
        strong: bool,
        /// Whether it is italic.
        emphasis: bool,
    },
    /// Code within text.
    Code(String),
    /// A formula within text.
    Formula(Formula),
}

impl Inline {
    /// Text that is neither bold nor italic.
    pub fn plain(text: impl Into<String>) -> Self {
        Self::Text {
            text: text.into(),
            strong: false,
            emphasis: false,
        }
    }
}

/// Paragraphs of plain text: empty lines separate them, nothing is markup.
pub fn plain_text(text: &str) -> Vec<Block> {
    let mut paragraphs = vec![String::new()];
    for line in text.lines() {
        if line.trim().is_empty() {
            paragraphs.push(String::new());
        } else if let Some(last) = paragraphs.last_mut() {
            last.push_str(line);
            last.push('\n');
        }
    }
    let blocks = paragraphs
        .into_iter()
        .map(|text| Block::Paragraph(vec![Inline::plain(text)]));
    normalise(&blocks.collect::<Vec<_>>())
}

/// The one form of a document that is typeset and written back: blanks collapsed and outside of
/// bold, italic and code; neighbours of one style joined; nothing empty; rows of one length;
/// invisible characters dropped; lists that follow each other are one.
pub(super) fn normalise(blocks: &[Block]) -> Vec<Block> {
    let mut result: Vec<Block> = Vec::new();
    for block in blocks {
        match block {
            Block::Heading { level, text } => {
                let (level, text) = ((*level).clamp(1, 6), inlines(text));
                if !text.is_empty() {
                    result.push(Block::Heading { level, text });
                }
            }
            Block::Paragraph(text) => {
                let text = inlines(text);
                if !text.is_empty() {
                    result.push(Block::Paragraph(text));
                }
            }
            Block::List { start, items } => {
                let new = items.iter().map(|i| inlines(i)).filter(|i| !i.is_empty());
                match result.last_mut() {
                    Some(Block::List { start: last, items })
                        if last.is_some() == start.is_some() =>
                    {
                        items.extend(new);
                    }
                    _ => {
                        // CommonMark's numbers have at most nine digits.
                        let start = start.map(|number| number.min(99_999_999));
                        let items: Vec<_> = new.collect();
                        if !items.is_empty() {
                            result.push(Block::List { start, items });
                        }
                    }
                }
            }
            Block::Table(rows) => {
                let rows = table(rows);
                if !rows.is_empty() {
                    result.push(Block::Table(rows));
                }
            }
            Block::Formula(formula) => result.push(Block::Formula(formula.clone())),
            Block::Code(lines) => {
                let lines = code(lines);
                if !lines.is_empty() {
                    result.push(Block::Code(lines));
                }
            }
        }
    }
    result
}

fn table(rows: &[Vec<Vec<Inline>>]) -> Vec<Vec<Vec<Inline>>> {
    let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
    let rows = rows.iter().map(|row| {
        let mut row: Vec<_> = row.iter().map(|cell| inlines(cell)).collect();
        row.resize(columns, Vec::new());
        row
    });
    // A row without text would leave no trace that identifies its page.
    rows.filter(|row| row.iter().any(|cell| !cell.is_empty()))
        .collect()
}

fn code(lines: &[String]) -> Vec<String> {
    let mut lines: Vec<String> = lines
        .iter()
        .flat_map(|line| line.split('\n'))
        .map(|line| visible(&line.replace('\t', "    ")).trim_end().to_owned())
        .collect();
    while lines.last().is_some_and(String::is_empty) {
        lines.pop();
    }
    let empty = lines.iter().take_while(|line| line.is_empty()).count();
    lines.split_off(empty)
}

fn inlines(source: &[Inline]) -> Vec<Inline> {
    let mut result: Vec<Inline> = Vec::new();
    // Whether a blank goes before the next piece.
    let mut blank = false;
    for inline in source {
        let (text, strong, emphasis) = match inline {
            Inline::Text {
                text,
                strong,
                emphasis,
            } => (text, *strong, *emphasis),
            Inline::Code(text) => (text, false, false),
            Inline::Formula(formula) => {
                push_blank(&mut result, &mut blank);
                result.push(Inline::Formula(formula.clone()));
                continue;
            }
        };
        let text = visible(text);
        let words = text.split_whitespace().collect::<Vec<_>>().join(" ");
        blank |= text.starts_with(char::is_whitespace);
        if words.is_empty() {
            continue;
        }
        let piece = match inline {
            Inline::Code(_) => Inline::Code(words),
            _ => Inline::Text {
                text: words,
                strong,
                emphasis,
            },
        };
        push(&mut result, piece, &mut blank);
        blank = text.ends_with(char::is_whitespace);
    }
    result
}

/// Appends text, to the last piece where that has the same style.
fn push(result: &mut Vec<Inline>, piece: Inline, blank: &mut bool) {
    let plain = style(&piece) == Some((false, false));
    let joins = style(&piece).is_some() && result.last().and_then(style) == style(&piece);
    let gap = if *blank && (joins || plain) && !result.is_empty() {
        *blank = false;
        " "
    } else {
        ""
    };
    match (result.last_mut(), piece) {
        (Some(Inline::Text { text: last, .. }), Inline::Text { text, .. }) if joins => {
            last.push_str(gap);
            last.push_str(&text);
        }
        (_, Inline::Text { text, .. }) if plain => {
            result.push(Inline::plain(gap.to_owned() + &text))
        }
        (_, piece) => {
            push_blank(result, blank);
            result.push(piece);
        }
    }
}

/// Whether text is bold, and whether it is italic.
fn style(inline: &Inline) -> Option<(bool, bool)> {
    match inline {
        Inline::Text {
            strong, emphasis, ..
        } => Some((*strong, *emphasis)),
        _ => None,
    }
}

fn push_blank(result: &mut Vec<Inline>, blank: &mut bool) {
    if std::mem::take(blank) && !result.is_empty() {
        match result.last_mut() {
            Some(Inline::Text {
                text,
                strong: false,
                emphasis: false,
            }) => text.push(' '),
            _ => result.push(Inline::plain(" ")),
        }
    }
}

/// Text without characters that are never drawn.
fn visible(text: &str) -> String {
    let drawn = |c: &char| !is_default_ignorable(*c) && (!c.is_control() || c.is_whitespace());
    text.chars().filter(drawn).collect()
}

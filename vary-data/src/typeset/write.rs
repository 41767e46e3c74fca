//! Writing Markdown.

use super::block::Block;
use super::block::Inline;
use super::block::normalise;
use super::escape::{self, Within};

/// Blocks as Markdown that [`parse_markdown`](super::parse_markdown) reads as the same blocks.
///
/// Bold and italic should begin and end at blanks: CommonMark can't express everything else.
pub fn to_markdown(blocks: &[Block]) -> String {
    let blocks = normalise(blocks);
    let blocks: Vec<String> = blocks.iter().map(block).collect();
    blocks.join("\n\n")
}

fn block(block: &Block) -> String {
    match block {
        Block::Heading { level, text } => {
            let text = inlines(text, Within::Heading);
            format!("{} {text}", "#".repeat(usize::from(*level)))
        }
        Block::Paragraph(text) => escape::line_start(&inlines(text, Within::Text)),
        Block::List { start, items } => {
            let item = |(i, text): (usize, &Vec<Inline>)| {
                let text = escape::line_start(&inlines(text, Within::Text));
                match start {
                    Some(start) => format!("{}. {text}", start.saturating_add(i as u64)),
                    None => format!("- {text}"),
                }
            };
            items
                .iter()
                .enumerate()
                .map(item)
                .collect::<Vec<_>>()
                .join("\n")
        }
        Block::Table(rows) => table(rows),
        Block::Formula(formula) => format!("$${}$$", formula.latex()),
        Block::Code(lines) => {
            let longest = lines.iter().map(|line| ticks(line)).max().unwrap_or(0);
            let fence = "`".repeat((longest + 1).max(3));
            format!("{fence}\n{}\n{fence}", lines.join("\n"))
        }
    }
}

fn table(rows: &[Vec<Vec<Inline>>]) -> String {
    let mut lines = Vec::new();
    for (i, row) in rows.iter().enumerate() {
        let cells: Vec<String> = row
            .iter()
            .map(|cell| inlines(cell, Within::Table))
            .collect();
        lines.push(format!("| {} |", cells.join(" | ")));
        if i == 0 {
            lines.push(format!("|{}", " --- |".repeat(row.len())));
        }
    }
    lines.join("\n")
}

fn inlines(inlines: &[Inline], within: Within) -> String {
    let mut out = String::new();
    for (i, inline) in inlines.iter().enumerate() {
        match inline {
            Inline::Text {
                text,
                strong,
                emphasis,
            } => {
                let mark = match (strong, emphasis) {
                    (true, true) => "***",
                    (true, false) => "**",
                    (false, true) => "*",
                    (false, false) => "",
                };
                // What stands beside it is a mark, unless this is the line's end.
                let beside = |inside: bool| (inside || !mark.is_empty()).then_some('*');
                let (before, after) = (beside(i > 0), beside(i + 1 < inlines.len()));
                out += mark;
                out += &escape::inline(text, before, after, within);
                out += mark;
            }
            Inline::Code(code) => {
                let fence = "`".repeat(ticks(code) + 1);
                let pad = if code.starts_with('`') || code.ends_with('`') {
                    " "
                } else {
                    ""
                };
                let code = if within == Within::Table {
                    code.replace('|', "\\|")
                } else {
                    code.clone()
                };
                out += &format!("{fence}{pad}{code}{pad}{fence}");
            }
            Inline::Formula(formula) => out += &format!("${}$", formula.latex()),
        }
    }
    out
}

/// Length of the longest run of backticks.
fn ticks(text: &str) -> usize {
    text.split(|c| c != '`').map(str::len).max().unwrap_or(0)
}

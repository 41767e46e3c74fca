//! The part of a document that is on a page.

use std::collections::BTreeMap;
use std::ops::Range;

use super::block::Block;
use super::block::Inline;
use super::code::Segment;
use super::layout::Cluster;

/// Part of a block, its cell, and the piece of text within, with `None` for a list's mark.
type Key = (usize, usize, Option<usize>);
/// What of a block is on the page, in bytes of its pieces of text.
type Seen = BTreeMap<Key, Range<usize>>;

/// The blocks of which something is on the page, cut to what is on it.
pub(super) fn visible(blocks: &[Block], segments: &[Segment], body: &[Cluster]) -> Vec<Block> {
    let mut seen: BTreeMap<usize, Seen> = BTreeMap::new();
    for cluster in body {
        let Some(segment) = cluster.segment else {
            continue;
        };
        let place = segments[segment].place;
        let (start, end) = (
            place.byte + cluster.bytes.start,
            place.byte + cluster.bytes.end,
        );
        let pieces = seen.entry(place.block).or_default();
        pieces
            .entry((place.part, place.cell, place.inline))
            .and_modify(|r| *r = r.start.min(start)..r.end.max(end))
            .or_insert(start..end);
    }
    let cut = |(block, seen): (usize, Seen)| part(&blocks[block], &seen);
    seen.into_iter().flat_map(cut).collect()
}

fn part(block: &Block, seen: &Seen) -> Vec<Block> {
    match block {
        Block::Heading { level, text } => vec![Block::Heading {
            level: *level,
            text: inlines(text, seen, (0, 0)),
        }],
        Block::Paragraph(text) => vec![Block::Paragraph(inlines(text, seen, (0, 0)))],
        Block::List { start, items } => list(*start, items, seen),
        // Rows are never cut. Markdown wants a header: it is the first row that is here.
        Block::Table(rows) => {
            let parts = parts(seen);
            let rows = parts.into_iter().map(|part| rows[part].clone());
            vec![Block::Table(rows.collect())]
        }
        Block::Formula(_) => vec![block.clone()],
        Block::Code(lines) => {
            let parts = parts(seen);
            let range = match (parts.first(), parts.last()) {
                (Some(first), Some(last)) => *first..last + 1,
                _ => 0..0,
            };
            vec![Block::Code(lines[range].to_vec())]
        }
    }
}

/// The numbers of the parts that are on the page.
fn parts(seen: &Seen) -> Vec<usize> {
    let mut parts: Vec<usize> = seen.keys().map(|(part, ..)| *part).collect();
    parts.dedup();
    parts
}

/// The rest of an item whose mark is on the page before is a paragraph here.
fn list(start: Option<u64>, items: &[Vec<Inline>], seen: &Seen) -> Vec<Block> {
    let mut blocks = Vec::new();
    let mut kept = Vec::new();
    let mut first = start;
    for part in parts(seen) {
        let text = inlines(&items[part], seen, (part, 0));
        if !seen.contains_key(&(part, 0, None)) {
            blocks.push(Block::Paragraph(text));
            continue;
        }
        if kept.is_empty() {
            first = start.map(|start| start + part as u64);
        }
        kept.push(text);
    }
    blocks.push(Block::List {
        start: first,
        items: kept,
    });
    blocks
}

/// Text from the first piece that is on the page to the last.
fn inlines(text: &[Inline], seen: &Seen, (part, cell): (usize, usize)) -> Vec<Inline> {
    let pieces = seen.range((part, cell, Some(0))..=(part, cell, Some(usize::MAX)));
    let pieces: Vec<_> = pieces.map(|((.., i), r)| (i.unwrap_or(0), r)).collect();
    let (Some((first, from)), Some((last, to))) = (pieces.first(), pieces.last()) else {
        return Vec::new();
    };
    let cut = |i: usize| {
        let start = if i == *first { from.start } else { 0 };
        let end = if i == *last { to.end } else { usize::MAX };
        let within = |text: &String| {
            text.get(start..end.min(text.len()))
                .unwrap_or("")
                .to_owned()
        };
        match &text[i] {
            Inline::Text {
                text,
                strong,
                emphasis,
            } => Inline::Text {
                text: within(text),
                strong: *strong,
                emphasis: *emphasis,
            },
            Inline::Code(text) => Inline::Code(within(text)),
            Inline::Formula(formula) => Inline::Formula(formula.clone()),
        }
    };
    (*first..=*last).map(cut).collect()
}

//! Words to lines, paragraphs and the text of a page.

use std::cmp::Reverse;

use super::columns::{common_size, regions};
use super::words::{Piece, WORD_GAP};

/// Words side by side.
#[derive(Debug)]
struct Line {
    words: Vec<Piece>,
    top: f64,
    bottom: f64,
    baseline: f64,
    size: f64,
}

/// The words of a page in reading order and its text.
pub(crate) fn read(pieces: Vec<Piece>) -> (Vec<Piece>, String) {
    let mut turns = [const { Vec::new() }; 4];
    for piece in pieces {
        turns[usize::from(piece.turn % 4)].push(piece);
    }
    // First what most of the text is; a stamp up the margin or the label of an axis comes last.
    turns.sort_by_key(|turn| Reverse(turn.iter().map(|p| p.text.len()).sum::<usize>()));
    let mut words = Vec::new();
    let mut text = String::new();
    for region in turns.into_iter().flat_map(regions) {
        let lines = lines(region);
        let starts = paragraph_starts(&lines);
        for (line, starts) in lines.into_iter().zip(starts) {
            if !text.is_empty() {
                text.push_str(if starts { "\n\n" } else { "\n" });
            }
            for (i, word) in line.words.into_iter().enumerate() {
                if i > 0 {
                    text.push(' ');
                }
                text.push_str(&word.text);
                words.push(word);
            }
        }
    }
    (words, text)
}

/// The lines of a region from top to bottom.
fn lines(mut pieces: Vec<Piece>) -> Vec<Line> {
    // Large text first: indices and notes find the line they belong to.
    let key = |p: &Piece| (p.size * 2.0).round();
    pieces.sort_by(|a, b| {
        let size = key(b).total_cmp(&key(a));
        size.then(a.baseline.total_cmp(&b.baseline))
            .then(a.place.x0.total_cmp(&b.place.x0))
    });
    let mut lines: Vec<Line> = Vec::new();
    for piece in pieces {
        match lines
            .iter_mut()
            .max_by(|a, b| fit(a, &piece).total_cmp(&fit(b, &piece)))
        {
            Some(line) if fit(line, &piece) > 0.0 => line.words.push(piece),
            _ => lines.push(Line {
                top: piece.place.y0,
                bottom: piece.place.y1,
                baseline: piece.baseline,
                size: piece.size,
                words: vec![piece],
            }),
        }
    }
    lines.sort_by(|a, b| a.baseline.total_cmp(&b.baseline));
    for line in &mut lines {
        line.words.sort_by(|a, b| a.place.x0.total_cmp(&b.place.x0));
        line.words = join(std::mem::take(&mut line.words));
    }
    lines
}

/// How well a piece fits into a line: the share of its height within the line; 0 if it does not.
fn fit(line: &Line, piece: &Piece) -> f64 {
    let within = line.bottom.min(piece.place.y1) - line.top.max(piece.place.y0);
    let share = within / piece.place.height().max(f64::MIN_POSITIVE);
    // Text of the line's own size is on its baseline, or is another line.
    let near = (piece.baseline - line.baseline).abs();
    let same_size = piece.size > 0.85 * line.size;
    if share < 0.45 || same_size && near > 0.25 * line.size {
        return 0.0;
    }
    let is_over = |word: &Piece| {
        let shared = word.place.intersect(piece.place);
        let width = word.place.width().min(piece.place.width());
        let height = word.place.height().min(piece.place.height());
        // Letters of a logo reach over each other without being another line.
        shared.width() > 0.8 * width && shared.height() > 0.3 * height
    };
    if near > 0.1 * line.size && line.words.iter().any(is_over) {
        return 0.0;
    }
    share - near / line.size.max(f64::MIN_POSITIVE) * 0.5
}

/// Joins pieces of words.
fn join(pieces: Vec<Piece>) -> Vec<Piece> {
    let mut words: Vec<Piece> = Vec::with_capacity(pieces.len());
    for piece in pieces {
        match words.last_mut() {
            Some(last) if is_continued(last, &piece) => last.append(&piece),
            _ => words.push(piece),
        }
    }
    words
}

/// Whether a piece continues the word before it, and is not drawn over or apart from it.
fn is_continued(last: &Piece, piece: &Piece) -> bool {
    let size = last.size.max(piece.size);
    let gap = piece.place.x0 - last.place.x1;
    !last.blank_after && gap < WORD_GAP * size && gap > -1.2 * size
}

/// For each line whether it starts a paragraph: after more white space than between other lines, in
/// another size of text, or indented.
fn paragraph_starts(lines: &[Line]) -> Vec<bool> {
    let left = |line: &Line| line.words.first().map_or(0.0, |w| w.place.x0);
    let right = |line: &Line| line.words.last().map_or(0.0, |w| w.place.x1);
    let edge = lines.iter().map(right).fold(f64::NEG_INFINITY, f64::max);
    let words: Vec<Piece> = lines.iter().flat_map(|l| l.words.iter().cloned()).collect();
    let common = common_size(&words);
    let mut steps: Vec<f64> = lines
        .windows(2)
        .map(|w| w[1].baseline - w[0].baseline)
        .filter(|step| *step > 0.5 * common)
        .collect();
    steps.sort_by(f64::total_cmp);
    let step = steps.get(steps.len() / 2).copied().unwrap_or(1.2 * common);
    let step = step.min(2.2 * common);
    let mut starts = vec![true; lines.len()];
    for i in 1..lines.len() {
        let (above, line) = (&lines[i - 1], &lines[i]);
        let apart = line.baseline - above.baseline;
        let larger = line.size.max(above.size) / line.size.min(above.size).max(f64::MIN_POSITIVE);
        let indent = left(line) - left(above);
        let returns = lines
            .get(i + 1)
            .is_some_and(|next| (left(next) - left(above)).abs() < 0.3 * common);
        // A line that ends early is an indented line of code, and no beginning.
        let goes_on = right(line) > edge - 4.0 * common;
        starts[i] = apart > 1.3 * step * (line.size / common).max(1.0)
            || larger > 1.25
            || indent > 0.8 * common && indent < 4.0 * common && returns && goes_on;
    }
    starts
}

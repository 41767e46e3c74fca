//! Edges of characters along a line: CTC yields only the step in which each has its maximum.

use std::ops::Range;

use vary_vision::preprocess::Strip;

use super::Character;

/// Pixels with more than this share of the ink's contrast are ink.
const INK: f32 = 0.3;

/// Moves the edges of words to the ink of the strip, and those of neighbouring characters of a word
/// to the middle between them.
pub(super) fn fit(characters: &mut [Character], strip: &Strip) {
    let rows = || strip.pixels.chunks_exact(strip.width);
    let inked: Vec<bool> = (0..strip.width)
        .map(|x| rows().any(|row| row[x] > INK))
        .collect();
    let column = |c: &Character| {
        let centre = (c.span[0] + c.span[1]) / 2.0 * strip.width as f32;
        (centre as usize).min(strip.width - 1)
    };
    let mut left = 0;
    let mut rest = characters;
    while !rest.is_empty() {
        let letters = rest.iter().position(|c| c.value == ' ');
        let (word, after) = rest.split_at_mut(letters.unwrap_or(rest.len()));
        let right = after
            .first()
            .map_or(strip.width, |blank| nearest_paper(&inked, column(blank)));
        if let [first, .., last] | [first @ last] = &*word {
            let (from, to) = (column(first), column(last));
            let ink = |mut columns: Range<usize>| columns.find(|x| inked[*x]);
            let start = ink(left.min(from)..from);
            let end = (to..right).rev().find(|x| inked[*x]);
            let share = |x: usize| x as f32 / strip.width as f32;
            fit_word(word, [start.map(share), end.map(|x| share(x + 1))]);
        }
        left = right;
        rest = after.get_mut(1..).unwrap_or_default();
    }
}

/// `ends`: left and right end of the word's ink, where there is any.
fn fit_word(word: &mut [Character], ends: [Option<f32>; 2]) {
    for i in 1..word.len() {
        let middle = (word[i - 1].span[1] + word[i].span[0]) / 2.0;
        word[i - 1].span[1] = middle;
        word[i].span[0] = middle;
    }
    if let (Some(first), Some(left)) = (word.first_mut(), ends[0]) {
        first.span[0] = left;
    }
    if let (Some(last), Some(right)) = (word.last_mut(), ends[1]) {
        last.span[1] = right;
    }
}

/// The column without ink that is nearest to `x`; `x` itself if there is none.
fn nearest_paper(inked: &[bool], x: usize) -> usize {
    let before = inked[..=x].iter().rposition(|ink| !ink);
    let after = inked[x..].iter().position(|ink| !ink).map(|i| x + i);
    match (before, after) {
        (Some(before), Some(after)) if x - before > after - x => after,
        (before, after) => before.or(after).unwrap_or(x),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn character(value: char, span: [f32; 2]) -> Character {
        Character {
            value,
            span,
            log_confidence: 0.0,
        }
    }

    #[test]
    fn words_end_where_their_ink_does() {
        // Ink in columns 10 to 29 and 40 to 59 of 100.
        let mut strip = Strip {
            height: 2,
            width: 100,
            pixels: vec![0.0; 200],
        };
        (10..30).chain(40..60).for_each(|x| strip.pixels[x] = 1.0);
        let mut characters = [
            character('a', [0.14, 0.16]),
            character('b', [0.24, 0.26]),
            // The blank is seen where the next word has begun.
            character(' ', [0.40, 0.42]),
            character('c', [0.50, 0.52]),
        ];
        fit(&mut characters, &strip);
        let columns = characters.map(|c| c.span.map(|share| (share * 100.0).round()));
        let expected = [[10, 20], [20, 30], [40, 42], [40, 60]];
        assert_eq!(columns, expected.map(|span| span.map(|x| x as f32)));
    }

    #[test]
    fn without_ink_nothing_moves() {
        let strip = Strip {
            height: 1,
            width: 8,
            pixels: vec![0.0; 8],
        };
        let mut characters = [character('a', [0.25, 0.5]), character(' ', [0.5, 1.0])];
        let before = characters;
        fit(&mut characters, &strip);
        assert_eq!(characters, before);
        fit(&mut [], &strip);
    }
}

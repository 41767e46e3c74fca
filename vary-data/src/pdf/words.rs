//! Glyphs to words.
//!
//! Most programs write the glyphs of a word one after the other, so that words are made in the
//! order of drawing; what was drawn apart (a raised index, a kerned letter) is joined when its line
//! is known.

use hayro::kurbo::{Point, Rect};
use unicode_normalization::UnicodeNormalization;

use super::glyphs::Glyph;

/// A gap of this share of the font's size parts words. Blanks of tightly set lines have about 0.2,
/// kerning stays below 0.1.
pub(crate) const WORD_GAP: f64 = 0.1;

/// How far a nominal line of text reaches above and below its baseline, in sizes of its font.
const ASCENT: f64 = 0.75;
const DESCENT: f64 = 0.25;

/// A word, or a piece of one. Its place is in the frame of its reader: right is where text runs,
/// down is where lines follow, whatever way the text is turned on the page.
#[derive(Debug, Clone)]
pub(crate) struct Piece {
    /// Its characters, without blanks.
    pub text: String,
    /// What it covers as a part of its line, in the reader's frame.
    pub place: Rect,
    /// Its baseline, downwards in the reader's frame.
    pub baseline: f64,
    /// The size of its font.
    pub size: f64,
    /// Quarter turns clockwise of its text on the page.
    pub turn: u8,
    /// What it covers on the page.
    pub ink: Rect,
    /// Whether a blank was drawn after it.
    pub blank_after: bool,
}

impl Piece {
    fn new(glyph: &Glyph) -> Self {
        let start = to_frame(glyph.origin, glyph.turn);
        Self {
            text: glyph.text.clone(),
            place: Rect::new(
                start.x,
                start.y - ASCENT * glyph.size,
                start.x + glyph.advance,
                start.y + DESCENT * glyph.size,
            ),
            baseline: start.y,
            size: glyph.size,
            turn: glyph.turn,
            ink: glyph.ink,
            blank_after: false,
        }
    }

    /// Appends what follows on the same line.
    pub(crate) fn append(&mut self, next: &Self) {
        self.text.push_str(&next.text);
        self.place = self.place.union(next.place);
        self.ink = self.ink.union(next.ink);
        if next.size > self.size {
            self.size = next.size;
            self.baseline = next.baseline;
        }
        self.blank_after = next.blank_after;
    }

    fn is_followed_by(&self, next: &Self) -> bool {
        let size = self.size.max(next.size);
        let gap = next.place.x0 - self.place.x1;
        self.turn == next.turn
            && (next.baseline - self.baseline).abs() < 0.05 * size
            && gap < WORD_GAP * size
            && gap > -0.4 * size
    }
}

/// A point of the page in the frame of a reader of text turned by `turn`.
fn to_frame(point: Point, turn: u8) -> Point {
    match turn {
        1 => Point::new(point.y, -point.x),
        2 => Point::new(-point.x, -point.y),
        3 => Point::new(-point.y, point.x),
        _ => point,
    }
}

/// Words and pieces of words in the order in which they were drawn.
pub(crate) fn pieces(glyphs: &[Glyph]) -> Vec<Piece> {
    let mut done: Vec<Piece> = Vec::new();
    let mut word: Option<Piece> = None;
    let mut accent: Option<Piece> = None;
    for glyph in glyphs {
        if glyph.text.trim().is_empty() {
            if let Some(mut whole) = word.take() {
                whole.blank_after = true;
                done.push(whole);
            }
            continue;
        }
        let mut next = Piece::new(glyph);
        next.text = next.text.trim().to_owned();
        if combining(&next.text).is_some() && accent.is_none() {
            accent = Some(next);
            continue;
        }
        if let Some(mark) = accent.take() {
            if is_over(&mark, &next) {
                next.text.extend(combining(&mark.text));
                next.ink = next.ink.union(mark.ink);
            } else {
                push(&mut done, &mut word, mark);
            }
        }
        push(&mut done, &mut word, next);
    }
    if let Some(mark) = accent {
        push(&mut done, &mut word, mark);
    }
    done.extend(word);
    for piece in &mut done {
        piece.text = normal(&piece.text);
    }
    done
}

fn push(done: &mut Vec<Piece>, word: &mut Option<Piece>, next: Piece) {
    match word {
        Some(current) if current.is_followed_by(&next) => current.append(&next),
        _ => done.extend(word.replace(next)),
    }
}

/// The combining mark of an accent that TeX draws as a letter of its own before its base.
fn combining(text: &str) -> Option<char> {
    Some(match text {
        "`" | "\u{2cb}" => '\u{300}',
        "\u{b4}" => '\u{301}',
        "^" | "\u{2c6}" => '\u{302}',
        "~" | "\u{2dc}" => '\u{303}',
        "\u{af}" | "\u{2c9}" => '\u{304}',
        "\u{2d8}" => '\u{306}',
        "\u{2d9}" => '\u{307}',
        "\u{a8}" => '\u{308}',
        "\u{2da}" => '\u{30a}',
        "\u{2dd}" => '\u{30b}',
        "\u{2c7}" => '\u{30c}',
        "\u{b8}" => '\u{327}',
        "\u{2db}" => '\u{328}',
        _ => return None,
    })
}

/// Whether an accent is drawn over (or under) a letter, and not before it.
fn is_over(accent: &Piece, base: &Piece) -> bool {
    let is_letter = base.text.chars().next().is_some_and(char::is_alphabetic);
    let off = accent.ink.center() - base.ink.center();
    let (across, width) = if base.turn.is_multiple_of(2) {
        (off.x, base.ink.width())
    } else {
        (off.y, base.ink.height())
    };
    accent.turn == base.turn && is_letter && across.abs() < 0.4 * width
}

/// Letters with their accents as one character, and ligatures as their letters. Other compatible
/// characters stay: a raised 2 is not a 2.
fn normal(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.nfc() {
        match c {
            '\u{fb00}'..='\u{fb4f}' | '\u{132}' | '\u{133}' => out.extend(c.nfkc()),
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn glyph(text: &str, x: f64, turn: u8) -> Glyph {
        let along = Rect::new(x, -7.0, x + 5.0, 0.0);
        let ink = match turn {
            1 => Rect::new(0.0, x, 7.0, x + 5.0),
            _ => along,
        };
        let origin = if turn == 1 {
            Point::new(0.0, x)
        } else {
            Point::new(x, 0.0)
        };
        Glyph {
            text: text.into(),
            origin,
            advance: 5.0,
            size: 10.0,
            turn,
            ink,
        }
    }

    fn texts(glyphs: &[Glyph]) -> Vec<String> {
        pieces(glyphs).into_iter().map(|piece| piece.text).collect()
    }

    #[test]
    fn ligatures_become_letters() {
        assert_eq!(
            normal("e\u{fb03}cient x\u{b2} \u{2122}"),
            "efficient x\u{b2} \u{2122}"
        );
    }

    #[test]
    fn accents_join_letters() {
        for turn in [0, 1] {
            let over = [glyph("\u{b4}", 20.0, turn), glyph("e", 20.0, turn)];
            assert_eq!(texts(&over), ["\u{e9}"]);
            let before = [
                glyph("^", 20.0, turn),
                glyph("e", 25.0, turn),
                glyph("~", 30.0, turn),
            ];
            assert_eq!(texts(&before), ["^e~"]);
        }
    }

    #[test]
    fn blanks_and_gaps_part_words() {
        let glyphs = [
            glyph("a", 0.0, 0),
            glyph("b", 5.0, 0),
            glyph(" ", 10.0, 0),
            glyph("c", 10.5, 0),
            glyph("d", 17.0, 0),
            glyph("e", 22.0, 1),
        ];
        assert_eq!(texts(&glyphs), ["ab", "c", "d", "e"]);
    }
}

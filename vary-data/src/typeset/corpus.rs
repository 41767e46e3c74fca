//! The words that documents are made of.

use std::collections::BTreeSet;

use rand::{Rng, RngExt};

use super::pages::ideographic;
use super::typesetter::Typesetter;
use crate::{Error, Result};

/// Words for documents: running text that is cut anywhere, or single words in any order.
#[derive(Debug, Clone)]
pub struct Corpus {
    /// Words, and whether a blank goes before each.
    words: Vec<(String, bool)>,
    running: bool,
    left_out: usize,
}

impl Corpus {
    /// English words in any order, with digits, signs and ligatures among them.
    pub fn builtin() -> Self {
        let words = BUILTIN.split_whitespace().map(|w| (w.to_owned(), true));
        Self {
            words: words.collect(),
            running: false,
            left_out: 0,
        }
    }

    /// Running text, from which documents take stretches. Words that the fonts can't draw are left
    /// out.
    ///
    /// # Errors
    /// If no word is left.
    pub fn new(text: &str, typesetter: &Typesetter) -> Result<Self> {
        let missing: BTreeSet<char> = typesetter.missing(text).into_iter().collect();
        let mut words = Vec::new();
        let mut left_out = 0;
        for word in text.split_whitespace() {
            if word.chars().any(|c| missing.contains(&c)) {
                left_out += 1;
                continue;
            }
            // Text without blanks is cut between characters, but not in front of punctuation.
            let mut piece = String::new();
            let mut blank = true;
            for c in word.chars() {
                let cut = ideographic(c) && c.is_alphanumeric();
                if cut && piece.chars().last().is_some_and(ideographic) {
                    words.push((std::mem::take(&mut piece), blank));
                    blank = false;
                }
                piece.push(c);
            }
            words.push((piece, blank));
        }
        if words.is_empty() {
            let chars = missing.into_iter().collect();
            return Err(Error::NoGlyph { chars });
        }
        Ok(Self {
            words,
            running: true,
            left_out,
        })
    }

    /// How many words of the text were left out since no font draws them.
    pub fn left_out(&self) -> usize {
        self.left_out
    }

    /// `count` words as they stand, without punctuation of their own.
    pub(super) fn words(&self, rng: &mut impl Rng, count: usize) -> String {
        let start = rng.random_range(0..self.words.len());
        let mut text = String::new();
        for i in 0..count {
            let at = if self.running {
                (start + i) % self.words.len()
            } else {
                rng.random_range(0..self.words.len())
            };
            let (word, blank) = &self.words[at];
            if *blank && !text.is_empty() {
                text.push(' ');
            }
            text.push_str(word);
        }
        text
    }

    /// About `count` words as sentences; running text has its own.
    pub(super) fn sentences(&self, rng: &mut impl Rng, count: usize) -> String {
        if self.running {
            return self.words(rng, count);
        }
        let mut text = String::new();
        let mut left = count;
        while left > 0 {
            let length = rng.random_range(4..=16).min(left);
            left -= length;
            let sentence = capital(&self.words(rng, length));
            if !text.is_empty() {
                text.push(' ');
            }
            let comma = sentence
                .match_indices(' ')
                .nth(length / 2)
                .map(|(at, _)| at);
            match comma {
                Some(at) if length > 8 && rng.random_bool(0.6) => {
                    text.push_str(&sentence[..at]);
                    text.push(',');
                    text.push_str(&sentence[at..]);
                }
                _ => text.push_str(&sentence),
            }
            text.push(if rng.random_bool(0.07) { '?' } else { '.' });
        }
        text
    }
}

/// Text with its first letter as a capital.
pub(super) fn capital(text: &str) -> String {
    let mut chars = text.chars();
    let first = chars.next().into_iter().flat_map(char::to_uppercase);
    first.chain(chars).collect()
}

const BUILTIN: &str = "\
    the of and to a in is it for on with as by at from this that which each between under over \
    after before during without within river mountain office affair flow final difficult waffle \
    station market garden window winter summer harvest history number figure table chapter method \
    result value system process market price paper letter signal energy light colour surface \
    pressure temperature distance measure average margin interest account payment contract order \
    delivery service customer report summary question answer example evidence theory model sample \
    experiment observation distribution probability function variable constant equation solution \
    language sentence grammar meaning reader author picture museum theatre village harbour bridge \
    railway engine machine vessel cargo captain journey island forest valley desert climate \
    weather water stone metal glass wooden ancient modern public private national local general \
    special simple complex early recent common several different important possible certain \
    available increase decrease remain become provide require describe compare consider develop \
    produce receive explain suggest indicate contain support reduce follow begin continue show \
    give take make find know write read build measure estimate observe quickly slowly often \
    rarely usually approximately however therefore moreover although because while until unless \
    whether 12 27 48 1.5 3,200 1984 2019 2024 75% 40% $120 €35 £9.99 #7 A4 CO2 (below) \"quoted\" \
    well-known e-mail me@mail.org half-open x-ray & §5 [12] state-of-the-art snake_case C++ 100°C \
    ±0.5 3/4 naïve café Zürich façade don't it's";

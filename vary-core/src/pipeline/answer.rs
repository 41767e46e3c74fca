use std::fmt;
use std::ops::Range;
use std::time::Duration;

use vary_lm::generate::FinishReason;

use crate::detection::{BoundingBox, Detection};

/// The answer to a question about images. Displays as its text.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Answer {
    /// The text as the model wrote it; coordinates of boxes are in thousandths of the image.
    pub text: String,
    /// The tokens, in order.
    pub tokens: Vec<TokenScore>,
    /// The objects, the most confident first, in pixels of the original image.
    pub detections: Vec<Detection>,
    /// Pieces of `text` that are neither a box nor its label: for an answer in words, all of it.
    pub unparsed: Vec<String>,
    /// Why the answer ended.
    pub finish: FinishReason,
    /// Token counts.
    pub usage: Usage,
    /// How long it took.
    pub times: Times,
}

/// A token of an [`Answer`].
#[derive(Debug, Clone, PartialEq)]
pub struct TokenScore {
    /// Bytes of [`Answer::text`] that it produced. Tokens that share a character all cover it.
    pub range: Range<usize>,
    /// Natural logarithm of the confidence in it, at most 0. The confidence is the probability of
    /// the token; of a coordinate, that of all values within 20 thousandths of it.
    pub log_confidence: f32,
    /// Its box in the image, in pixels, if it was read by a recognizer: then each token is one
    /// character.
    pub bbox: Option<BoundingBox>,
}

/// A word or line of an [`Answer`] with its confidence, see [`Answer::words`].
#[derive(Debug, Clone, PartialEq)]
pub struct Scored<'a> {
    /// The text.
    pub text: &'a str,
    /// Its bytes in [`Answer::text`].
    pub range: Range<usize>,
    /// Geometric mean of the confidences of its tokens, 0 to 1.
    pub score: f32,
    /// Its box in the image, in pixels, if it was read by a recognizer.
    pub bbox: Option<BoundingBox>,
}

/// Geometric mean of probabilities from their logarithms; 1 if there are none.
pub(super) fn score(log_confidences: impl Iterator<Item = f32>) -> f32 {
    let (sum, count) = log_confidences.fold((0.0, 0), |(sum, count), log| (sum + log, count + 1));
    (sum / count.max(1) as f32).exp()
}

impl Answer {
    /// An answer with this text that no pipeline made; set its other fields as needed.
    pub fn new(text: impl Into<String>) -> Self {
        Self {
            text: text.into(),
            tokens: vec![],
            detections: vec![],
            unparsed: vec![],
            finish: FinishReason::Stop,
            usage: Usage::default(),
            times: Times::default(),
        }
    }

    /// The words of the text, separated by white space. For writing without blanks between words,
    /// such as Chinese, use [`lines`](Self::lines).
    pub fn words(&self) -> Vec<Scored<'_>> {
        self.scored(self.text.split_whitespace())
    }

    /// The lines of the text that are not blank.
    pub fn lines(&self) -> Vec<Scored<'_>> {
        self.scored(self.text.lines().filter(|line| !line.trim().is_empty()))
    }

    fn scored<'a>(&'a self, parts: impl Iterator<Item = &'a str>) -> Vec<Scored<'a>> {
        let mut first = 0;
        let mut scored = vec![];
        for text in parts {
            // Parts are slices of the text.
            let start = text.as_ptr() as usize - self.text.as_ptr() as usize;
            let range = start..start + text.len();
            while self.tokens.get(first).is_some_and(|t| t.range.end <= start) {
                first += 1;
            }
            let of_part = self.tokens[first..]
                .iter()
                .take_while(|token| token.range.start < range.end)
                .filter(|token| !token.range.is_empty());
            scored.push(Scored {
                text,
                score: score(of_part.clone().map(|token| token.log_confidence)),
                bbox: of_part.filter_map(|t| t.bbox).reduce(BoundingBox::around),
                range,
            });
        }
        scored
    }
}

impl fmt::Display for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// Token counts of an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Usage {
    /// Image tokens of all prompts.
    pub image_tokens: usize,
    /// Tokens of all prompts, image tokens included.
    pub prompt_tokens: usize,
    /// Tokens of the answer's text, without those that end it.
    pub new_tokens: usize,
}

/// Times of the stages of an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Times {
    /// Preprocessing and encoding the images; close to zero for encoded ones. With a recognizer,
    /// finding and cutting out the text lines.
    pub encode: Duration,
    /// Processing the prompts.
    pub prefill: Duration,
    /// Generating the answer; in a batch, the passes that this answer took part in. With a
    /// recognizer, reading the text lines.
    pub decode: Duration,
}

impl Times {
    /// All stages.
    pub fn total(&self) -> Duration {
        self.encode + self.prefill + self.decode
    }
}

impl std::ops::AddAssign for Times {
    fn add_assign(&mut self, other: Self) {
        self.encode += other.encode;
        self.prefill += other.prefill;
        self.decode += other.decode;
    }
}

/// A step of an [`AnswerStream`](super::AnswerStream).
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Event {
    /// The next piece of the text; all pieces joined are [`Answer::text`].
    Token {
        /// One token's text, or that of several which share a character.
        text: String,
    },
    /// A complete box, in pixels. Boxes come in the order of the text, before non-maximum
    /// suppression and the score threshold.
    Box(Detection),
    /// The end, with the whole answer.
    Done(Answer),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scores_of_words_and_lines() {
        let text = "Total:\t12 \n\nno é";
        let token = |range: Range<usize>, p: f32| TokenScore {
            range,
            log_confidence: p.ln(),
            bbox: None,
        };
        let answer = Answer {
            text: text.into(),
            // `Total` `:` `<tab>12` ` <lines>no` ` ` and the two halves of the last character.
            tokens: vec![
                token(0..5, 0.9),
                token(5..6, 0.4),
                token(6..9, 0.5),
                token(9..9, 0.01),
                token(9..14, 0.8),
                token(14..15, 1.0),
                token(15..17, 0.25),
                token(15..17, 1.0),
            ],
            detections: vec![],
            unparsed: vec![],
            finish: FinishReason::Stop,
            usage: Usage {
                image_tokens: 0,
                prompt_tokens: 0,
                new_tokens: 8,
            },
            times: Times::default(),
        };
        let close = |scored: &[Scored<'_>], expected: &[(&str, f32)]| {
            assert_eq!(scored.len(), expected.len());
            for (s, (text, score)) in scored.iter().zip(expected) {
                assert_eq!(s.text, *text);
                assert_eq!(&answer.text[s.range.clone()], *text);
                assert!((s.score - score).abs() < 1e-6, "{text}: {}", s.score);
            }
        };
        close(
            &answer.words(),
            &[("Total:", 0.6), ("12", 0.5), ("no", 0.8), ("é", 0.5)],
        );
        let first = (0.9f32 * 0.4 * 0.5 * 0.8).powf(0.25);
        let last = (0.8f32 * 0.25).powf(0.25);
        close(&answer.lines(), &[("Total:\t12 ", first), ("no é", last)]);
        assert_eq!(answer.to_string(), text);
    }
}

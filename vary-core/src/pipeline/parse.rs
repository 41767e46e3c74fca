//! Stage 4: token ids become text and boxes, each id once.

use vary_lm::tokenizer::{DecodeStream, Tokenizer};

use super::TokenScore;
use crate::Result;
use crate::detection::{AnswerParser, ParsedBox};

/// The answer to one request as it grows.
pub(super) struct Parser {
    decoder: DecodeStream,
    boxes: AnswerParser,
    log_confidences: Vec<f32>,
    /// Bytes of the blanks between the template's role and the answer, which are not part of
    /// the text.
    gap: usize,
    text: String,
}

/// What a token completes.
#[derive(Debug, Default)]
pub(super) struct Piece {
    pub text: String,
    /// Boxes of the view with raw scores.
    pub boxes: Vec<ScoredBox>,
}

/// A box in thousandths of a view.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct ScoredBox {
    pub label: String,
    pub score: f32,
    pub coords: [f32; 4],
}

/// All of an answer's text.
pub(super) struct Parsed {
    pub text: String,
    pub tokens: Vec<TokenScore>,
    pub unparsed: Vec<String>,
}

impl Parser {
    pub fn new(tokenizer: &Tokenizer) -> Self {
        Self {
            decoder: tokenizer.decode_stream(true),
            boxes: AnswerParser::default(),
            log_confidences: vec![],
            gap: 0,
            text: String::new(),
        }
    }

    /// Adds a token with the natural logarithm of the confidence in it.
    ///
    /// # Errors
    /// [`Error::Lm`](crate::Error::Lm) for an id that is not in the vocabulary.
    pub fn push(&mut self, id: u32, log_confidence: f32) -> Result<Piece> {
        self.log_confidences.push(log_confidence);
        let text = self.decoder.push(id)?;
        Ok(self.add(text))
    }

    /// Ends the text.
    pub fn flush(&mut self) -> Piece {
        let text = self.decoder.flush();
        self.add(text)
    }

    fn add(&mut self, text: Option<String>) -> Piece {
        let Some(mut text) = text else {
            return Piece::default();
        };
        // Spans of boxes and tokens count the gap.
        let boxes = self.boxes.push(&text);
        let boxes = boxes.iter().map(|parsed| self.score(parsed)).collect();
        if self.text.is_empty() {
            let blanks = text.len() - text.trim_start_matches(' ').len();
            self.gap += blanks;
            text.drain(..blanks);
        }
        self.text.push_str(&text);
        Piece { text, boxes }
    }

    fn score(&self, parsed: &ParsedBox) -> ScoredBox {
        ScoredBox {
            label: parsed.label.clone(),
            score: parsed.score(self.decoder.spans(), &self.log_confidences),
            coords: parsed.coords,
        }
    }

    /// All of it, after [`flush`](Self::flush).
    pub fn finish(self) -> Parsed {
        let place = |at: usize| at.saturating_sub(self.gap);
        let spans = self.decoder.spans().iter();
        let tokens = spans
            .zip(&self.log_confidences)
            .map(|(span, &log_confidence)| TokenScore {
                range: place(span.start)..place(span.end),
                log_confidence,
                bbox: None,
            });
        Parsed {
            tokens: tokens.collect(),
            unparsed: self.boxes.finish(),
            text: self.text,
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use proptest::prelude::*;
    use vary_lm::tokenizer::TokenizerBuilder;

    use super::*;
    use crate::detection::parse_answer;

    /// Parses `text` token by token, each with probability 0.5.
    fn parse(text: &str) -> (Vec<Piece>, Parsed) {
        let builder = TokenizerBuilder::opt().classes(&["car", "traffic light"]);
        let tokenizer = builder.build().unwrap();
        let mut parser = Parser::new(&tokenizer);
        let ids = tokenizer.encode(text, false).unwrap();
        let mut pieces: Vec<_> = ids
            .into_iter()
            .map(|id| parser.push(id, 0.5f32.ln()).unwrap())
            .collect();
        pieces.push(parser.flush());
        (pieces, parser.finish())
    }

    fn joined(pieces: &[Piece]) -> String {
        pieces.iter().map(|piece| piece.text.as_str()).collect()
    }

    #[test]
    fn boxes_end_with_last_token() {
        let text = "car: [250, 500, 500, 1000],\n[000, 000, 100, 100];\ntraffic light: [1, 2, 3";
        let (pieces, parsed) = parse(text);
        let counts: Vec<usize> = pieces.iter().map(|piece| piece.boxes.len()).collect();
        // An opening, four coordinates and what closes the box.
        assert_eq!(counts[..11], [0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1]);
        assert_eq!(counts[11..].iter().sum::<usize>(), 0, "cut off");
        let found = &pieces[5].boxes[0];
        assert_eq!(found.label, "car");
        assert_eq!(found.coords, [250.0, 500.0, 500.0, 1000.0]);
        // The label's token, and the mean of four equal ones.
        assert!((found.score - 0.25).abs() < 1e-6, "{}", found.score);
        assert_eq!((parsed.text.as_str(), joined(&pieces)), (text, text.into()));
    }

    #[test]
    fn leading_blanks_are_dropped() {
        let (pieces, parsed) = parse("  car: [250, 500, 500, 1000].");
        assert_eq!(parsed.text, "car: [250, 500, 500, 1000].");
        assert_eq!(joined(&pieces), parsed.text);
        let boxes: Vec<_> = pieces.into_iter().flat_map(|piece| piece.boxes).collect();
        assert!((boxes[0].score - 0.25).abs() < 1e-6, "{boxes:?}");
        let covered: usize = parsed.tokens.iter().map(|token| token.range.len()).sum();
        assert_eq!(covered, parsed.text.len());
        let last = parsed.tokens[parsed.tokens.len() - 1].range.clone();
        assert_eq!(&parsed.text[last], "].");
    }

    proptest! {
        #[test]
        fn pieces_equal_the_whole(
            parts in prop::collection::vec(prop::sample::select(vec![
                "car: [", "traffic light: [", "[", "]", "],\n[", "];\n", "].", "001, ", "900", ", ",
                "12", "】", "😀", " ", "x: ", "\n", ".", "</s>",
            ]), 0..40),
        ) {
            let (pieces, parsed) = parse(&parts.concat());
            prop_assert_eq!(joined(&pieces), parsed.text.clone());
            let whole = parse_answer(&parsed.text);
            let boxes: Vec<_> = pieces.into_iter().flat_map(|piece| piece.boxes).collect();
            prop_assert_eq!(boxes.len(), whole.boxes.len());
            for (found, expected) in boxes.iter().zip(whole.boxes) {
                prop_assert_eq!(&found.label, &expected.label);
                prop_assert_eq!(found.coords, expected.coords);
                prop_assert!((0.0..=1.0).contains(&found.score));
            }
            prop_assert_eq!(parsed.unparsed, whole.unparsed);
        }
    }
}

use std::ops::Range;

use vary_lm::tokenizer::{DecodeStream, Tokenizer};

use super::{Event, TokenScore};
use crate::Result;
use crate::detection::{BoundingBox, Detection, ParsedBox, ScoreMap, parse_answer};

/// An answer as it grows: tokens in, text and boxes out.
pub(super) struct Transcript {
    tokenizer: Tokenizer,
    /// Width and height of the picture that boxes are in.
    size: (u32, u32),
    score_map: Option<ScoreMap>,
    decoder: DecodeStream,
    ids: Vec<u32>,
    log_confidences: Vec<f32>,
    /// Bytes of the blanks between the template's role and the answer, which are no part of the text.
    gap: usize,
    pub text: String,
    /// In the order of the text, with raw scores.
    pub detections: Vec<Detection>,
}

impl Transcript {
    pub fn new(tokenizer: &Tokenizer, size: (u32, u32), score_map: Option<ScoreMap>) -> Self {
        Self {
            decoder: tokenizer.decode_stream(true),
            tokenizer: tokenizer.clone(),
            size,
            score_map,
            ids: vec![],
            log_confidences: vec![],
            gap: 0,
            text: String::new(),
            detections: vec![],
        }
    }

    /// Tokens so far.
    pub fn len(&self) -> usize {
        self.ids.len()
    }

    /// Every token with its place in the text.
    pub fn token_scores(&self) -> Result<Vec<TokenScore>> {
        let (_, spans) = self.tokenizer.decode_with_spans(&self.ids)?;
        let scores = self.log_confidences.iter().copied();
        let place = |at: usize| at.saturating_sub(self.gap);
        let token = |(range, log_confidence): (Range<usize>, f32)| TokenScore {
            range: place(range.start)..place(range.end),
            log_confidence,
        };
        Ok(spans.into_iter().zip(scores).map(token).collect())
    }

    /// Adds a token; returns the text and the boxes that it completes.
    pub fn push(&mut self, id: u32, log_confidence: f32) -> Result<Vec<Event>> {
        self.ids.push(id);
        self.log_confidences.push(log_confidence);
        let text = self.decoder.push(id)?;
        self.say(text)
    }

    /// Ends the text.
    pub fn flush(&mut self) -> Result<Vec<Event>> {
        let text = self.decoder.flush();
        self.say(text)
    }

    fn say(&mut self, text: Option<String>) -> Result<Vec<Event>> {
        let Some(mut text) = text else {
            return Ok(vec![]);
        };
        if self.text.is_empty() {
            let said = text.trim_start_matches(' ');
            self.gap += text.len() - said.len();
            text = said.into();
        }
        if text.is_empty() {
            return Ok(vec![]);
        }
        self.text.push_str(&text);
        let known = self.detections.len();
        // What the parser takes for the end of a box.
        if text.contains([']', '】', '］']) {
            let (text, spans) = self.tokenizer.decode_with_spans(&self.ids)?;
            let tokens: Vec<_> = spans
                .into_iter()
                .zip(self.log_confidences.iter().copied())
                .collect();
            let boxes = parse_answer(&text).boxes;
            let new = boxes.iter().skip(known).map(|b| self.locate(b, &tokens));
            let new: Vec<Detection> = new.collect();
            self.detections.extend(new);
        }
        let boxes = self.detections[known..].iter().cloned();
        let boxes = boxes.map(|found| Event::Box(mapped(self.score_map.as_ref(), found)));
        Ok(std::iter::once(Event::Token { text })
            .chain(boxes)
            .collect())
    }

    fn locate(&self, parsed: &ParsedBox, tokens: &[(Range<usize>, f32)]) -> Detection {
        let (width, height) = self.size;
        Detection {
            label: parsed.label.clone(),
            score: parsed.score(tokens),
            bbox: BoundingBox::from_thousandths(parsed.coords, width, height).clamp(width, height),
        }
    }
}

/// With the probability that belongs to the raw score.
pub(super) fn mapped(map: Option<&ScoreMap>, found: Detection) -> Detection {
    let score = map.map_or(found.score, |map| map.apply(found.score));
    Detection { score, ..found }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use proptest::prelude::*;
    use vary_lm::tokenizer::nano_tokenizer;

    use super::*;

    const SIZE: (u32, u32) = (640, 480);

    fn tokenizer() -> Tokenizer {
        nano_tokenizer(&["car", "traffic light"]).unwrap()
    }

    /// Feeds `text` token by token, each with probability 0.5.
    fn tell(text: &str) -> (Transcript, Vec<Vec<Event>>) {
        let tokenizer = tokenizer();
        let mut transcript = Transcript::new(&tokenizer, SIZE, None);
        let ids = tokenizer.encode(text, false).unwrap();
        let mut events: Vec<_> = ids
            .into_iter()
            .map(|id| transcript.push(id, 0.5f32.ln()).unwrap())
            .collect();
        events.push(transcript.flush().unwrap());
        (transcript, events)
    }

    #[test]
    fn a_box_comes_with_the_token_that_closes_it() {
        let text = "car: [250, 500, 500, 1000],\n[000, 000, 100, 100];\ntraffic light: [1, 2, 3";
        let (transcript, events) = tell(text);
        let boxes = |events: &[Event]| -> Vec<Detection> {
            let found = events.iter().filter_map(|event| match event {
                Event::Box(found) => Some(found.clone()),
                _ => None,
            });
            found.collect()
        };
        let counts: Vec<usize> = events.iter().map(|e| boxes(e).len()).collect();
        // An opening, four coordinates and what closes the box.
        assert_eq!(counts[..11], [0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1]);
        assert_eq!(counts[11..].iter().sum::<usize>(), 0, "cut off");
        let found = &boxes(&events[5])[0];
        assert_eq!(found.label, "car");
        assert_eq!(found.bbox, BoundingBox::new(160.0, 240.0, 320.0, 480.0));
        // The label's token, and the mean of four equal ones.
        assert!((found.score - 0.25).abs() < 1e-6, "{}", found.score);
        assert_eq!(transcript.text, text);
        assert_eq!(transcript.detections, boxes(&events.concat()));
    }

    #[test]
    fn the_gap_before_an_answer_is_no_part_of_it() {
        let (transcript, events) = tell("  car: [250, 500, 500, 1000].");
        assert_eq!(transcript.text, "car: [250, 500, 500, 1000].");
        let told: String = events
            .concat()
            .iter()
            .filter_map(|event| match event {
                Event::Token { text } => Some(text.as_str()),
                _ => None,
            })
            .collect();
        assert_eq!(told, transcript.text);
        assert_eq!(transcript.detections.len(), 1);
        let tokens = transcript.token_scores().unwrap();
        let covered: usize = tokens.iter().map(|token| token.range.len()).sum();
        assert_eq!(covered, transcript.text.len());
        assert_eq!(
            &transcript.text[tokens[tokens.len() - 1].range.clone()],
            "]."
        );
    }

    proptest! {
        #[test]
        fn streaming_says_what_the_whole_text_says(
            parts in prop::collection::vec(prop::sample::select(vec![
                "car: [", "traffic light: [", "[", "]", "],\n[", "];\n", "].", "001, ", "900", ", ",
                "12", "】", "😀", " ", "x: ", "\n", ".", "</s>",
            ]), 0..40),
        ) {
            let text = parts.concat();
            let (transcript, events) = tell(&text);
            let mut streamed = String::new();
            let mut boxes = vec![];
            for event in events.concat() {
                match event {
                    Event::Token { text } => streamed.push_str(&text),
                    Event::Box(found) => boxes.push(found),
                    Event::Done(_) => {}
                }
            }
            prop_assert_eq!(&streamed, &transcript.text);
            let whole = parse_answer(&transcript.text).boxes;
            prop_assert_eq!(boxes.len(), whole.len());
            for (found, parsed) in boxes.iter().zip(whole) {
                prop_assert_eq!(&found.label, &parsed.label);
                let bbox = BoundingBox::from_thousandths(parsed.coords, SIZE.0, SIZE.1);
                prop_assert_eq!(found.bbox, bbox);
                prop_assert!((0.0..=1.0).contains(&found.score));
            }
        }
    }
}

//! Stage 5: the answers to requests become one answer, as they come.

use std::collections::VecDeque;
use std::sync::Arc;

use vary_lm::generate::FinishReason;

use super::decode::{Outcome, Progress, Session};
use super::parse::{Parsed, Parser, Piece, ScoredBox};
use super::plan::Plan;
use super::{Answer, AnswerOptions, Event, Inner, Times, TokenScore, Usage};
use crate::Result;
use crate::detection::{BoundingBox, Detection, nms};

/// Written between the texts of two requests.
const SEPARATOR: &str = "\n";

/// An answer that grows with its requests. Text comes in the order of the requests, in whatever
/// order they are decoded.
pub(super) struct Merger {
    inner: Arc<Inner>,
    size: (u32, u32),
    usage: Usage,
    parts: Vec<Part>,
    /// The first part that has not ended: its text is emitted as it comes.
    front: usize,
    /// The text that was emitted.
    text: String,
    /// In the order of the text, with raw scores.
    detections: Vec<Detection>,
    nms_iou: f32,
    min_score: f32,
    session: Session,
}

/// The answer to one request.
struct Part {
    parser: Parser,
    /// Not yet emitted.
    pieces: VecDeque<Piece>,
    /// Whether some of its text was emitted.
    emitted: bool,
    ended: Option<(FinishReason, Times)>,
}

impl Merger {
    pub fn new(inner: &Arc<Inner>, plan: &Plan, options: &AnswerOptions) -> Self {
        let parts = plan.requests.iter().map(|_| Part {
            parser: Parser::new(&inner.tokenizer),
            pieces: VecDeque::new(),
            emitted: false,
            ended: None,
        });
        Self {
            size: plan.size,
            usage: plan.usage(inner),
            parts: parts.collect(),
            front: 0,
            text: String::new(),
            detections: vec![],
            nms_iou: options.nms_iou,
            min_score: options.threshold(inner),
            session: Session::default(),
            inner: inner.clone(),
        }
    }

    /// The text that was emitted so far.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Takes the progress of request number `part` and returns what can be emitted.
    ///
    /// # Errors
    /// Those of the request.
    pub fn push(&mut self, part: usize, progress: Progress) -> Result<Vec<Event>> {
        let Some(state) = self.parts.get_mut(part) else {
            return Ok(vec![]);
        };
        match progress {
            Progress::Token(id, log_confidence) => {
                self.usage.new_tokens += 1;
                let piece = state.parser.push(id, log_confidence)?;
                state.pieces.push_back(piece);
            }
            Progress::Done(Outcome {
                finish,
                times,
                session,
            }) => {
                state.pieces.push_back(state.parser.flush());
                state.ended = Some((finish, times));
                self.session = session;
            }
            Progress::Failed(error) => return Err(error),
        }
        self.emit()
    }

    /// Events of the front part, and of those behind it once it has ended.
    fn emit(&mut self) -> Result<Vec<Event>> {
        let mut events = vec![];
        while let Some(part) = self.parts.get_mut(self.front) {
            for Piece { mut text, boxes } in std::mem::take(&mut part.pieces) {
                if !text.is_empty() {
                    if !part.emitted && !self.text.is_empty() {
                        text.insert_str(0, SEPARATOR);
                    }
                    part.emitted = true;
                    self.text.push_str(&text);
                    events.push(Event::Token { text });
                }
                for found in boxes {
                    let found = to_detection(found, self.size);
                    let score = self.inner.inference.calibrated(found.score);
                    self.detections.push(found.clone());
                    events.push(Event::Box(Detection { score, ..found }));
                }
            }
            match part.ended {
                Some(_) => self.front += 1,
                None => break,
            }
        }
        Ok(events)
    }

    /// The whole answer, and what was read of a conversation.
    pub fn finish(self) -> (Answer, Session) {
        let mut answer = Answer::new("");
        answer.usage = self.usage;
        answer.detections = self.inner.merge_detections(self.detections, self.nms_iou);
        answer.detections.retain(|one| one.reaches(self.min_score));
        for part in self.parts {
            // A part that was never started ends where the others do.
            let (finish, times) = part
                .ended
                .unwrap_or((FinishReason::Cancelled, Times::default()));
            if answer.finish == FinishReason::Stop {
                answer.finish = finish;
            }
            answer.times += times;
            answer.append(part.parser.finish());
        }
        (answer, self.session)
    }
}

impl Answer {
    /// Adds the text of another request.
    fn append(&mut self, parsed: Parsed) {
        if !parsed.text.is_empty() && !self.text.is_empty() {
            self.text.push_str(SEPARATOR);
        }
        let offset = self.text.len();
        let moved = parsed.tokens.into_iter().map(|token| TokenScore {
            range: token.range.start + offset..token.range.end + offset,
            ..token
        });
        self.tokens.extend(moved);
        self.text.push_str(&parsed.text);
        self.unparsed.extend(parsed.unparsed);
    }
}

impl Inner {
    /// The objects without duplicates, the most confident first, with calibrated scores.
    fn merge_detections(&self, found: Vec<Detection>, nms_iou: f32) -> Vec<Detection> {
        let mut found = nms(found, nms_iou);
        // The map is monotone: the order stays.
        for one in &mut found {
            one.score = self.inference.calibrated(one.score);
        }
        found
    }
}

/// A box in pixels of the image of that size.
fn to_detection(found: ScoredBox, (width, height): (u32, u32)) -> Detection {
    let bbox = BoundingBox::from_thousandths(found.coords, width, height);
    Detection::new(found.label, found.score, bbox.clamp(width, height))
}

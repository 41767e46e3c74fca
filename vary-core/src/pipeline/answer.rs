use std::time::Duration;

use vary_lm::generate::{CancellationToken, FinishReason, LoopGuard, Sampling};

use crate::detection::Detection;

/// What to look for, and how the answer is generated.
///
/// By default all objects, greedily, with at most 1024 tokens and a guard against endless loops.
#[derive(Debug, Clone)]
pub struct DetectOptions {
    /// Look for these classes only; `None` asks for all objects. The model may name others.
    pub classes: Option<Vec<String>>,
    /// The most tokens of an answer; the room that the model has left is a limit as well.
    pub max_new_tokens: usize,
    /// Draw tokens at random instead of taking the likeliest.
    pub sampling: Option<Sampling>,
    /// End an answer that goes round in circles.
    pub loop_guard: Option<LoopGuard>,
    /// Ends the answer from elsewhere; looked at before every token.
    pub cancellation: CancellationToken,
}

impl Default for DetectOptions {
    fn default() -> Self {
        Self {
            classes: None,
            max_new_tokens: 1024,
            sampling: None,
            // A box takes up to 20 tokens, and none is worth saying four times in a row.
            loop_guard: Some(LoopGuard {
                ngram: 20,
                max_repeats: 4,
            }),
            cancellation: CancellationToken::new(),
        }
    }
}

/// What the model made of a picture and a question.
#[derive(Debug, Clone, PartialEq)]
pub struct Answer {
    /// The answer as the model wrote it, with coordinates in thousandths.
    pub text: String,
    /// The objects, the surest first, in pixels of the original picture.
    pub detections: Vec<Detection>,
    /// Pieces of `text` that are neither a box nor its label.
    pub unparsed: Vec<String>,
    /// Why the answer ended.
    pub finish: FinishReason,
    /// Token counts.
    pub usage: Usage,
    /// How long it took.
    pub times: Times,
}

/// Token counts of an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Usage {
    /// Tokens of the picture.
    pub image_tokens: usize,
    /// Tokens of the whole prompt, those of the picture included.
    pub prompt_tokens: usize,
    /// Tokens of the answer, without the one that ends it.
    pub new_tokens: usize,
}

/// Times of the stages of an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Times {
    /// Preprocessing and encoding the picture; next to nothing for one that is encoded already.
    pub encode: Duration,
    /// Reading the prompt.
    pub prefill: Duration,
    /// Generating the answer.
    pub decode: Duration,
}

impl Times {
    /// All stages.
    pub fn total(&self) -> Duration {
        self.encode + self.prefill + self.decode
    }
}

/// A piece of news from an [`AnswerStream`](super::AnswerStream).
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Event {
    /// More of the text; all of them joined are [`Answer::text`].
    Token {
        /// One token's text, or that of several which share a character.
        text: String,
    },
    /// A box is complete. They come in the order of the text.
    Box(Detection),
    /// The end, with everything said before.
    Done(Answer),
}

use std::ops::RangeInclusive;

use vary_lm::generate::{CancellationToken, GenerateOptions, LoopGuard, Sampling};
use vary_vision::preprocess::tile_grid;

use super::Inner;
use crate::{Error, Result};

/// How an answer is generated.
///
/// By default greedily, with at most 1024 tokens, a guard against endless loops and non-maximum
/// suppression of boxes.
///
/// ```
/// # use vary_core::pipeline::AnswerOptions;
/// let options = AnswerOptions::default().with_max_new_tokens(40).with_min_score(0.3);
/// assert_eq!(options.max_new_tokens, 40);
/// assert_eq!(options.nms_iou, 0.5); // a default
/// ```
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct AnswerOptions {
    /// Maximum number of new tokens, 1024 by default; never more than fit into the model's context.
    /// A recognizer does not count tokens.
    pub max_new_tokens: usize,
    /// Draws tokens at random. `None`, the default, always takes the most likely token.
    pub sampling: Option<Sampling>,
    /// Ends an answer that repeats itself; by default when the same 20 tokens occur four times in a
    /// row. `None` disables it.
    pub loop_guard: Option<LoopGuard>,
    /// Bans tokens that would repeat an n-gram of this length of the prompt or the answer. `None`,
    /// the default, is what the family was released with: 20 for GOT-OCR2.0 at the first question
    /// about one whole image, else no ban. `Some(0)` disables it.
    pub no_repeat_ngram: Option<usize>,
    /// IoU, 0 to 1, above which two boxes of one label count as duplicates:
    /// [`Answer::detections`](super::Answer::detections) has the more confident one only
    /// ([`nms`](crate::detection::nms)). 0.5 by default; 1 keeps all.
    pub nms_iou: f32,
    /// Score threshold of [`Answer::detections`](super::Answer::detections), 0 to 1. By default
    /// [`MIN_SCORE`](crate::detection::MIN_SCORE) where the checkpoint is calibrated and scores are
    /// probabilities, else 0.
    pub min_score: Option<f32>,
    /// Cuts the image into a grid of this many tiles, the one that fits its shape best, and encodes
    /// them and the whole image (GOT-OCR2.0; its demo has 1 to 6). A range within 1 to 64. Small
    /// print becomes legible; the time grows with each tile. `None`, the default, encodes the whole
    /// image alone.
    pub tiles: Option<RangeInclusive<usize>>,
    /// Ends the answer from another thread; checked before an image is encoded and before every
    /// token.
    pub cancellation: CancellationToken,
}

impl Default for AnswerOptions {
    fn default() -> Self {
        Self {
            max_new_tokens: 1024,
            sampling: None,
            // A box takes up to 20 tokens, and none is worth repeating four times in a row.
            loop_guard: Some(LoopGuard {
                ngram: 20,
                max_repeats: 4,
            }),
            no_repeat_ngram: None,
            // Objects of one class seldom hide each other more than that.
            nms_iou: 0.5,
            min_score: None,
            tiles: None,
            cancellation: CancellationToken::new(),
        }
    }
}

impl AnswerOptions {
    /// Sets [`max_new_tokens`](Self::max_new_tokens).
    #[must_use]
    pub fn with_max_new_tokens(mut self, max_new_tokens: usize) -> Self {
        self.max_new_tokens = max_new_tokens;
        self
    }

    /// Sets [`sampling`](Self::sampling); `None` is greedy.
    #[must_use]
    pub fn with_sampling(mut self, sampling: impl Into<Option<Sampling>>) -> Self {
        self.sampling = sampling.into();
        self
    }

    /// Sets [`loop_guard`](Self::loop_guard); `None` disables it.
    #[must_use]
    pub fn with_loop_guard(mut self, loop_guard: impl Into<Option<LoopGuard>>) -> Self {
        self.loop_guard = loop_guard.into();
        self
    }

    /// Sets [`no_repeat_ngram`](Self::no_repeat_ngram); `None` is the default of the family.
    #[must_use]
    pub fn with_no_repeat_ngram(mut self, no_repeat_ngram: impl Into<Option<usize>>) -> Self {
        self.no_repeat_ngram = no_repeat_ngram.into();
        self
    }

    /// Sets [`nms_iou`](Self::nms_iou).
    #[must_use]
    pub fn with_nms_iou(mut self, nms_iou: f32) -> Self {
        self.nms_iou = nms_iou;
        self
    }

    /// Sets [`min_score`](Self::min_score); `None` is the default of the checkpoint.
    #[must_use]
    pub fn with_min_score(mut self, min_score: impl Into<Option<f32>>) -> Self {
        self.min_score = min_score.into();
        self
    }

    /// Sets [`tiles`](Self::tiles); `None` encodes the whole image alone.
    #[must_use]
    pub fn with_tiles(mut self, tiles: impl Into<Option<RangeInclusive<usize>>>) -> Self {
        self.tiles = tiles.into();
        self
    }

    /// Sets [`cancellation`](Self::cancellation).
    #[must_use]
    pub fn with_cancellation(mut self, cancellation: CancellationToken) -> Self {
        self.cancellation = cancellation;
        self
    }

    /// The threshold that holds for the model of `inner`.
    pub(super) fn threshold(&self, inner: &Inner) -> f32 {
        self.min_score.unwrap_or(inner.inference.min_score())
    }

    /// Checks every range.
    pub(super) fn validate(&self, inner: &Inner) -> Result<()> {
        self.generate(0, false, 0, inner).validate()?;
        if let Some(counts) = &self.tiles {
            tile_grid((1, 1), 1, counts)?;
        }
        for (name, value) in [
            ("nms_iou", self.nms_iou),
            ("min_score", self.threshold(inner)),
        ] {
            if !(0.0..=1.0).contains(&value) {
                return Err(Error::Lm(vary_lm::Error::Option {
                    name,
                    value: value.to_string(),
                    expected: "0 to 1",
                }));
            }
        }
        Ok(())
    }

    /// Options of request number `index`, whose prompt leaves `room`; `alone` is a first question
    /// about one whole image. Requests of one answer draw different random numbers.
    pub(super) fn generate(
        &self,
        index: usize,
        alone: bool,
        room: usize,
        inner: &Inner,
    ) -> GenerateOptions {
        let default = inner.config.info().no_repeat_ngram.filter(|_| alone);
        let reseed = |mut sampling: Sampling| {
            sampling.seed = sampling.seed.wrapping_add(index as u64);
            sampling
        };
        GenerateOptions {
            max_new_tokens: self.max_new_tokens.min(room),
            sampling: self.sampling.map(reseed),
            stop_tokens: inner.stop_tokens.clone(),
            loop_guard: self.loop_guard,
            no_repeat_ngram: self.no_repeat_ngram.or(default).filter(|&n| n > 0),
        }
    }
}

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::{Error, Result};

/// How tokens are chosen and when generation ends. The default is greedy with 1024 new tokens.
#[derive(Debug, Clone, PartialEq)]
pub struct GenerateOptions {
    /// Maximum number of new tokens, without the stop token; 1024 by default.
    pub max_new_tokens: usize,
    /// Draws tokens at random. `None`, the default, always takes the most likely token.
    pub sampling: Option<Sampling>,
    /// Ids that end generation, such as the id of `</s>`; none by default.
    pub stop_tokens: Vec<u32>,
    /// Ends generation that repeats itself. Off by default.
    pub loop_guard: Option<LoopGuard>,
    /// Bans tokens that would repeat an n-gram of this length of the prompt or the new tokens
    /// (`no_repeat_ngram_size` of transformers). Off by default.
    pub no_repeat_ngram: Option<usize>,
}

impl Default for GenerateOptions {
    fn default() -> Self {
        Self {
            max_new_tokens: 1024,
            sampling: None,
            stop_tokens: vec![],
            loop_guard: None,
            no_repeat_ngram: None,
        }
    }
}

impl GenerateOptions {
    /// Checks every range.
    ///
    /// # Errors
    /// [`Error::Option`] names the first option that is out of range.
    pub fn validate(&self) -> Result<()> {
        if let Some(Sampling {
            temperature,
            top_p,
            top_k,
            ..
        }) = self.sampling
        {
            if !(temperature.is_finite() && temperature > 0.0) {
                return Err(Error::option(
                    "temperature",
                    temperature,
                    "a finite number above 0 (leave `sampling` out for greedy decoding)",
                ));
            }
            if !(top_p > 0.0 && top_p <= 1.0) {
                return Err(Error::option("top_p", top_p, "above 0 and at most 1"));
            }
            if top_k == Some(0) {
                return Err(Error::option(
                    "top_k",
                    0,
                    "at least 1, or `None` for all tokens",
                ));
            }
        }
        if self.no_repeat_ngram == Some(0) {
            return Err(Error::option("no_repeat_ngram", 0, "at least 1, or `None`"));
        }
        if let Some(LoopGuard { ngram, max_repeats }) = self.loop_guard {
            if ngram == 0 {
                return Err(Error::option("loop_guard.ngram", ngram, "at least 1"));
            }
            if max_repeats < 2 {
                return Err(Error::option(
                    "loop_guard.max_repeats",
                    max_repeats,
                    "at least 2",
                ));
            }
        }
        Ok(())
    }
}

/// Random choice of tokens, reproducible from `seed` on every machine. The default draws from the
/// model's own distribution with seed 0.
///
/// The distribution is sharpened by `temperature`, then cut to the `top_k` likeliest tokens, then
/// to the smallest set of likeliest tokens that holds at least `top_p` of the mass that is left.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Sampling {
    /// Divides the logits; above 0, 1 by default. Small values come close to greedy decoding.
    pub temperature: f32,
    /// Mass of the nucleus, in `(0, 1]`; 1, the default, keeps everything.
    pub top_p: f32,
    /// Maximum number of tokens kept; `None`, the default, keeps all.
    pub top_k: Option<usize>,
    /// Seed of the random generator; 0 by default.
    pub seed: u64,
}

impl Default for Sampling {
    fn default() -> Self {
        Self {
            temperature: 1.0,
            top_p: 1.0,
            top_k: None,
            seed: 0,
        }
    }
}

/// Detects text that repeats without end.
///
/// Generation ends when the last `ngram * max_repeats` tokens are one pattern of at most `ngram`
/// tokens over and over: an n-gram seen `max_repeats` times in a row, or a shorter pattern for as
/// long. What was generated is kept, repetitions included: the caller decides what to do with it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LoopGuard {
    /// Length in tokens of the longest pattern looked for.
    pub ngram: usize,
    /// How often a pattern of that length may occur in a row; at least 2.
    pub max_repeats: usize,
}

impl Default for LoopGuard {
    /// The same 32 tokens four times in a row: longer than any leader of dots on a page.
    fn default() -> Self {
        Self {
            ngram: 32,
            max_repeats: 4,
        }
    }
}

impl LoopGuard {
    /// Whether `tokens` end in a loop.
    pub(super) fn trips(&self, tokens: &[u32]) -> bool {
        let span = self.ngram.saturating_mul(self.max_repeats);
        let Some(start) = tokens.len().checked_sub(span) else {
            return false;
        };
        let tail = &tokens[start..];
        (1..=self.ngram).any(|period| tail[period..] == tail[..span - period])
    }
}

/// Why generation ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum FinishReason {
    /// The model produced a stop token.
    Stop,
    /// `max_new_tokens` were generated.
    Length,
    /// The [`LoopGuard`] found a repetition.
    Loop,
    /// The [`CancellationToken`] was cancelled.
    Cancelled,
}

/// Ends a running generation from another thread or a callback. Clones share their state.
///
/// ```
/// use vary_lm::generate::CancellationToken;
///
/// let token = CancellationToken::new();
/// let other = token.clone(); // for another thread
/// other.cancel();
/// assert!(token.is_cancelled());
/// ```
#[derive(Debug, Clone, Default)]
pub struct CancellationToken(Arc<AtomicBool>);

impl CancellationToken {
    /// A token that is not cancelled.
    pub fn new() -> Self {
        Self::default()
    }

    /// Ends the generation before its next step. This cannot be undone.
    pub fn cancel(&self) {
        self.0.store(true, Ordering::Release);
    }

    /// Whether [`cancel`](Self::cancel) was called on this token or a clone.
    pub fn is_cancelled(&self) -> bool {
        self.0.load(Ordering::Acquire)
    }
}

//! The decode loop: logits in, tokens out. It has no tensors: the caller passes the logits of the
//! prompt and a step that feeds one token to the model and returns the next logits.

mod options;
mod sampler;
mod sequence;

pub use options::{CancellationToken, FinishReason, GenerateOptions, LoopGuard, Sampling};
pub use sequence::Sequence;

use crate::Result;

/// A token the model produced.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct GeneratedToken {
    /// Id in the vocabulary.
    pub id: u32,
    /// Natural logarithm of its probability under the model's own distribution, before
    /// temperature, top-k and top-p.
    pub logprob: f32,
}

/// The result of a generation.
#[derive(Debug, Clone, PartialEq)]
pub struct Generation {
    /// The tokens, without the stop token.
    pub tokens: Vec<GeneratedToken>,
    /// Why it ended.
    pub finish: FinishReason,
    /// The stop token, when it ended with one.
    pub stop_token: Option<GeneratedToken>,
}

/// An iterator over new tokens.
///
/// The step is called only when one more token is wanted, so no step is ever wasted. After the
/// last token or an error the iterator stays empty.
///
/// ```
/// use vary_lm::generate::{FinishReason, GenerateOptions, Generator};
///
/// // A model of four tokens that counts upwards.
/// let logits = |id: u32| (0..4).map(|i| if i == id { 1.0 } else { 0.0 }).collect::<Vec<f32>>();
/// let options = GenerateOptions { stop_tokens: vec![3], ..Default::default() };
/// let mut generator = Generator::new(logits(0), options, |last| Ok(logits(last + 1)))?;
/// let ids: Vec<u32> = generator.by_ref().map(|t| Ok(t?.id)).collect::<vary_lm::Result<_>>()?;
/// assert_eq!(ids, [0, 1, 2]);
/// assert_eq!(generator.finish_reason(), Some(FinishReason::Stop));
/// # Ok::<(), vary_lm::Error>(())
/// ```
#[derive(Debug)]
pub struct Generator<S> {
    sequence: Sequence,
    cancellation: CancellationToken,
    cancelled: bool,
    step: S,
    logits: Vec<f32>,
    failed: bool,
}

impl<S: FnMut(u32) -> Result<Vec<f32>>> Generator<S> {
    /// Starts from `first_logits` `[vocab]`, the ones after the last token of the prompt.
    /// `step(id)` feeds the token `id` to the model and returns the logits `[vocab]` after it.
    ///
    /// # Errors
    /// [`Error::Option`](crate::Error::Option) when an option is out of range.
    pub fn new(first_logits: Vec<f32>, options: GenerateOptions, step: S) -> Result<Self> {
        Ok(Self {
            sequence: Sequence::new(options)?,
            cancellation: CancellationToken::new(),
            cancelled: false,
            step,
            logits: first_logits,
            failed: false,
        })
    }

    /// Begins after the ids of a prompt; see [`Sequence::after`].
    #[must_use]
    pub fn after(mut self, prompt: &[u32]) -> Self {
        self.sequence = self.sequence.after(prompt);
        self
    }

    /// Sets a token that ends the generation; it is checked before every step.
    #[must_use]
    pub fn with_cancellation(mut self, token: CancellationToken) -> Self {
        self.cancellation = token;
        self
    }

    /// Why the generation ended; `None` while it runs and after an error.
    pub fn finish_reason(&self) -> Option<FinishReason> {
        match self.cancelled {
            true => Some(FinishReason::Cancelled),
            false => self.sequence.finish_reason(),
        }
    }

    /// The token that ended the generation; the iterator does not return it.
    pub fn stop_token(&self) -> Option<GeneratedToken> {
        self.sequence.stop_token()
    }

    /// The logits `[vocab]` that the last token was chosen from; before the first token, those of
    /// the prompt.
    pub fn logits(&self) -> &[f32] {
        &self.logits
    }

    /// Generates to the end.
    ///
    /// # Errors
    /// The first error of a step, or [`Error::Logits`](crate::Error::Logits). Use the iterator to
    /// keep what came before.
    pub fn run(mut self) -> Result<Generation> {
        let tokens = self.by_ref().collect::<Result<Vec<_>>>()?;
        // An iterator that ends without an error has set its reason.
        let finish = self.finish_reason().unwrap_or(FinishReason::Cancelled);
        Ok(Generation {
            tokens,
            finish,
            stop_token: self.stop_token(),
        })
    }

    fn advance(&mut self) -> Result<Option<GeneratedToken>> {
        if self.cancellation.is_cancelled() {
            self.cancelled = true;
            return Ok(None);
        }
        if let Some(&last) = self.sequence.ids().last() {
            self.logits = (self.step)(last)?;
        }
        self.sequence.choose(&self.logits)
    }
}

impl<S: FnMut(u32) -> Result<Vec<f32>>> Iterator for Generator<S> {
    type Item = Result<GeneratedToken>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.failed || self.finish_reason().is_some() {
            return None;
        }
        let token = self.advance().transpose();
        self.failed = matches!(token, Some(Err(_)));
        token
    }
}

impl<S: FnMut(u32) -> Result<Vec<f32>>> std::iter::FusedIterator for Generator<S> {}

#[cfg(test)]
mod tests;

use super::sampler::Sampler;
use super::{FinishReason, GenerateOptions, GeneratedToken};
use crate::Result;

/// A sequence of new tokens, each chosen from the logits that it is given.
/// [`Generator`](super::Generator) runs one; a batch has one for each of its sequences.
#[derive(Debug)]
pub struct Sequence {
    options: GenerateOptions,
    sampler: Sampler,
    ids: Vec<u32>,
    stop_token: Option<GeneratedToken>,
    finish: Option<FinishReason>,
}

impl Sequence {
    /// An empty sequence.
    ///
    /// # Errors
    /// [`Error::Option`](crate::Error::Option) when an option is out of range.
    pub fn new(options: GenerateOptions) -> Result<Self> {
        options.validate()?;
        Ok(Self {
            sampler: Sampler::new(options.sampling),
            ids: vec![],
            stop_token: None,
            finish: (options.max_new_tokens == 0).then_some(FinishReason::Length),
            options,
        })
    }

    /// Chooses the next token from `logits` `[vocab]`; `None` once the sequence has ended.
    ///
    /// # Errors
    /// [`Error::Logits`](crate::Error::Logits) when there is nothing to choose from.
    pub fn choose(&mut self, logits: &[f32]) -> Result<Option<GeneratedToken>> {
        if self.finish.is_some() {
            return Ok(None);
        }
        let token = self.sampler.pick(logits, self.ids.len())?;
        if self.options.stop_tokens.contains(&token.id) {
            self.stop_token = Some(token);
            self.finish = Some(FinishReason::Stop);
            return Ok(None);
        }
        self.ids.push(token.id);
        if self
            .options
            .loop_guard
            .is_some_and(|guard| guard.trips(&self.ids))
        {
            self.finish = Some(FinishReason::Loop);
        } else if self.ids.len() >= self.options.max_new_tokens {
            self.finish = Some(FinishReason::Length);
        }
        Ok(Some(token))
    }

    /// The tokens chosen so far, without the stop token.
    pub fn ids(&self) -> &[u32] {
        &self.ids
    }

    /// Why the sequence ended; `None` while it grows.
    pub fn finish_reason(&self) -> Option<FinishReason> {
        self.finish
    }

    /// The token that ended the sequence, if one did.
    pub fn stop_token(&self) -> Option<GeneratedToken> {
        self.stop_token
    }
}

use super::sampler::Sampler;
use super::{FinishReason, GenerateOptions, GeneratedToken};
use crate::Result;

/// A sequence of new tokens, each chosen from the logits that it is given.
/// [`Generator`](super::Generator) runs one; a batch has one for each of its sequences.
#[derive(Debug)]
pub struct Sequence {
    options: GenerateOptions,
    sampler: Sampler,
    /// The prompt, where repetitions are banned, and the new tokens.
    all: Vec<u32>,
    prompt_len: usize,
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
            all: vec![],
            prompt_len: 0,
            stop_token: None,
            finish: (options.max_new_tokens == 0).then_some(FinishReason::Length),
            options,
        })
    }

    /// Begins after the ids of a prompt, whose runs of tokens
    /// [`no_repeat_ngram`](GenerateOptions::no_repeat_ngram) bans too.
    #[must_use]
    pub fn after(mut self, prompt: &[u32]) -> Self {
        if self.options.no_repeat_ngram.is_some() && self.all.is_empty() {
            self.all = prompt.to_vec();
            self.prompt_len = prompt.len();
        }
        self
    }

    /// Tokens that would complete a run that occurred before.
    fn banned(&self) -> Vec<u32> {
        let Some(before) = self.options.no_repeat_ngram.map(|n| n - 1) else {
            return vec![];
        };
        let Some(start) = self.all.len().checked_sub(before) else {
            return vec![];
        };
        let last = &self.all[start..];
        let runs = self.all.windows(before + 1);
        runs.filter(|run| run[..before] == *last)
            .map(|run| run[before])
            .collect()
    }

    /// Chooses the next token from `logits` `[vocab]`; `None` once the sequence has ended.
    ///
    /// # Errors
    /// [`Error::Logits`](crate::Error::Logits) when there is nothing to choose from.
    pub fn choose(&mut self, logits: &[f32]) -> Result<Option<GeneratedToken>> {
        if self.finish.is_some() {
            return Ok(None);
        }
        let banned = self.banned();
        let token = self.sampler.pick(logits, &banned, self.ids().len())?;
        if self.options.stop_tokens.contains(&token.id) {
            self.stop_token = Some(token);
            self.finish = Some(FinishReason::Stop);
            return Ok(None);
        }
        self.all.push(token.id);
        if self
            .options
            .loop_guard
            .is_some_and(|guard| guard.trips(self.ids()))
        {
            self.finish = Some(FinishReason::Loop);
        } else if self.ids().len() >= self.options.max_new_tokens {
            self.finish = Some(FinishReason::Length);
        }
        Ok(Some(token))
    }

    /// The tokens chosen so far, without the stop token.
    pub fn ids(&self) -> &[u32] {
        &self.all[self.prompt_len..]
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

use vary_lm::generate::{GenerateOptions, GeneratedToken, Sequence};

use super::Inner;
use super::joint::joint;
use super::score::log_confidence;
use super::session::Session;
use crate::Result;

/// Answers that are read next to each other, a token of all of them at a time.
#[derive(Debug)]
pub(super) struct Apart {
    sequences: Vec<Sequence>,
    /// After the last token, of each row of the session: each answer has as many of them, one after the other.
    logits: Vec<Vec<f32>>,
    started: bool,
}

impl Apart {
    /// `count` answers to the prompt that the session has read, with the logits after it in each row. Those by lot have seeds of
    /// their own.
    pub fn new(logits: Vec<Vec<f32>>, count: usize, options: &GenerateOptions) -> Result<Self> {
        let sequence = |number| {
            let mut options = options.clone();
            if let Some(sampling) = &mut options.sampling {
                sampling.seed = sampling.seed.wrapping_add(number);
            }
            Ok(Sequence::new(options)?)
        };
        Ok(Self {
            sequences: (0..count as u64).map(sequence).collect::<Result<_>>()?,
            logits,
            started: false,
        })
    }

    /// The answers as far as they went.
    pub fn sequences(&self) -> &[Sequence] {
        &self.sequences
    }

    /// Whether all answers have come to their end.
    pub fn ended(&self) -> bool {
        let mut sequences = self.sequences.iter();
        sequences.all(|sequence| sequence.finish_reason().is_some())
    }

    /// The next token of each answer and how sure the model was of it ([`log_confidence`]); `None` for those that have ended.
    pub fn advance(
        &mut self,
        inner: &Inner,
        session: &mut Session,
    ) -> Result<Vec<Option<(GeneratedToken, f32)>>> {
        let rows = self.logits.len() / self.sequences.len().max(1);
        if self.started {
            // An answer that has ended is fed its last token on; nobody looks at what follows.
            let last = |sequence: &Sequence| sequence.ids().last().copied().unwrap_or_default();
            let ids = self.sequences.iter().map(last);
            let ids: Vec<u32> = ids.flat_map(|id| vec![id; rows]).collect();
            self.logits = session.step_apart(inner, &ids);
        }
        self.started = true;
        let coordinates = inner.coordinates.as_ref();
        let answers = self
            .sequences
            .iter_mut()
            .zip(self.logits.chunks(rows.max(1)));
        let tokens = answers.map(|(sequence, rows)| {
            if sequence.finish_reason().is_some() {
                return Ok(None);
            }
            let logits = joint(rows.to_vec(), coordinates);
            let token = sequence.choose(&logits)?;
            Ok(token.map(|token| (token, log_confidence(coordinates, &logits, token))))
        });
        tokens.collect()
    }
}

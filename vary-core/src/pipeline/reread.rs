use burn::prelude::*;
use vary_lm::generate::{CancellationToken, GenerateOptions, Sampling, Sequence};

use super::Inner;
use super::score::log_confidence;
use super::session::{SharedSession, lock};
use super::transcript::Transcript;
use crate::Result;
use crate::detection::{Detection, nms};

/// How far further readings leave the likeliest answer, where the caller does not say it.
const TEMPERATURE: f32 = 0.4;

/// What it takes to answer a prompt again.
pub(super) struct Rereading {
    pub session: SharedSession,
    /// Logits after the prompt.
    pub first: Vec<f32>,
    /// How the first answer is generated.
    pub options: GenerateOptions,
    /// Other answers that are wanted.
    pub times: usize,
    pub nms_iou: f32,
    pub cancellation: CancellationToken,
}

impl Rereading {
    /// The boxes of other answers to the prompt, with raw scores; `None` if it was cancelled.
    ///
    /// A token of all of them is read at a time.
    pub fn read(&self, inner: &Inner, size: (u32, u32)) -> Result<Option<Vec<Vec<Detection>>>> {
        let lm = inner.model.language_model();
        let mut answers = (0..self.times as u64)
            .map(|number| self.answer(number))
            .map(|options| {
                Ok((
                    Sequence::new(options)?,
                    Transcript::new(&inner.tokenizer, size, None),
                ))
            })
            .collect::<Result<Vec<_>>>()?;
        let mut cache = lock(&self.session).fork(self.times, self.options.max_new_tokens);
        let mut logits = vec![self.first.clone(); self.times];
        loop {
            if self.cancellation.is_cancelled() {
                return Ok(None);
            }
            for ((sequence, transcript), logits) in answers.iter_mut().zip(&logits) {
                if let Some(token) = sequence.choose(logits)? {
                    let confidence = log_confidence(inner.coordinates.as_ref(), logits, token);
                    transcript.push(token.id, confidence)?;
                }
            }
            if answers
                .iter()
                .all(|(sequence, _)| sequence.finish_reason().is_some())
            {
                break;
            }
            // An answer that has ended is fed its last token on; nobody looks at what follows.
            let last = |sequence: &Sequence| sequence.ids().last().map_or(0, |&id| id as i32);
            let ids: Vec<i32> = answers.iter().map(|(sequence, _)| last(sequence)).collect();
            let ids = TensorData::new(ids, [self.times, 1]);
            let embeds = lm.embed(Tensor::from_data(ids, &lm.device()));
            let new = lm.logits(lm.forward(embeds, None, Some(&mut cache)));
            logits = new
                .iter_dim(0)
                .map(|row| inner.text_logits(row.flatten(0, 2)))
                .collect();
        }
        let boxes = answers.into_iter().map(|(_, mut transcript)| {
            transcript.flush()?;
            Ok(nms(transcript.detections, self.nms_iou))
        });
        boxes.collect::<Result<_>>().map(Some)
    }

    /// How the answer `number` is generated: at random, from a seed of its own.
    fn answer(&self, number: u64) -> GenerateOptions {
        let mut sampling = self.options.sampling.unwrap_or(Sampling {
            temperature: TEMPERATURE,
            ..Sampling::default()
        });
        sampling.seed = sampling.seed.wrapping_add(number + 1);
        GenerateOptions {
            sampling: Some(sampling),
            ..self.options.clone()
        }
    }
}

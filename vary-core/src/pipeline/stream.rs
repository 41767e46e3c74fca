use std::collections::VecDeque;
use std::time::Instant;

use burn::prelude::*;
use vary_lm::generate::{FinishReason, GenerateOptions, Generator};

use super::score::log_confidence;
use super::transcript::Transcript;
use super::{Answer, AsImage, DetectOptions, Event, Inner, Pipeline, Times, Usage};
use crate::detection::parse_answer;
use crate::prompt::prompt_ids;
use crate::{Error, Result};

/// Feeds a token, returns the logits after it.
type Step = Box<dyn FnMut(u32) -> vary_lm::Result<Vec<f32>> + Send>;

/// An answer as the model gives it: an iterator over [`Event`]s that ends with [`Event::Done`] or
/// an error. Nothing is computed before it is asked for.
pub struct AnswerStream {
    pipeline: Pipeline,
    generator: Generator<Step>,
    transcript: Transcript,
    usage: Usage,
    times: Times,
    events: VecDeque<Event>,
    ended: bool,
}

impl std::fmt::Debug for AnswerStream {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("AnswerStream")
            .field("text", &self.transcript.text)
            .field("usage", &self.usage)
            .finish_non_exhaustive()
    }
}

impl AnswerStream {
    /// Encodes the picture and reads the prompt.
    pub(super) fn start(
        pipeline: &Pipeline,
        image: &impl AsImage,
        question: &str,
        options: &DetectOptions,
    ) -> Result<Self> {
        let inner = &pipeline.inner;
        let ids = prompt_ids(&inner.tokenizer, &inner.config, question)?;
        let max = inner.model.decoder.max_positions();
        if ids.len() >= max {
            let needed = ids.len() + 1;
            return Err(Error::ContextLength { needed, max });
        }
        let generate = GenerateOptions {
            max_new_tokens: options.max_new_tokens.min(max - ids.len()),
            sampling: options.sampling,
            stop_tokens: vec![inner.config.opt.eos_token_id],
            loop_guard: options.loop_guard,
        };
        // Before the work, not after it.
        generate.validate()?;

        let start = Instant::now();
        let image = image.encoded(pipeline)?;
        let mut times = Times {
            encode: start.elapsed(),
            ..Times::default()
        };
        let usage = Usage {
            image_tokens: inner.config.image_token_len,
            prompt_tokens: ids.len(),
            new_tokens: 0,
        };

        let start = Instant::now();
        let capacity = ids.len() + generate.max_new_tokens;
        let mut cache = inner.model.decoder.cache(1, capacity);
        let embeds = inner.model.embed(&[ids], Some(image.tokens))?;
        let first = inner.text_logits(inner.model.next_logits(embeds, &mut cache));
        times.prefill = start.elapsed();

        let owner = pipeline.clone();
        let step: Step = Box::new(move |id| {
            let Inner { model, device, .. } = &*owner.inner;
            // Not through the splice: a model may well say `<img>`, which is no picture then.
            let id = Tensor::from_data(TensorData::new(vec![id as i32], [1, 1]), device);
            let embeds = model.decoder.embed(id);
            Ok(owner
                .inner
                .text_logits(model.next_logits(embeds, &mut cache)))
        });
        Ok(Self {
            generator: Generator::new(first, generate, step)?
                .with_cancellation(options.cancellation.clone()),
            transcript: Transcript::new(&inner.tokenizer, image.transform),
            pipeline: pipeline.clone(),
            usage,
            times,
            events: VecDeque::new(),
            ended: false,
        })
    }

    /// The rest of the answer at once.
    ///
    /// # Errors
    /// The first error of the stream.
    pub fn finish(mut self) -> Result<Answer> {
        while self.advance()? {}
        Ok(self.answer())
    }

    /// Takes one more token; `false` at the end.
    fn advance(&mut self) -> Result<bool> {
        let start = Instant::now();
        let token = self.generator.next().transpose()?;
        self.times.decode += start.elapsed();
        let events = match token {
            Some(token) => {
                let coordinates = self.pipeline.inner.coordinates.as_ref();
                let confidence = log_confidence(coordinates, self.generator.logits(), token);
                self.transcript.push(token.id, confidence)?
            }
            None => self.transcript.flush()?,
        };
        self.events.extend(events);
        Ok(token.is_some())
    }

    /// What there is; all of it once [`advance`](Self::advance) has returned `false`.
    fn answer(&self) -> Answer {
        let text = self.transcript.text.clone();
        let mut detections = self.transcript.detections.clone();
        detections.sort_by(|a, b| b.score.total_cmp(&a.score));
        Answer {
            unparsed: parse_answer(&text).unparsed,
            text,
            detections,
            finish: self
                .generator
                .finish_reason()
                .unwrap_or(FinishReason::Cancelled),
            usage: Usage {
                new_tokens: self.transcript.len(),
                ..self.usage
            },
            times: self.times,
        }
    }
}

impl Iterator for AnswerStream {
    type Item = Result<Event>;

    fn next(&mut self) -> Option<Self::Item> {
        while self.events.is_empty() && !self.ended {
            match self.advance() {
                Ok(true) => {}
                Ok(false) => {
                    self.ended = true;
                    self.events.push_back(Event::Done(self.answer()));
                }
                Err(error) => {
                    self.ended = true;
                    return Some(Err(error));
                }
            }
        }
        self.events.pop_front().map(Ok)
    }
}

impl std::iter::FusedIterator for AnswerStream {}

impl Inner {
    /// Logits of the tokens that the tokenizer has; tables may have rows beyond.
    fn text_logits(&self, logits: Tensor<1>) -> Vec<f32> {
        let data = logits.into_data();
        data.iter::<f32>()
            .take(self.tokenizer.vocab_size())
            .collect()
    }
}

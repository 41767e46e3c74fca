use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Instant;

use burn::prelude::*;
use image::RgbImage;
use vary_lm::generate::{FinishReason, GenerateOptions, Generator};
use vary_vision::preprocess::{Band, bands};

use super::bands::Bands;
use super::frame::{Frame, picture_size};
use super::joint::joint;
use super::reread::Rereading;
use super::score::log_confidence;
use super::session::{SharedSession, lock};
use super::transcript::{Transcript, mapped};
use super::{Answer, AnswerOptions, AsImages, Event, Inner, Pipeline, Times, Usage};
use crate::detection::{Detection, fuse, nms, parse_answer};
use crate::prompt::{Task, prompt_ids};
use crate::{Error, Result};

/// Feeds a token, returns the logits after it.
type Step = Box<dyn FnMut(u32) -> vary_lm::Result<Vec<f32>> + Send>;

/// Where the tokens of an answer come from.
enum Source {
    /// From a prompt about whole pictures.
    Whole(Box<Generator<Step>>),
    /// From one about each band of a page.
    Bands(Box<Bands>),
}

impl Source {
    /// The next token and the natural logarithm of how sure the model was of it; `None` at the end.
    fn next(&mut self, inner: &Inner, times: &mut Times) -> Result<Option<(u32, f32)>> {
        match self {
            Self::Whole(generator) => {
                let start = Instant::now();
                let token = generator.next().transpose()?;
                times.decode += start.elapsed();
                Ok(token.map(|token| {
                    let coordinates = inner.coordinates.as_ref();
                    let sure = log_confidence(coordinates, generator.logits(), token);
                    (token.id, sure)
                }))
            }
            Self::Bands(bands) => bands.next(times),
        }
    }

    /// How often the prompt was read.
    fn prompts(&self) -> usize {
        match self {
            Self::Whole(_) => 1,
            Self::Bands(bands) => bands.prompts(),
        }
    }

    fn finish_reason(&self) -> Option<FinishReason> {
        match self {
            Self::Whole(generator) => generator.finish_reason(),
            Self::Bands(bands) => bands.finish_reason(),
        }
    }
}

/// An answer as the model gives it: an iterator over [`Event`]s that ends with [`Event::Done`] or
/// an error. Nothing is computed before it is asked for.
pub struct AnswerStream {
    pipeline: Pipeline,
    source: Source,
    transcript: Transcript,
    /// Of one prompt.
    usage: Usage,
    times: Times,
    /// Each reading of an answer with boxes on its own, where there are several and it is not yet done.
    rereading: Option<Rereading>,
    /// Boxes of each, with raw scores.
    reread: Vec<Vec<Detection>>,
    cancelled: bool,
    nms_iou: f32,
    min_score: f32,
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
    /// Encodes the pictures and reads the prompt of the `turns`, questions and their answers, of which the last is still to come. Of
    /// a page that is read in bands nothing is done yet but to find them.
    pub(super) fn start(
        pipeline: &Pipeline,
        images: &(impl AsImages + ?Sized),
        turns: &[(&str, Option<&str>)],
        session: SharedSession,
        options: &AnswerOptions,
    ) -> Result<Self> {
        let inner = &pipeline.inner;
        if images.count() == 0 {
            return Err(Error::NoPictures);
        }
        let mut times = Times::default();
        let start = Instant::now();
        let in_bands = pipeline.bands(images, turns)?;
        if in_bands.is_some() {
            times.encode = start.elapsed();
        }
        // What was said before does not matter to a band.
        let turns = match in_bands {
            Some(_) => &turns[turns.len() - 1..],
            None => turns,
        };
        let ids = prompt_ids(&inner.tokenizer, &inner.config, images.count(), turns)?;
        let max = pipeline.max_positions();
        if ids.len() >= max {
            let needed = ids.len() + 1;
            return Err(Error::ContextLength { needed, max });
        }
        let generate = GenerateOptions {
            max_new_tokens: options.max_new_tokens.min(max - ids.len()),
            sampling: options.sampling,
            stop_tokens: inner.stop_tokens.clone(),
            loop_guard: options.loop_guard,
        };
        // Before the work, not after it.
        generate.validate()?;
        let min_score = options.min_score.unwrap_or(inner.config.min_score());
        for (name, value) in [("nms_iou", options.nms_iou), ("min_score", min_score)] {
            if !(0.0..=1.0).contains(&value) {
                return Err(Error::Lm(vary_lm::Error::Option {
                    name,
                    value: value.to_string(),
                    expected: "0 to 1",
                }));
            }
        }
        let usage = Usage {
            image_tokens: inner.config.image_place().len * images.count(),
            prompt_tokens: ids.len(),
            new_tokens: 0,
        };
        let stream = |source, size, rereading, times| Self {
            source,
            transcript: Transcript::new(&inner.tokenizer, size, inner.config.score_map().cloned()),
            pipeline: pipeline.clone(),
            usage,
            times,
            rereading,
            reread: vec![],
            cancelled: false,
            nms_iou: options.nms_iou,
            min_score,
            events: VecDeque::new(),
            ended: false,
        };
        if let Some(page) = in_bands {
            let size = page.0.dimensions();
            let markdown = turns.iter().any(|turn| asks(turn.0, Task::Markdown));
            let bands = Bands::new(pipeline, page, markdown, ids, generate, options);
            return Ok(stream(Source::Bands(Box::new(bands)), size, None, times));
        }
        let cancelled = || options.cancellation.is_cancelled();
        let mut frames: Arc<[Frame]> = [].into();
        // Without logits nothing is generated: the generator, too, finds that it is cancelled.
        let mut first = vec![];
        if !cancelled() {
            let start = Instant::now();
            let images = images.all_encoded(pipeline)?;
            times.encode += start.elapsed();
            if let Some(image) = images.first() {
                frames = image.frames.clone();
            }
            let tokens = images.into_iter().map(|image| image.tokens).collect();
            if !cancelled() {
                let start = Instant::now();
                let capacity = ids.len() + generate.max_new_tokens;
                // One row for each reading.
                let tokens = Tensor::stack(tokens, 1);
                first = lock(&session).read(inner, &ids, tokens, capacity)?;
                times.prefill = start.elapsed();
            }
        }
        let size = picture_size(&frames);
        let rereading = (first.len() > 1).then(|| Rereading {
            session: session.clone(),
            frames,
            first: first.clone(),
            options: generate.clone(),
            nms_iou: options.nms_iou,
            cancellation: options.cancellation.clone(),
        });
        let owner = pipeline.clone();
        let step: Step = Box::new(move |id| {
            let inner = &owner.inner;
            let logits = lock(&session).step(inner, id);
            Ok(joint(logits, inner.coordinates.as_ref()))
        });
        let first = joint(first, inner.coordinates.as_ref());
        let generator =
            Generator::new(first, generate, step)?.with_cancellation(options.cancellation.clone());
        let source = Source::Whole(Box::new(generator));
        Ok(stream(source, size, rereading, times))
    }

    /// The text so far.
    pub fn text(&self) -> &str {
        &self.transcript.text
    }

    /// The rest of the answer at once.
    ///
    /// # Errors
    /// The first error of the stream.
    pub fn finish(mut self) -> Result<Answer> {
        while self.advance()? {}
        self.answer()
    }

    /// Takes one more token; `false` at the end.
    fn advance(&mut self) -> Result<bool> {
        let token = self.source.next(&self.pipeline.inner, &mut self.times)?;
        let events = match token {
            Some((id, confidence)) => self.transcript.push(id, confidence)?,
            None => {
                let events = self.transcript.flush()?;
                self.read_again()?;
                events
            }
        };
        self.events.extend(events);
        Ok(token.is_some())
    }

    /// Reads an answer with boxes in each reading on its own.
    fn read_again(&mut self) -> Result<()> {
        let ended = self.source.finish_reason() != Some(FinishReason::Cancelled);
        let boxes = !self.transcript.detections.is_empty();
        if let Some(rereading) = self.rereading.take().filter(|_| ended && boxes) {
            let start = Instant::now();
            let read = rereading.read(&self.pipeline.inner)?;
            self.times.decode += start.elapsed();
            self.cancelled = read.is_none();
            self.reread = read.unwrap_or_default();
        }
        Ok(())
    }

    /// The objects, the surest first.
    fn detections(&self) -> Vec<Detection> {
        let found = match self.reread.is_empty() {
            true => nms(self.transcript.detections.clone(), self.nms_iou),
            false => fuse(self.reread.iter().cloned(), self.nms_iou),
        };
        // The map is monotone: the order stays.
        let map = self.pipeline.inner.config.score_map();
        let mut found: Vec<Detection> = found.into_iter().map(|one| mapped(map, one)).collect();
        found.retain(|one| one.reaches(self.min_score));
        found
    }

    /// What there is; all of it once [`advance`](Self::advance) has returned `false`.
    fn answer(&self) -> Result<Answer> {
        let text = self.transcript.text.clone();
        Ok(Answer {
            unparsed: parse_answer(&text).unparsed,
            text,
            tokens: self.transcript.token_scores()?,
            detections: self.detections(),
            finish: self
                .source
                .finish_reason()
                .filter(|_| !self.cancelled)
                .unwrap_or(FinishReason::Cancelled),
            usage: Usage {
                image_tokens: self.usage.image_tokens * self.source.prompts(),
                prompt_tokens: self.usage.prompt_tokens * self.source.prompts(),
                new_tokens: self.transcript.len(),
            },
            times: self.times,
        })
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
                    match self.answer() {
                        Ok(answer) => self.events.push_back(Event::Done(answer)),
                        Err(error) => return Some(Err(error)),
                    }
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

/// Whether a question is that of a task.
fn asks(question: &str, task: Task<'_>) -> bool {
    // The same for all families.
    question == task.to_string()
}

impl Pipeline {
    /// A page and its bands, where it is the only picture, all of its text is asked for, and the model reads pages so.
    fn bands(
        &self,
        images: &(impl AsImages + ?Sized),
        turns: &[(&str, Option<&str>)],
    ) -> Result<Option<(RgbImage, Vec<Band>)>> {
        let all_text = |question| asks(question, Task::Ocr) || asks(question, Task::Markdown);
        let asked = turns.last().is_some_and(|turn| all_text(turn.0));
        let (Some(lines), true) = (self.config().band_lines(), asked) else {
            return Ok(None);
        };
        let found = images.only_picture(self)?.map(|picture| {
            let bands = bands(&picture, lines.get());
            (!bands.is_empty()).then(|| (picture.into_owned(), bands))
        });
        Ok(found.flatten())
    }
}

impl Inner {
    /// Logits `[batch, vocab]` as rows, of the tokens that the tokenizer has; tables may have more.
    pub(super) fn text_logits(&self, logits: Tensor<2>) -> Vec<Vec<f32>> {
        let [batch, vocab] = logits.dims();
        let known = self.tokenizer.vocab_size().min(vocab);
        let data = logits.slice([0..batch, 0..known]).into_data();
        let mut values = data.iter::<f32>();
        (0..batch)
            .map(|_| values.by_ref().take(known).collect())
            .collect()
    }
}

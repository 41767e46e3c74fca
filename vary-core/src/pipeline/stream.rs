use std::collections::VecDeque;
use std::sync::Arc;

use super::decode::{Decoder, Job, Session};
use super::input::Input;
use super::merge::Merger;
use super::plan::Plan;
use super::{Answer, AnswerOptions, AsImages, Event, Inner, Pipeline, Turn};
use crate::prompt::Task;
use crate::{Error, Result};

/// An answer as it is decoded: an iterator over [`Event`]s that ends with [`Event::Done`] or an
/// error. It is lazy: each token is decoded by the call of `next` that returns it.
///
/// A stream may be dropped at any time, which ends the answer.
pub struct AnswerStream {
    decoder: Decoder<'static>,
    /// `None` after the end.
    merger: Option<Merger>,
    events: VecDeque<Event>,
    session: Session,
}

impl std::fmt::Debug for AnswerStream {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("AnswerStream")
            .field("text", &self.text())
            .finish_non_exhaustive()
    }
}

impl Pipeline {
    /// Like [`answer`](Self::answer), but yields tokens and boxes as they are decoded: a box with
    /// its last token. Images are encoded before this returns. The text of a recognizer comes in a
    /// single [`Event::Token`].
    ///
    #[cfg_attr(feature = "nano", doc = "```")]
    #[cfg_attr(not(feature = "nano"), doc = "```ignore")]
    /// use vary_core::prelude::*;
    ///
    /// # fn main() -> vary_core::Result<()> {
    /// # let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../examples/assets/scene.png");
    /// let vary = Pipeline::builder().build()?;
    /// let image = open(path, &DecodeOptions::default())?;
    /// let mut boxes = 0;
    /// for event in vary.stream(&image, Task::DetectAll, &AnswerOptions::default())? {
    ///     match event? {
    ///         Event::Token { text } => print!("{text}"),
    ///         Event::Box(_) => boxes += 1,
    ///         Event::Done(answer) => println!("\n{} tokens", answer.usage.new_tokens),
    ///         _ => {}
    ///     }
    /// }
    /// assert!(boxes >= 7);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// As [`answer`](Self::answer).
    pub fn stream(
        &self,
        images: &(impl AsImages + ?Sized),
        task: Task<'_>,
        options: &AnswerOptions,
    ) -> Result<AnswerStream> {
        AnswerStream::start(
            self,
            images.inputs(),
            &[],
            task,
            options,
            Session::default(),
        )
    }
}

impl AnswerStream {
    pub(super) fn start(
        pipeline: &Pipeline,
        images: Vec<Input<'_>>,
        history: &[Turn],
        task: Task<'_>,
        options: &AnswerOptions,
        session: Session,
    ) -> Result<Self> {
        let inner = &pipeline.inner;
        options.validate(inner)?;
        if let Some(answer) = inner.read(&images, history, task, options)? {
            let text = Event::Token {
                text: answer.text.clone(),
            };
            return Ok(Self {
                decoder: Decoder::new(inner),
                merger: None,
                events: [text, Event::Done(answer)].into(),
                session: Session::default(),
            });
        }
        let plan = Plan::new(inner, &images, history, task, options.tiles.as_ref())?;
        let cancelled = options.cancellation.is_cancelled();
        // Tiles are cut when they are encoded.
        let later = cancelled || options.tiles.is_some();
        let keep = |image: Input<'_>| match later {
            false => Ok(Input::Encoded(Box::new(pipeline.encode_input(&image)?))),
            true => Ok(image.into_owned()),
        };
        let images: Vec<Input<'static>> = images.into_iter().map(keep).collect::<Result<_>>()?;
        let mut decoder = Decoder::new(inner);
        let merger = Merger::new(inner, &plan, options);
        for (part, job) in jobs(inner, plan, images.into(), options, session).enumerate() {
            decoder.push(part, job);
        }
        Ok(Self {
            decoder,
            merger: Some(merger),
            events: VecDeque::new(),
            session: Session::default(),
        })
    }

    /// The text so far; empty after the end.
    pub fn text(&self) -> &str {
        self.merger.as_ref().map_or("", Merger::text)
    }

    /// Decodes the rest of the answer and returns all of it.
    ///
    /// # Errors
    /// The first error of the stream; [`Error::StreamEnded`] after [`Event::Done`] or an error.
    pub fn finish(self) -> Result<Answer> {
        last(self)
    }

    /// Ends the answer here, with what was decoded of it.
    ///
    /// # Errors
    /// As [`finish`](Self::finish).
    pub fn stop(mut self) -> Result<Answer> {
        self.cancel();
        last(self)
    }

    /// Lets the next step be the last.
    pub(super) fn cancel(&mut self) {
        self.decoder.cancel();
    }

    /// What was read, after the end.
    pub(super) fn take_session(&mut self) -> Session {
        std::mem::take(&mut self.session)
    }

    /// One step of the decoder.
    fn advance(&mut self) -> Result<()> {
        let Some(merger) = &mut self.merger else {
            return Ok(());
        };
        for (part, progress) in self.decoder.step() {
            self.events.extend(merger.push(part, progress)?);
        }
        if self.decoder.is_idle()
            && let Some(merger) = self.merger.take()
        {
            let (answer, session) = merger.finish();
            self.session = session;
            self.events.push_back(Event::Done(answer));
        }
        Ok(())
    }
}

impl Iterator for AnswerStream {
    type Item = Result<Event>;

    fn next(&mut self) -> Option<Self::Item> {
        while self.events.is_empty() && self.merger.is_some() {
            if let Err(error) = self.advance() {
                self.merger = None;
                return Some(Err(error));
            }
        }
        self.events.pop_front().map(Ok)
    }
}

impl std::iter::FusedIterator for AnswerStream {}

/// The answer that a stream ends with.
pub(super) fn last(stream: impl Iterator<Item = Result<Event>>) -> Result<Answer> {
    for event in stream {
        if let Event::Done(answer) = event? {
            return Ok(answer);
        }
    }
    Err(Error::StreamEnded)
}

/// The requests of a plan as jobs of a decoder.
pub(super) fn jobs<'a>(
    inner: &Arc<Inner>,
    plan: Plan,
    images: Arc<[Input<'a>]>,
    options: &AnswerOptions,
    mut session: Session,
) -> impl Iterator<Item = Job<'a>> {
    plan.requests
        .into_iter()
        .enumerate()
        .map(move |(i, request)| {
            let room = inner.max_positions() - request.prompt.len();
            Job {
                images: images.clone(),
                options: options.generate(i, request.alone, room, inner),
                cancellation: options.cancellation.clone(),
                session: std::mem::take(&mut session),
                request,
            }
        })
}

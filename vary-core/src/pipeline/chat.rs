use std::fmt;

use super::decode::Session;
use super::input::Input;
use super::stream::last;
use super::{Answer, AnswerOptions, AnswerStream, AsImages, Event, Pipeline};
use crate::prompt::{Task, special_token};
use crate::{Error, Result};

/// A question of a [`Chat`] with its answer.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Turn {
    /// The question.
    pub question: String,
    /// The answer.
    pub answer: String,
}

impl Turn {
    /// A question with its answer.
    pub fn new(question: impl Into<String>, answer: impl Into<String>) -> Self {
        Self {
            question: question.into(),
            answer: answer.into(),
        }
    }
}

/// A conversation about images, made by [`Pipeline::chat`].
///
/// The history is part of every prompt. Its keys and values are cached, so that a turn reads little
/// more than its question.
pub struct Chat {
    pipeline: Pipeline,
    images: Vec<Input<'static>>,
    turns: Vec<Turn>,
    session: Session,
}

impl fmt::Debug for Chat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Chat")
            .field("images", &self.images)
            .field("turns", &self.turns)
            .finish_non_exhaustive()
    }
}

impl Pipeline {
    /// Starts a conversation about an image, or about several. The images are encoded here, once.
    ///
    #[cfg_attr(feature = "nano", doc = "```")]
    #[cfg_attr(not(feature = "nano"), doc = "```ignore")]
    /// use vary_core::prelude::*;
    ///
    /// # fn main() -> vary_core::Result<()> {
    /// # let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../examples/assets/scene.png");
    /// let vary = Pipeline::builder().build()?;
    /// let image = open(path, &DecodeOptions::default())?;
    /// let mut chat = vary.chat(&image)?;
    /// let options = AnswerOptions::default();
    /// let question = Task::DetectAll.question(vary.config().family());
    /// assert_eq!(chat.ask(&question, &options)?.detections.len(), 7);
    /// assert_eq!(chat.ask("How many cars are in this image?", &options)?.text, "1");
    /// assert_eq!(chat.history().len(), 2);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`Error::NoImages`] without images, [`Error::Vision`] for an image without pixels,
    /// [`Error::ForeignImage`] for one that another pipeline has encoded.
    pub fn chat(&self, images: &(impl AsImages + ?Sized)) -> Result<Chat> {
        let images = images.inputs();
        if images.is_empty() {
            return Err(Error::NoImages);
        }
        let encode = |image| Ok(Input::Encoded(Box::new(self.encode_input(image)?)));
        Ok(Chat {
            pipeline: self.clone(),
            images: images.iter().map(encode).collect::<Result<_>>()?,
            turns: vec![],
            session: Session::default(),
        })
    }
}

impl Chat {
    /// The turns so far, the oldest first.
    pub fn history(&self) -> &[Turn] {
        &self.turns
    }

    /// Replaces the history, for example by one that was stored. Turns without an answer are left
    /// out.
    pub fn set_history(&mut self, mut history: Vec<Turn>) {
        history.retain(|turn| !turn.answer.is_empty());
        self.turns = history;
    }

    /// Removes the last turn and returns it; `None` without turns.
    pub fn undo(&mut self) -> Option<Turn> {
        self.turns.pop()
    }

    /// Asks the next question. The turn enters the history, unless the answer is empty or names a
    /// special token: neither can be part of a prompt.
    ///
    /// # Errors
    /// [`Error::ContextLength`] when the conversation with this question is too long for the model.
    /// Otherwise as [`Pipeline::answer`]. After an error the history is as it was.
    pub fn ask(&mut self, question: &str, options: &AnswerOptions) -> Result<Answer> {
        self.stream(question, options)?.finish()
    }

    /// Like [`ask`](Self::ask), but yields tokens as they are decoded.
    ///
    /// # Errors
    /// As [`ask`](Self::ask).
    pub fn stream(&mut self, question: &str, options: &AnswerOptions) -> Result<ChatStream<'_>> {
        let session = std::mem::take(&mut self.session);
        let (images, task) = (self.images.clone(), Task::Ask(question));
        let stream =
            AnswerStream::start(&self.pipeline, images, &self.turns, task, options, session)?;
        Ok(ChatStream {
            chat: self,
            question: question.into(),
            stream,
        })
    }

    fn record(&mut self, question: &str, answer: &str) {
        let family = self.pipeline.inner.config.family();
        if !answer.is_empty() && special_token(family, answer).is_none() {
            self.turns.push(Turn::new(question, answer));
        }
    }
}

/// An answer of a [`Chat`] as it is decoded; like [`AnswerStream`].
///
/// The turn enters the history with [`Event::Done`]. A stream that is dropped before leaves the
/// history as it was; [`stop`](Self::stop) ends the answer and keeps what was decoded.
pub struct ChatStream<'a> {
    chat: &'a mut Chat,
    question: String,
    stream: AnswerStream,
}

impl ChatStream<'_> {
    /// Decodes the rest of the answer and returns all of it.
    ///
    /// # Errors
    /// As [`AnswerStream::finish`].
    pub fn finish(self) -> Result<Answer> {
        last(self)
    }

    /// Ends the answer here; what was decoded of it enters the history.
    ///
    /// # Errors
    /// As [`AnswerStream::finish`].
    pub fn stop(mut self) -> Result<Answer> {
        self.stream.cancel();
        last(self)
    }
}

impl Iterator for ChatStream<'_> {
    type Item = Result<Event>;

    fn next(&mut self) -> Option<Self::Item> {
        let event = self.stream.next();
        if let Some(Ok(Event::Done(answer))) = &event {
            self.chat.session = self.stream.take_session();
            self.chat.record(&self.question, &answer.text);
        }
        event
    }
}

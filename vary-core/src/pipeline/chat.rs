use std::fmt;

use super::session::{Session, SharedSession};
use super::{Answer, AnswerOptions, AnswerStream, AsImages, EncodedImage, Event, Pipeline};
use crate::prompt::{Task, special_token};
use crate::{Error, Result};

/// A question of a [`Chat`] and what the model said to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Turn {
    /// The question.
    pub question: String,
    /// The answer, as far as it went.
    pub answer: String,
}

/// A conversation about pictures, made by [`Pipeline::chat`].
///
/// The history is part of every prompt; what the model has read of it before is not read again.
pub struct Chat {
    pipeline: Pipeline,
    images: Vec<EncodedImage>,
    turns: Vec<Turn>,
    session: SharedSession,
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
    /// Starts a conversation about a picture, or about several.
    ///
    /// # Errors
    /// [`Error::NoPictures`], [`Error::Vision`], [`Error::ForeignImage`].
    pub fn chat(&self, images: &(impl AsImages + ?Sized)) -> Result<Chat> {
        if images.count() == 0 {
            return Err(Error::NoPictures);
        }
        Ok(Chat {
            pipeline: self.clone(),
            images: images.all_encoded(self)?,
            turns: vec![],
            session: Session::shared(),
        })
    }
}

impl Chat {
    /// What was said so far.
    pub fn history(&self) -> &[Turn] {
        &self.turns
    }

    /// Puts another history in the place of what was said, such as one that was stored; turns without
    /// an answer are left out.
    pub fn continue_from(&mut self, mut history: Vec<Turn>) {
        history.retain(|turn| !turn.answer.is_empty());
        self.turns = history;
    }

    /// Takes the last turn back.
    pub fn undo(&mut self) -> Option<Turn> {
        self.turns.pop()
    }

    /// Asks the next question.
    ///
    /// # Errors
    /// [`Error::ContextLength`] when the conversation with this question is too long for the model:
    /// it says by how much, and the history is as it was. Otherwise as [`Pipeline::answer`].
    pub fn ask(&mut self, question: &str, options: &AnswerOptions) -> Result<Answer> {
        let mut stream = self.stream(question, options)?;
        loop {
            match stream.next() {
                Some(Ok(Event::Done(answer))) => return Ok(answer),
                Some(Ok(_)) => {}
                Some(Err(error)) => return Err(error),
                None => unreachable!("a stream ends with `Done` or an error"),
            }
        }
    }

    /// Like [`ask`](Self::ask), told as it comes. An answer that is not heard to its end stands in
    /// the history as far as it was heard.
    ///
    /// # Errors
    /// As [`ask`](Self::ask).
    pub fn stream(&mut self, question: &str, options: &AnswerOptions) -> Result<ChatStream<'_>> {
        Task::Ask(question).check()?;
        let said = self.turns.iter();
        let mut turns: Vec<(&str, Option<&str>)> = said
            .map(|turn| (turn.question.as_str(), Some(turn.answer.as_str())))
            .collect();
        turns.push((question, None));
        let images = self.images.as_slice();
        let session = self.session.clone();
        let stream = AnswerStream::start(&self.pipeline, images, &turns, session, options)?;
        Ok(ChatStream {
            chat: self,
            question: question.into(),
            stream,
            failed: false,
        })
    }
}

/// An answer of a [`Chat`] as the model gives it; like [`AnswerStream`].
pub struct ChatStream<'a> {
    chat: &'a mut Chat,
    question: String,
    stream: AnswerStream,
    failed: bool,
}

impl Iterator for ChatStream<'_> {
    type Item = Result<Event>;

    fn next(&mut self) -> Option<Self::Item> {
        let event = self.stream.next();
        self.failed |= matches!(event, Some(Err(_)));
        event
    }
}

/// Enters the turn into the history. An answer without a word leaves no trace, as the templates take
/// an empty answer for one that is still to come, and neither does one that names a special token,
/// which no prompt can tell from the token.
impl Drop for ChatStream<'_> {
    fn drop(&mut self) {
        let family = self.chat.pipeline.inner.config.family();
        let text = self.stream.text();
        if !self.failed && !text.is_empty() && special_token(family, text).is_none() {
            self.chat.turns.push(Turn {
                question: std::mem::take(&mut self.question),
                answer: self.stream.text().into(),
            });
        }
    }
}

//! Conversations to train on, read from disk one at a time.
//!
//! A [`Dataset`] knows where its conversations are and keeps none of them; a [`Mixture`] puts sets
//! into one endless data order, in which every conversation is a function of its place alone: that
//! is what lets a run go on after it was interrupted.

mod llava;
mod mixture;
mod order;
mod pictures;
mod questions;
mod records;
mod webdataset;

pub use llava::Conversations;
pub use mixture::{Mixture, Skipped};
pub use order::permute;
pub use pictures::read_picture;
pub use questions::Questions;
pub use webdataset::WebDataset;

use image::RgbImage;

use crate::Result;
use crate::prompt::Message;

/// Questions and answers about pictures, or about none.
#[derive(Debug, Clone)]
pub struct Conversation {
    /// One for each `<image>` in the messages, in order.
    pub pictures: Vec<RgbImage>,
    /// Questions and answers in turn.
    pub messages: Vec<Message>,
    /// All answers to the first question that are right, where a set has several; for scoring.
    pub accepted: Vec<String>,
    /// File and record, for messages.
    pub origin: String,
}

/// A set of conversations.
pub trait Dataset: Send + Sync {
    /// Number of conversations.
    fn len(&self) -> usize;

    /// Whether there are none.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The conversation `index`, from 0, as it is in the pass `epoch` through the set: a function of
    /// the two alone.
    ///
    /// # Errors
    /// [`Error::Picture`](crate::Error::Picture) for a picture that can't be read, which the
    /// [`Mixture`] skips and counts; any other error ends a run.
    fn get(&self, index: usize, epoch: u64) -> Result<Conversation>;

    /// What was left out when the set was opened, and why.
    fn left_out(&self) -> &[String] {
        &[]
    }
}

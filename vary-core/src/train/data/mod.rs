//! Conversations to train on, read from disk one at a time.
//!
//! A [`Dataset`] knows where its conversations are and keeps none of them in memory. A [`Mixture`]
//! puts data sets into one endless data order, in which every conversation is a function of its
//! index alone: that is what makes a run resumable.

mod images;
mod llava;
mod mixture;
mod order;
mod questions;
mod records;
mod webdataset;

pub use images::read_image;
pub use llava::Conversations;
pub use mixture::{Mixture, Skipped};
pub use order::permute;
pub use questions::Questions;
pub use webdataset::WebDataset;

use image::RgbImage;

use crate::Result;
use crate::prompt::Message;

/// Questions and answers about images, or about none.
#[derive(Debug, Clone)]
pub struct Conversation {
    /// One image for each `<image>` in the messages, in order.
    pub images: Vec<RgbImage>,
    /// Questions and answers in turn.
    pub messages: Vec<Message>,
    /// All correct answers to the first question, where a data set has several; for scoring.
    pub accepted: Vec<String>,
    /// File and record, for messages.
    pub origin: String,
}

/// A data set of conversations.
pub trait Dataset: Send + Sync {
    /// Number of conversations.
    fn len(&self) -> usize;

    /// Whether there are none.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The conversation at `index`, from 0, in the pass `epoch` through the data set: a function of
    /// the two alone.
    ///
    /// # Errors
    /// [`Error::Image`](crate::Error::Image) for an image that can't be read, which the
    /// [`Mixture`] skips and counts. Any other error stops a run.
    fn get(&self, index: usize, epoch: u64) -> Result<Conversation>;

    /// What was left out when the data set was opened, with the reasons.
    fn left_out(&self) -> &[String] {
        &[]
    }
}

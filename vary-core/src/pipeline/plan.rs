//! Stage 1: a typed task becomes requests to the model.

use std::sync::Arc;

use super::input::Input;
use super::{Inner, Turn, Usage};
use crate::prompt::{Task, prompt_ids};
use crate::{Error, Result};

/// One prompt of the model.
#[derive(Debug, Clone)]
pub(super) struct Request {
    /// Which of the images are shown, in the order of the placeholders in the prompt.
    pub views: Vec<usize>,
    /// Token ids, with a placeholder for each view.
    pub prompt: Vec<u32>,
}

/// The requests of one answer, in the order of its text.
#[derive(Debug)]
pub(super) struct Plan {
    pub requests: Vec<Request>,
    /// Width and height of the image that boxes are in, the first one.
    pub size: (u32, u32),
}

impl Plan {
    /// Plans the answer to `task` about `images`, after the turns of `history`.
    ///
    /// It is one request about all images.
    ///
    /// # Errors
    /// [`Error::NoImages`], [`Error::ForeignImage`], [`Error::EmptyQuestion`],
    /// [`Error::SpecialToken`], [`Error::ContextLength`], [`Error::Lm`].
    pub fn new(
        inner: &Arc<Inner>,
        images: &[Input<'_>],
        history: &[Turn],
        task: Task<'_>,
    ) -> Result<Self> {
        let first = images.first().ok_or(Error::NoImages)?;
        images
            .iter()
            .try_for_each(|image| image.check_owner(inner))?;
        task.check()?;
        let question = task.question(inner.config.family());
        let past = history.iter();
        let turns = past.map(|turn| (turn.question.as_str(), Some(turn.answer.as_str())));
        let turns: Vec<_> = turns.chain([(question.as_str(), None)]).collect();
        let prompt = prompt_ids(&inner.tokenizer, &inner.config, images.len(), &turns)?;
        let max = inner.max_positions();
        if prompt.len() >= max {
            let needed = prompt.len() + 1;
            return Err(Error::ContextLength { needed, max });
        }
        let request = Request {
            views: (0..images.len()).collect(),
            prompt,
        };
        Ok(Self {
            requests: vec![request],
            size: first.size(),
        })
    }

    /// Token counts of the prompts.
    pub fn usage(&self, inner: &Inner) -> Usage {
        let views: usize = self.requests.iter().map(|r| r.views.len()).sum();
        Usage {
            image_tokens: views * inner.image_placeholder().len,
            prompt_tokens: self.requests.iter().map(|r| r.prompt.len()).sum(),
            new_tokens: 0,
        }
    }
}

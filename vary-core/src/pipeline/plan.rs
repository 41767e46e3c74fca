//! Stage 1: a typed task becomes requests to the model.

use std::sync::Arc;

use vary_vision::layout::text_lines;

use super::input::Input;
use super::view::View;
use super::{Inner, Turn, Usage};
use crate::prompt::{Task, prompt_ids};
use crate::{Error, Result};

/// One prompt of the model.
#[derive(Debug, Clone)]
pub(super) struct Request {
    /// The views, in the order of the placeholders in the prompt.
    pub views: Vec<View>,
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
    /// The text of a single image is read line by line where the checkpoint's inference settings
    /// enable it and text lines are found; then each line is a request. All other tasks are one
    /// request about all images.
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
        let by_lines = inner.inference.line_segmentation
            && matches!(task, Task::Ocr)
            && images.len() == 1
            && history.is_empty();
        let pixels = first.pixels().filter(|_| by_lines);
        let lines = pixels.map(text_lines).unwrap_or_default();

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
        let request = |views| Request {
            views,
            prompt: prompt.clone(),
        };
        let line = |line| View {
            image: 0,
            line: Some(line),
        };
        let requests = match lines.is_empty() {
            true => vec![request((0..images.len()).map(View::whole).collect())],
            false => lines
                .into_iter()
                .map(|found| request(vec![line(found)]))
                .collect(),
        };
        Ok(Self {
            requests,
            size: first.size(),
        })
    }

    /// Whether no view is a part of an image.
    pub fn shows_whole_images(&self) -> bool {
        let mut views = self.requests.iter().flat_map(|request| &request.views);
        views.all(|view| view.line.is_none())
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

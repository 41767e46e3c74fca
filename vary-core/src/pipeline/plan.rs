//! Stage 1: a typed task becomes requests to the model.

use std::ops::RangeInclusive;
use std::sync::Arc;

use vary_vision::preprocess::tile_grid;

use super::input::Input;
use super::{Inner, Turn, Usage};
use crate::prompt::{Shown, Task, prompt_ids};
use crate::{Error, Result};

/// No vocabulary has a longer token. Texts that can't fit are refused before they are tokenized.
const TOKEN_BYTES: usize = 256;

/// One prompt of the model.
#[derive(Debug, Clone)]
pub(super) struct Request {
    /// What is shown, in the order of the placeholders in the prompt.
    pub shown: Vec<ShownImage>,
    /// Number of views, that is images and tiles, that the placeholders stand for.
    pub views: usize,
    /// Whether it is the first question about one whole image.
    pub alone: bool,
    /// Token ids, with the placeholders.
    pub prompt: Vec<u32>,
}

/// An image of the question, as it is shown.
#[derive(Debug, Clone)]
pub(super) struct ShownImage {
    /// Which of the images.
    pub image: usize,
    /// How many tiles it may be cut into.
    pub tiles: Option<RangeInclusive<usize>>,
}

impl ShownImage {
    /// Number of views: one, or the tiles and the one of the whole image.
    ///
    /// # Errors
    /// [`Error::Vision`] for an impossible range.
    fn count(&self, size: (u32, u32), tile: u32) -> Result<usize> {
        let Some(counts) = &self.tiles else {
            return Ok(1);
        };
        let [columns, rows] = tile_grid(size, tile, counts)?;
        let tiles = (columns * rows) as usize;
        Ok(tiles + usize::from(tiles > 1))
    }
}

/// Refuses texts that have more than `max` tokens, however they are tokenized.
fn may_fit(turns: &[(&str, Option<&str>)], max: usize) -> Result<()> {
    let bytes = turns.iter().map(|(q, a)| q.len() + a.map_or(0, str::len));
    match bytes.sum::<usize>() / TOKEN_BYTES {
        fewest if fewest < max => Ok(()),
        fewest => Err(Error::ContextLength {
            needed: fewest + 1,
            max,
        }),
    }
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
    /// [`Error::Unsupported`], [`Error::Region`], [`Error::SpecialToken`],
    /// [`Error::ContextLength`], [`Error::Lm`], [`Error::Vision`].
    pub fn new(
        inner: &Arc<Inner>,
        images: &[Input<'_>],
        history: &[Turn],
        task: Task<'_>,
        tiles: Option<&RangeInclusive<usize>>,
    ) -> Result<Self> {
        let first = images.first().ok_or(Error::NoImages)?;
        images
            .iter()
            .try_for_each(|image| image.check_owner(inner))?;
        task.check()?;
        if tiles.is_some() && (images.len() > 1 || first.pixels().is_none()) {
            return Err(Error::Unsupported {
                what: "tiles are cut from one image, which is passed itself: not several, no \
                       `EncodedImage`, not in a chat",
            });
        }
        let shown = Shown {
            size: first.size(),
            images: images.len(),
            tiled: tiles.is_some(),
            variant: inner.inference.prompt_variant,
        };
        let question = task.question_about(inner.config.family(), &shown)?;
        let past = history.iter();
        let turns = past.map(|turn| (turn.question.as_str(), Some(turn.answer.as_str())));
        let turns: Vec<_> = turns.chain([(question.as_str(), None)]).collect();
        let images: Vec<ShownImage> = (0..images.len())
            .map(|image| ShownImage {
                image,
                tiles: tiles.cloned(),
            })
            .collect();
        let tile = inner.config.info().sam_config.img_size as u32;
        let counts = images.iter().map(|image| image.count(first.size(), tile));
        let views = counts.sum::<Result<usize>>()?;
        let max = inner.max_positions();
        may_fit(&turns, max)?;
        let (tokenizer, config) = (&inner.tokenizer, &inner.config);
        let prompt = prompt_ids(tokenizer, config, shown.variant, views, &turns)?;
        if prompt.len() >= max {
            let needed = prompt.len() + 1;
            return Err(Error::ContextLength { needed, max });
        }
        let request = Request {
            alone: images.len() == 1 && tiles.is_none() && history.is_empty(),
            shown: images,
            views,
            prompt,
        };
        Ok(Self {
            requests: vec![request],
            size: first.size(),
        })
    }

    /// Token counts of the prompts.
    pub fn usage(&self, inner: &Inner) -> Usage {
        let views: usize = self.requests.iter().map(|r| r.views).sum();
        Usage {
            image_tokens: views * inner.image_placeholder().len,
            prompt_tokens: self.requests.iter().map(|r| r.prompt.len()).sum(),
            new_tokens: 0,
        }
    }
}

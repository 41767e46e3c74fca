use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use burn::prelude::*;
use vary_lm::KvCache;

use super::Inner;
use crate::Result;

/// What the language model has read so far: its cache, and the ids that are in it.
#[derive(Debug, Default)]
pub(super) struct Session {
    cache: Option<KvCache>,
    ids: Vec<u32>,
    /// Length of the prompt that the cache was read for.
    prompt_len: usize,
}

/// A session that an answer and the conversation around it share.
pub(super) type SharedSession = Arc<Mutex<Session>>;

/// A session after a panic elsewhere is one that may lack its last token; [`Session::read`] finds
/// out by its ids.
pub(super) fn lock(session: &SharedSession) -> MutexGuard<'_, Session> {
    session.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Session {
    pub fn shared() -> SharedSession {
        Arc::default()
    }

    /// Reads `prompt` in each of several readings and returns the logits after it. What the session has read
    /// before is not read again, as far as the prompt begins with it; `images`
    /// `[readings, n, image_token_len, d_model]` are the pictures of the whole prompt. There is room for
    /// `capacity` positions afterwards, and more is made when it is needed.
    pub fn read(
        &mut self,
        inner: &Inner,
        prompt: &[u32],
        images: Tensor<4>,
        capacity: usize,
    ) -> Result<Vec<Vec<f32>>> {
        let lm = inner.model.language_model();
        let readings = images.dims()[0];
        let known = self.known(inner, prompt);
        let cache = match self.cache.take() {
            Some(mut cache) if known > 0 => {
                cache.truncate(known);
                cache.grow(capacity);
                cache
            }
            _ => lm.cache(readings, capacity).with_prompt_len(prompt.len()),
        };
        self.prompt_len = prompt.len();
        self.ids.truncate(known);
        let cache = self.cache.insert(cache);

        let new = vec![prompt[known..].to_vec(); readings];
        // Either all pictures are still to be read, or none.
        let images = (known == 0).then(|| images.flatten(0, 1));
        let embeds = inner.model.embed(&new, images)?;
        let logits = inner.text_logits(lm.next_logits(embeds, cache));
        self.ids = prompt.to_vec();
        Ok(logits)
    }

    /// Reads one more token, the same in all readings, and returns the logits after it in each.
    pub fn step(&mut self, inner: &Inner, id: u32) -> Vec<Vec<f32>> {
        let readings = self.cache.as_ref().map_or(0, KvCache::batch);
        let logits = self.step_apart(inner, &vec![id; readings]);
        self.ids.push(id);
        logits
    }

    /// Reads one more token of each reading and returns the logits after it. What is read so is forgotten at the next
    /// [`rewind`](Self::rewind) or [`read`](Self::read).
    pub fn step_apart(&mut self, inner: &Inner, ids: &[u32]) -> Vec<Vec<f32>> {
        let lm = inner.model.language_model();
        let Some(cache) = &mut self.cache else {
            unreachable!("a prompt is read before a token")
        };
        // Twice the room is asked for seldom.
        if cache.len() == cache.capacity() {
            cache.grow(2 * cache.capacity());
        }
        // Not through the splice: a model may well say `<img>`, which is no picture then.
        let ids = ids.iter().map(|&id| id as i32).collect::<Vec<_>>();
        let shape = [ids.len(), 1];
        let tokens = Tensor::from_data(TensorData::new(ids, shape), &lm.device());
        inner.text_logits(lm.next_logits(lm.embed(tokens), cache))
    }

    /// Goes back to the end of the prompt that was read last.
    pub fn rewind(&mut self) {
        self.ids.truncate(self.prompt_len);
        if let Some(cache) = &mut self.cache {
            cache.truncate(self.prompt_len);
        }
    }

    /// How many ids of `prompt` need not be read again.
    fn known(&self, inner: &Inner, prompt: &[u32]) -> usize {
        let held = self.cache.as_ref().map_or(0, KvCache::len);
        let same = std::iter::zip(&self.ids, prompt)
            .take(held)
            // The last one is read anyway, for its logits.
            .take(prompt.len().saturating_sub(1))
            .take_while(|(a, b)| a == b)
            .count();
        let end = inner.config.image_place().end;
        let pictures = prompt
            .iter()
            .rposition(|&id| id == end)
            .map_or(0, |i| i + 1);
        let lm = inner.model.language_model();
        match same >= pictures && lm.same_positions(self.prompt_len, prompt.len()) {
            true => same,
            false => 0,
        }
    }
}

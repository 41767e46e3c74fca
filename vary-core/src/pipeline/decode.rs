//! Stage 3: one loop decodes any number of requests.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Instant;

use burn::prelude::*;
use rayon::prelude::*;
use vary_lm::KvCache;
use vary_lm::generate::{CancellationToken, FinishReason, GenerateOptions, Sequence};

use super::confidence::log_confidence;
use super::encode::encode;
use super::input::Input;
use super::plan::Request;
use super::{Inner, TextLogits, Times};
use crate::Result;

/// Positions after the prompt that a cache has room for at first; it doubles when it is full.
const ROOM: usize = 64;

/// What the language model has read of one sequence: its cache, and the ids that are in it.
#[derive(Debug, Default)]
pub(super) struct Session {
    cache: Option<KvCache>,
    ids: Vec<u32>,
    /// Length of the prompt that the cache was read for.
    prompt_len: usize,
}

/// A request on its way through the decoder.
pub(super) struct Job<'a> {
    pub request: Request,
    /// The images of the question.
    pub images: Arc<[Input<'a>]>,
    pub options: GenerateOptions,
    pub cancellation: CancellationToken,
    /// What was read before of a conversation.
    pub session: Session,
}

/// Progress of a job.
pub(super) enum Progress {
    /// The next token and the natural logarithm of the confidence in it.
    Token(u32, f32),
    /// The end.
    Done(Outcome),
    /// The end, without an answer.
    Failed(crate::Error),
}

/// How a job ended.
pub(super) struct Outcome {
    pub finish: FinishReason,
    pub times: Times,
    /// What was read, for the next turn of a conversation.
    pub session: Session,
}

/// Decodes a batch of jobs, a token of each at a time. Finished jobs leave, and waiting
/// ones take their places.
///
/// Every sequence has a cache of its own, and linear layers see the new tokens of all of them at
/// once; so a batch reads the weights once for all of its sequences.
pub(super) struct Decoder<'a> {
    inner: Arc<Inner>,
    waiting: VecDeque<(usize, Job<'a>)>,
    running: Vec<Running>,
    cancelled: bool,
}

/// A job whose prompt is read.
struct Running {
    id: usize,
    sequence: Sequence,
    session: Session,
    cancellation: CancellationToken,
    times: Times,
}

impl<'a> Decoder<'a> {
    pub fn new(inner: &Arc<Inner>) -> Self {
        Self {
            inner: inner.clone(),
            waiting: VecDeque::new(),
            running: vec![],
            cancelled: false,
        }
    }

    /// Adds a job; its progress has this id.
    pub fn push(&mut self, id: usize, job: Job<'a>) {
        self.waiting.push_back((id, job));
    }

    /// Drops the jobs of these ids.
    pub fn remove(&mut self, dropped: impl Fn(usize) -> bool) {
        self.waiting.retain(|(id, _)| !dropped(*id));
        self.running.retain(|running| !dropped(running.id));
    }

    /// Ends all jobs at the next step.
    pub fn cancel(&mut self) {
        self.cancelled = true;
    }

    /// Whether all jobs have ended.
    pub fn is_idle(&self) -> bool {
        self.waiting.is_empty() && self.running.is_empty()
    }

    /// Decodes one more token of each running job, then starts waiting ones where there is room.
    pub fn step(&mut self) -> Vec<(usize, Progress)> {
        let mut progress = vec![];
        self.advance(&mut progress);
        while self.running.len() < self.inner.max_batch
            && let Some((id, job)) = self.waiting.pop_front()
        {
            match self.start(id, job) {
                Ok((running, chosen)) => self.settle(running, chosen, &mut progress),
                Err(ended) => progress.push((id, *ended)),
            }
        }
        progress
    }

    /// Encodes the images of a job, reads its prompt, and chooses the first token.
    fn start(&self, id: usize, job: Job<'a>) -> Result<(Running, Chosen), Box<Progress>> {
        let inner = &self.inner;
        let failed = |error| Box::new(Progress::Failed(error));
        let mut times = Times::default();
        let mut session = job.session;
        let sequence = Sequence::new(job.options).map_err(|error| failed(error.into()))?;
        let sequence = sequence.after(&job.request.prompt);
        if let Some(finish) = sequence.finish_reason() {
            // No token is asked for.
            return Err(Box::new(done(finish, times, session)));
        }
        let mut images = None;
        let known = session.known(inner, &job.request.prompt);
        let cancelled = || self.cancelled || job.cancellation.is_cancelled();
        if known == 0 && !cancelled() {
            let start = Instant::now();
            let shown = &job.request.shown;
            images = Some(encode(inner, &job.images, shown).map_err(failed)?);
            times.encode = start.elapsed();
        }
        if cancelled() {
            return Err(Box::new(done(FinishReason::Cancelled, times, session)));
        }
        let start = Instant::now();
        let read = session.read(inner, &job.request.prompt, known, images);
        let logits = read.map_err(failed)?;
        times.prefill = start.elapsed();
        let mut running = Running {
            id,
            sequence,
            session,
            cancellation: job.cancellation,
            times,
        };
        let chosen = running.choose(inner, logits.row(0));
        Ok((running, chosen))
    }

    /// One pass over the last tokens of all running jobs.
    fn advance(&mut self, progress: &mut Vec<(usize, Progress)>) {
        let all = self.cancelled;
        let cancelled = |running: &mut Running| all || running.cancellation.is_cancelled();
        for ended in self.running.extract_if(.., cancelled) {
            let id = ended.id;
            progress.push((
                id,
                done(FinishReason::Cancelled, ended.times, ended.session),
            ));
        }
        if self.running.is_empty() {
            return;
        }
        let start = Instant::now();
        let last = |running: &Running| running.sequence.ids().last().copied().unwrap_or_default();
        let ids: Vec<u32> = self.running.iter().map(last).collect();
        let sessions = self.running.iter_mut().map(|running| &mut running.session);
        let logits = step(&self.inner, &ids, sessions);
        let running = std::mem::take(&mut self.running);
        let inner = &self.inner;
        let chosen = running
            .into_par_iter()
            .enumerate()
            .map(|(at, mut running)| {
                let chosen = running.choose(inner, logits.row(at));
                (running, chosen)
            });
        let chosen: Vec<_> = chosen.collect();
        let elapsed = start.elapsed();
        for (mut running, chosen) in chosen {
            running.times.decode += elapsed;
            self.settle(running, chosen, progress);
        }
    }

    /// Reports the token that was chosen for a job; it keeps running unless that was the last.
    fn settle(&mut self, running: Running, chosen: Chosen, progress: &mut Vec<(usize, Progress)>) {
        let id = running.id;
        match chosen {
            Ok(Some((token, confidence))) => {
                progress.push((id, Progress::Token(token, confidence)));
            }
            Ok(None) => {}
            Err(error) => return progress.push((id, Progress::Failed(error.into()))),
        }
        match running.sequence.finish_reason() {
            Some(finish) => progress.push((id, done(finish, running.times, running.session))),
            None => self.running.push(running),
        }
    }
}

/// A token and the natural logarithm of the confidence in it; `None` at the end of a sequence.
type Chosen = vary_lm::Result<Option<(u32, f32)>>;

impl Running {
    /// Chooses the next token.
    fn choose(&mut self, inner: &Inner, logits: &[f32]) -> Chosen {
        let Some(token) = self.sequence.choose(logits)? else {
            return Ok(None);
        };
        let confidence = log_confidence(inner.coordinates.as_ref(), logits, token);
        Ok(Some((token.id, confidence)))
    }
}

fn done(finish: FinishReason, times: Times, session: Session) -> Progress {
    Progress::Done(Outcome {
        finish,
        times,
        session,
    })
}

/// Reads one more token of each sequence and returns the logits after it.
fn step<'s>(
    inner: &Inner,
    ids: &[u32],
    sessions: impl Iterator<Item = &'s mut Session>,
) -> TextLogits {
    let lm = inner.model.language_model();
    let mut caches: Vec<&mut KvCache> = vec![];
    for (session, &id) in sessions.zip(ids) {
        session.ids.push(id);
        if let Some(cache) = &mut session.cache {
            if cache.len() == cache.capacity() {
                cache.grow(2 * cache.capacity());
            }
            caches.push(cache);
        }
    }
    // Without splicing: an `<img>` that the model writes is not an image.
    let ids: Vec<i32> = ids.iter().map(|&id| id as i32).collect();
    let data = TensorData::new(ids, [1, caches.len()]);
    let embeds = lm.embed(Tensor::from_data(data, &lm.device()));
    inner.text_logits(lm.step(embeds, &mut caches))
}

impl Session {
    /// How many ids of `prompt` the cache holds already. Either all images are among them, or it is
    /// 0.
    fn known(&self, inner: &Inner, prompt: &[u32]) -> usize {
        let held = self.cache.as_ref().map_or(0, KvCache::len);
        let same = std::iter::zip(&self.ids, prompt)
            .take(held)
            // The last one is read anyway, for its logits.
            .take(prompt.len().saturating_sub(1))
            .take_while(|(a, b)| a == b)
            .count();
        let end = inner.image_placeholder().end;
        let images = prompt
            .iter()
            .rposition(|&id| id == end)
            .map_or(0, |i| i + 1);
        let lm = inner.model.language_model();
        match same >= images && lm.same_positions(self.prompt_len, prompt.len()) {
            true => same,
            false => 0,
        }
    }

    /// Reads what is not `known` of a prompt and returns the logits after it. `images` are the
    /// image tokens of all of it, `[views, image_token_len, d_model]`.
    fn read(
        &mut self,
        inner: &Inner,
        prompt: &[u32],
        known: usize,
        images: Option<Tensor<3>>,
    ) -> Result<TextLogits> {
        let lm = inner.model.language_model();
        let capacity = (prompt.len() + ROOM).min(inner.max_positions());
        let cache = match self.cache.take() {
            Some(mut cache) if known > 0 => {
                cache.truncate(known);
                cache.grow(capacity);
                cache
            }
            _ => lm.cache(1, capacity).with_prompt_len(prompt.len()),
        };
        self.prompt_len = prompt.len();
        self.ids.truncate(known);
        let cache = self.cache.insert(cache);
        let embeds = inner.model.embed(&[prompt[known..].to_vec()], images)?;
        let logits = inner.text_logits(lm.next_logits(embeds, cache));
        self.ids = prompt.to_vec();
        Ok(logits)
    }
}

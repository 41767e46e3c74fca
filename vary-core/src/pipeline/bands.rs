use std::collections::VecDeque;
use std::ops::Range;
use std::time::Instant;

use burn::prelude::*;
use image::RgbImage;
use vary_lm::generate::{CancellationToken, FinishReason, GenerateOptions, Sequence};
use vary_lm::tokenizer::Tokenizer;
use vary_vision::preprocess::Band;

use super::apart::Apart;
use super::image::encode;
use super::markdown::{is_row, joint, mend};
use super::session::Session;
use super::{AnswerOptions, Pipeline, Times};
use crate::Result;

/// Most bands that are read next to each other: each takes memory, and those below wait to be told.
const TOGETHER: usize = 8;
/// Positions after the prompt that a session has room for at first; few bands have longer answers.
const ROOM: usize = 64;
/// Below this geometric mean of its probabilities the model doubts the first letters of bands: things before scenery that
/// were taken for lines look so, a page seldom does.
const DOUBT: f32 = 0.67;
/// Where the model is as sure as that of each token, one reading is enough.
const SURE: f32 = 0.7;

/// A page as it is read: some lines at a time, each band a picture of its own, with line breaks between them.
pub(super) struct Bands {
    pipeline: Pipeline,
    picture: RgbImage,
    /// Those that nobody has begun with, from the top down.
    rest: VecDeque<Band>,
    /// The prompt, the same for each.
    ids: Vec<u32>,
    /// How each is answered.
    options: GenerateOptions,
    /// Most tokens of all answers together.
    most: usize,
    cancellation: CancellationToken,
    /// Of Markdown the text so far, `None` of plain text.
    markdown: Option<String>,
    /// Those that are read and not yet told.
    read: VecDeque<Read>,
    /// Tokens that are told next.
    said: VecDeque<(u32, f32)>,
    /// How often the prompt was read, several readings of a picture counted once.
    prompts: usize,
    count: usize,
    /// That of the first band which did not come to its own end, if there is one.
    finish: FinishReason,
    ended: bool,
}

impl Bands {
    /// Of the bands of a picture, each of which is asked the prompt `ids` and answered as `each` says. They say `markdown`, or plain
    /// text.
    pub fn new(
        pipeline: &Pipeline,
        (picture, bands): (RgbImage, Vec<Band>),
        markdown: bool,
        ids: Vec<u32>,
        each: GenerateOptions,
        options: &AnswerOptions,
    ) -> Self {
        Self {
            markdown: markdown.then(String::new),
            pipeline: pipeline.clone(),
            picture,
            rest: bands.into(),
            ids,
            options: each,
            most: options.max_new_tokens,
            cancellation: options.cancellation.clone(),
            read: VecDeque::new(),
            said: VecDeque::new(),
            prompts: 0,
            count: 0,
            finish: FinishReason::Stop,
            ended: false,
        }
    }

    /// Why the answer ended: where a band did not come to its own end, why the first of these. `None` before.
    pub fn finish_reason(&self) -> Option<FinishReason> {
        self.ended.then_some(self.finish)
    }

    /// How often the prompt was read: for each band, and for the whole picture where that was read as well.
    pub fn prompts(&self) -> usize {
        self.prompts
    }

    /// The next token and the natural logarithm of how sure the model was of it; of what stands between
    /// bands, which it has no say in, 0.
    pub fn next(&mut self, times: &mut Times) -> Result<Option<(u32, f32)>> {
        while !self.ended {
            if self.cancellation.is_cancelled() {
                self.end(FinishReason::Cancelled);
            } else if self.count == self.most {
                self.end(FinishReason::Length);
            } else if let Some(token) = self.said.pop_front() {
                self.count += 1;
                return Ok(Some(token));
            } else if let Some(read) = self.read.pop_front() {
                self.tell(read)?;
            } else if self.rest.is_empty() {
                self.ended = true;
            } else {
                self.go_on(times)?;
            }
        }
        Ok(None)
    }

    fn end(&mut self, reason: FinishReason) {
        self.finish = reason;
        self.ended = true;
    }

    /// Tells a band, and what stands before the next one.
    fn tell(&mut self, read: Read) -> Result<()> {
        if self.finish == FinishReason::Stop {
            self.finish = read.finish;
        }
        let tokenizer = &self.pipeline.inner.tokenizer;
        self.said = match &mut self.markdown {
            Some(before) => markdown(tokenizer, before, read)?,
            None => read.tokens.into(),
        };
        let last = self.read.is_empty() && self.rest.is_empty();
        if self.markdown.is_none() && !last {
            self.said.extend(tokens(tokenizer, "\n", 0.0)?);
        }
        Ok(())
    }

    /// Reads the next bands, or the whole picture, if the first bands are doubtful and it is surer of that.
    fn go_on(&mut self, times: &mut Times) -> Result<()> {
        let first = self.prompts == 0;
        let bands: Vec<Band> = self.rest.drain(..self.rest.len().min(TOGETHER)).collect();
        let shown: Vec<_> = bands.iter().map(|band| band.show(&self.picture)).collect();
        let mut read = self.read(&shown, times)?;
        self.prompts += bands.len();
        for (read, band) in read.iter_mut().zip(&bands) {
            read.apart = band.is_apart();
        }
        let begins = read.iter().flat_map(|read| read.tokens.first());
        if first && mean(begins) < DOUBT.ln() {
            let whole = self.read(std::slice::from_ref(&self.picture), times)?;
            self.prompts += 1;
            if sure(&whole) > sure(&read) {
                self.rest.clear();
                read = whole;
            }
        }
        self.read = read.into();
        Ok(())
    }

    /// Reads pictures next to each other: each once, and in all readings those where the model is not sure of every token.
    fn read(&self, shown: &[RgbImage], times: &mut Times) -> Result<Vec<Read>> {
        let all = self.pipeline.inner.config.readings().get();
        let once = self.encode(shown.iter(), 0..1, times)?;
        let mut read = self.answer(once.clone(), times)?;
        let unsure: Vec<usize> = (0..read.len()).filter(|&i| !read[i].is_sure()).collect();
        if all == 1 || unsure.is_empty() || self.cancellation.is_cancelled() {
            return Ok(read);
        }
        let others = self.encode(unsure.iter().map(|&i| &shown[i]), 1..all, times)?;
        let together = unsure.iter().zip(others);
        let together = together.map(|(&i, others)| Tensor::cat(vec![once[i].clone(), others], 0));
        for (&i, better) in unsure.iter().zip(self.answer(together.collect(), times)?) {
            read[i] = better;
        }
        Ok(read)
    }

    /// Of each picture the tokens of some readings, `[readings, image_token_len, d_model]`.
    fn encode<'a>(
        &self,
        shown: impl Iterator<Item = &'a RgbImage>,
        readings: Range<usize>,
        times: &mut Times,
    ) -> Result<Vec<Tensor<3>>> {
        let inner = &self.pipeline.inner;
        let start = Instant::now();
        let encoded = shown.map(|picture| Ok(encode(inner, picture, readings.clone())?.0));
        let encoded = encoded.collect();
        times.encode += start.elapsed();
        encoded
    }

    /// What pictures say of which there are as many readings each.
    fn answer(&self, encoded: Vec<Tensor<3>>, times: &mut Times) -> Result<Vec<Read>> {
        let inner = &self.pipeline.inner;
        let (start, count) = (Instant::now(), encoded.len());
        // The readings of a picture stay together.
        let images = Tensor::cat(encoded, 0).unsqueeze_dim(1);
        let mut session = Session::default();
        let room = self.ids.len() + self.options.max_new_tokens.min(ROOM);
        let logits = session.read(inner, &self.ids, images, room)?;
        times.prefill += start.elapsed();
        let start = Instant::now();
        let mut answers = Apart::new(logits, count, &self.options)?;
        let mut read: Vec<Vec<(u32, f32)>> = vec![vec![]; count];
        while !answers.ended() && !self.cancellation.is_cancelled() {
            let next = answers.advance(inner, &mut session)?;
            for (read, token) in read.iter_mut().zip(next) {
                read.extend(token.map(|(token, sure)| (token.id, sure)));
            }
        }
        times.decode += start.elapsed();
        let ends = answers.sequences().iter().map(Sequence::finish_reason);
        let read = read.into_iter().zip(ends).map(|(tokens, finish)| Read {
            tokens,
            finish: finish.unwrap_or(FinishReason::Cancelled),
            apart: false,
        });
        Ok(read.collect())
    }
}

/// What a picture says.
struct Read {
    /// And the natural logarithm of how sure the model was of each.
    tokens: Vec<(u32, f32)>,
    finish: FinishReason,
    /// Whether there is more room above it than between the lines of a paragraph.
    apart: bool,
}

impl Read {
    fn is_sure(&self) -> bool {
        self.tokens.iter().all(|&(_, sure)| sure >= SURE.ln())
    }
}

/// Mean logarithm of how sure the model is of some tokens; the least there is of none.
fn mean<'a>(tokens: impl Iterator<Item = &'a (u32, f32)>) -> f32 {
    let (count, sum) = tokens.fold((0, 0.0), |(n, sum), (_, sure)| (n + 1, sum + sure));
    match count {
        0 => f32::NEG_INFINITY,
        _ => sum / count as f32,
    }
}

/// That of all tokens.
fn sure(read: &[Read]) -> f32 {
    mean(read.iter().flat_map(|read| &read.tokens))
}

/// The tokens of a text of which the model is as sure as a logarithm says.
fn tokens(tokenizer: &Tokenizer, text: &str, sure: f32) -> Result<Vec<(u32, f32)>> {
    let ids = tokenizer.encode(text, false)?;
    Ok(ids.into_iter().map(|id| (id, sure)).collect())
}

/// The tokens to tell for the Markdown of a band that was `read`, after the text `before`, to which it is added. Where
/// a table is mended the model is on average as sure of each token as it was.
fn markdown(
    tokenizer: &Tokenizer,
    before: &mut String,
    Read {
        tokens: read,
        apart,
        ..
    }: Read,
) -> Result<VecDeque<(u32, f32)>> {
    let ids: Vec<u32> = read.iter().map(|&(id, _)| id).collect();
    let text = tokenizer.decode(&ids, true)?;
    let mended = mend(&text, before.lines().last().is_some_and(is_row));
    let between = joint(before, &mended, apart);
    let mut said = tokens(tokenizer, &between, 0.0)?;
    if mended == text {
        said.extend(read);
    } else {
        let sum: f32 = read.iter().map(|(_, sure)| sure).sum();
        said.extend(tokens(tokenizer, &mended, sum / read.len().max(1) as f32)?);
    }
    before.push_str(&between);
    before.push_str(&mended);
    Ok(said.into())
}

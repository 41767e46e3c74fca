use std::collections::VecDeque;
use std::time::Instant;

use burn::prelude::*;
use image::RgbImage;
use vary_lm::generate::{CancellationToken, FinishReason, GenerateOptions};
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
    /// The text so far, of Markdown, which is told band by band; `None` of plain text, which is told as it comes.
    markdown: Option<String>,
    /// Tokens that are told next.
    said: VecDeque<(u32, f32)>,
    group: Option<Group>,
    /// How often the prompt was read.
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
            said: VecDeque::new(),
            group: None,
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
            } else if let Some(token) = self.tell(times)? {
                self.count += 1;
                return Ok(Some(token));
            }
        }
        Ok(None)
    }

    fn end(&mut self, reason: FinishReason) {
        self.finish = reason;
        self.ended = true;
    }

    /// The next token, if it is there already; else a step towards it.
    fn tell(&mut self, times: &mut Times) -> Result<Option<(u32, f32)>> {
        if let Some(token) = self.said.pop_front() {
            return Ok(Some(token));
        }
        let Some(group) = &mut self.group else {
            match self.rest.is_empty() {
                true => self.ended = true,
                false => self.begin(times)?,
            }
            return Ok(None);
        };
        if self.markdown.is_none()
            && let Some(token) = group.tokens[group.told].pop_front()
        {
            return Ok(Some(token));
        }
        match group.answers.sequences()[group.told].finish_reason() {
            None => group.advance(&self.pipeline, times)?,
            Some(reason) => {
                if self.finish == FinishReason::Stop {
                    self.finish = reason;
                }
                let read = std::mem::take(&mut group.tokens[group.told]);
                let apart = group.apart[group.told];
                group.told += 1;
                let last = group.told == group.tokens.len();
                if last {
                    self.group = None;
                }
                let tokenizer = &self.pipeline.inner.tokenizer;
                self.said = match &mut self.markdown {
                    Some(before) => markdown(tokenizer, before, read.into(), apart)?,
                    None if last && self.rest.is_empty() => VecDeque::new(),
                    None => tokens(tokenizer, "\n", 0.0)?.into(),
                };
            }
        }
        Ok(None)
    }

    /// Begins with the next bands, or with the whole picture, if the first bands are doubtful and it is surer of that.
    fn begin(&mut self, times: &mut Times) -> Result<()> {
        let first = self.prompts == 0;
        let bands: Vec<Band> = self.rest.drain(..self.rest.len().min(TOGETHER)).collect();
        let shown = bands.iter().map(|band| band.show(&self.picture));
        let mut group = self.read(&shown.collect::<Vec<_>>(), times)?;
        self.prompts += bands.len();
        group.apart = bands.iter().map(Band::is_apart).collect();
        // The first letters follow from the prompts.
        group.advance(&self.pipeline, times)?;
        if first && group.sure() < DOUBT.ln() {
            let mut whole = self.read(std::slice::from_ref(&self.picture), times)?;
            self.prompts += 1;
            for group in [&mut group, &mut whole] {
                while !group.answers.ended() && !self.cancellation.is_cancelled() {
                    group.advance(&self.pipeline, times)?;
                }
            }
            if whole.sure() > group.sure() {
                self.rest.clear();
                group = whole;
            }
        }
        self.group = Some(group);
        Ok(())
    }

    /// Encodes pictures and reads the prompt about each.
    fn read(&self, shown: &[RgbImage], times: &mut Times) -> Result<Group> {
        let inner = &self.pipeline.inner;
        let start = Instant::now();
        let encoded = shown.iter().map(|picture| Ok(encode(inner, picture)?.0));
        // `[readings, image_token_len, d_model]` each; those of a picture stay together.
        let encoded = Tensor::cat(encoded.collect::<Result<Vec<_>>>()?, 0);
        times.encode += start.elapsed();
        let start = Instant::now();
        let mut session = Session::default();
        let room = self.ids.len() + self.options.max_new_tokens.min(ROOM);
        let logits = session.read(inner, &self.ids, encoded.unsqueeze_dim(1), room)?;
        times.prefill += start.elapsed();
        Ok(Group {
            session,
            apart: vec![false; shown.len()],
            answers: Apart::new(logits, shown.len(), &self.options)?,
            tokens: vec![VecDeque::new(); shown.len()],
            told: 0,
        })
    }
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
    read: Vec<(u32, f32)>,
    apart: bool,
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

/// Pictures that are read next to each other.
struct Group {
    /// Of each, whether there is more room above it than between the lines of a paragraph.
    apart: Vec<bool>,
    session: Session,
    answers: Apart,
    /// Of each, what is not yet told.
    tokens: Vec<VecDeque<(u32, f32)>>,
    /// The one that is told.
    told: usize,
}

impl Group {
    /// One more token of each picture.
    fn advance(&mut self, pipeline: &Pipeline, times: &mut Times) -> Result<()> {
        let start = Instant::now();
        let read = self.answers.advance(&pipeline.inner, &mut self.session)?;
        for (tokens, token) in self.tokens.iter_mut().zip(read) {
            tokens.extend(token.map(|(token, confidence)| (token.id, confidence)));
        }
        times.decode += start.elapsed();
        Ok(())
    }

    /// Mean logarithm of how sure the model is of what is not yet told; the least there is of nothing.
    fn sure(&self) -> f32 {
        let tokens = self.tokens.iter().flatten();
        let (count, sum) = tokens.fold((0, 0.0), |(n, sum), (_, sure)| (n + 1, sum + sure));
        match count {
            0 => f32::NEG_INFINITY,
            _ => sum / count as f32,
        }
    }
}

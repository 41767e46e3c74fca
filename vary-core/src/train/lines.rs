use burn::prelude::*;
use burn::tensor::activation::log_softmax;
use image::GrayImage;
use rayon::prelude::*;
use serde::{Deserialize, Serialize};
use vary_vision::preprocess::Strip;

use super::objective::{Loss, Objective, Step};
use crate::recognition::{RecognizerConfig, TextRecognizer, batch, ctc};
use crate::{Error, Result};

/// Lines of a sample at most.
const MAX_LINES: usize = 256;
/// Paper at the left of a strip, at most.
const MAX_OFFSET: u64 = 8;

/// A source of text lines to train a [`TextRecognizer`] on.
pub trait LineSource: Send + Sync {
    /// The image and the text of line `index`: a pure function of both arguments. `aspect` is the
    /// maximum of its width over its height; lines close to it waste the least padding.
    ///
    /// # Errors
    /// Stops the run.
    fn line(&self, index: u64, aspect: f32) -> Result<(GrayImage, String)>;

    /// Identifies the data; see [`Objective::identity`].
    fn identity(&self) -> String;
}

/// How lines are batched to samples of one width.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LineBatches {
    /// Width of all lines of a sample together, in pixels of a strip; at least the last of
    /// `widths`, at most 2^20. 6144 by default.
    pub pixels: usize,
    /// Smallest width of a sample, largest width at the start of a run, and largest width at its
    /// end, in pixels: rising, 16 to 16384. `[64, 192, 1280]` by default.
    pub widths: [usize; 3],
    /// Index of the sample from which the largest width is reached; 10,000 by default.
    pub growth: u64,
}

impl Default for LineBatches {
    fn default() -> Self {
        Self {
            pixels: 6144,
            widths: [64, 192, 1280],
            growth: 10_000,
        }
    }
}

impl LineBatches {
    /// Width of the sample at `index`: its logarithm is uniform.
    fn width(&self, index: u64) -> f32 {
        let [least, first, last] = self.widths.map(|width| width as f32);
        let progress = (index as f32 / self.growth.max(1) as f32).min(1.0);
        let most = first * (last / first).powf(progress);
        // The golden ratio spreads any run of indices evenly.
        let at = (index as f64 * 0.618_033_988_749_895).fract() as f32;
        least * (most / least).powf(at)
    }

    /// Checks ranges.
    ///
    /// # Errors
    /// [`Error::Config`] naming the field.
    pub fn validate(&self) -> Result<()> {
        let [least, first, last] = self.widths;
        if least < 16 || first < least || last < first || last > 1 << 14 {
            let reason = "`widths` must rise, from 16 to 16384 pixels";
            return Err(Error::Config(reason.into()));
        }
        if self.pixels < last || self.pixels > 1 << 20 {
            let reason = "`pixels` must be at least the last of `widths`, at most 2^20";
            return Err(Error::Config(reason.into()));
        }
        Ok(())
    }
}

/// Trains a [`TextRecognizer`] with the CTC loss, per character.
pub struct LineObjective<S> {
    config: RecognizerConfig,
    batches: LineBatches,
    source: S,
    alphabet: Vec<(char, usize)>,
}

/// Lines of one width.
pub struct LineSample {
    width: usize,
    strips: Vec<(Strip, usize)>,
    targets: Vec<Vec<usize>>,
}

impl<S: LineSource> LineObjective<S> {
    /// An objective for recognizers of `config`, on lines of `source`. A character of a line that
    /// is not in the alphabet stops the run.
    ///
    /// # Errors
    /// [`Error::Config`] for settings out of range.
    pub fn new(config: RecognizerConfig, batches: LineBatches, source: S) -> Result<Self> {
        config.validate()?;
        batches.validate()?;
        let characters = config.alphabet.chars().enumerate();
        let mut alphabet: Vec<_> = characters.map(|(i, c)| (c, i + 1)).collect();
        alphabet.sort_unstable();
        Ok(Self {
            config,
            batches,
            source,
            alphabet,
        })
    }

    fn class(&self, c: char) -> Result<usize> {
        let found = self.alphabet.binary_search_by_key(&c, |(c, _)| *c);
        found
            .map(|i| self.alphabet[i].1)
            .map_err(|_| Error::Config(format!("{c:?} is in a line, but not in the `alphabet`")))
    }
}

impl<S: LineSource> Objective for LineObjective<S> {
    type Model = TextRecognizer;
    type Sample = LineSample;

    fn sample(&self, index: u64) -> Result<LineSample> {
        let strip_config = &self.config.strip_config;
        let (height, column) = (strip_config.height, strip_config.column_width());
        let width = (self.batches.width(index) as usize).next_multiple_of(8 * column);
        let count = (self.batches.pixels / width).clamp(1, MAX_LINES) as u64;
        let lines = (0..count).into_par_iter().map(|i| {
            let room = width as u64 - MAX_OFFSET;
            let index = index * MAX_LINES as u64 + i;
            let (image, text) = self.source.line(index, room as f32 / height as f32)?;
            let classes: Result<Vec<_>> = text.chars().map(|c| self.class(c)).collect();
            let offset = index.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 32;
            let strip = Strip::new(&image, height);
            let free = width.saturating_sub(strip.width) as u64;
            Ok((
                (strip, (offset % (free.min(MAX_OFFSET) + 1)) as usize),
                classes?,
            ))
        });
        let (strips, targets) = lines.collect::<Result<Vec<_>>>()?.into_iter().unzip();
        Ok(LineSample {
            width,
            strips,
            targets,
        })
    }

    fn identity(&self) -> String {
        format!("{} {:?}", self.source.identity(), self.batches)
    }

    fn loss(
        &self,
        model: &TextRecognizer,
        micro: &[LineSample],
        step: Step<'_, LineSample>,
    ) -> Result<Loss> {
        let targets = step.samples.iter().flat_map(|sample| &sample.targets);
        let learned = targets.map(Vec::len).sum::<usize>().max(1);
        let losses = micro
            .iter()
            .map(|sample| sample.loss(model, 1.0 / learned as f32));
        let total = losses.reduce(|a, b| a + b);
        let zero = || Tensor::zeros([1], &model.device());
        Ok(Loss {
            total: total.unwrap_or_else(zero),
            parts: vec![],
        })
    }
}

impl LineSample {
    /// The loss of all lines, times `scale`.
    ///
    /// Summing over alignments is a recursion over the steps. It runs outside of the tape, together
    /// with its exact gradient, which enters as a constant factor.
    fn loss(&self, model: &TextRecognizer, scale: f32) -> Tensor<1> {
        let strips: Vec<_> = self.strips.iter().map(|(strip, at)| (strip, *at)).collect();
        let logits = model.forward(batch(&strips, self.width, &model.device()));
        let [lines, steps, classes] = logits.dims();
        let log_probs = log_softmax(logits.clone().inner(), 2).into_data();
        let log_probs: Vec<f32> = log_probs.iter().collect();
        let losses: Vec<Option<ctc::Loss>> = log_probs
            .par_chunks_exact(steps * classes)
            .zip(&self.targets)
            .map(|(line, target)| ctc::loss(line, classes, target))
            .collect();
        let mut value = 0.0;
        let mut gradient = Vec::with_capacity(log_probs.len());
        for loss in losses {
            match loss {
                Some(loss) => {
                    value += loss.value;
                    gradient.extend(loss.gradient.iter().map(|g| g * scale));
                }
                // More characters than steps: nothing to learn.
                None => gradient.resize(gradient.len() + steps * classes, 0.0),
            }
        }
        let gradient = TensorData::new(gradient, [lines, steps, classes]);
        let product = (logits * Tensor::from_data(gradient, &model.device())).sum();
        product.clone() - product.detach() + value * scale
    }
}

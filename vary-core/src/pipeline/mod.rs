//! From images and a question to an answer: text, boxes in pixels, scores.
//!
#![cfg_attr(feature = "nano", doc = "```")]
#![cfg_attr(not(feature = "nano"), doc = "```ignore")]
//! use vary_core::prelude::*;
//!
//! # fn main() -> vary_core::Result<()> {
//! # let image = image::RgbImage::new(64, 48);
//! let vary = Pipeline::builder().build()?;
//! for found in vary.detect(&image)? {
//!     println!("{} {:?}", found.label, found.bbox);
//! }
//!
//! // Encoded once, asked twice, with options.
//! let encoded = vary.encode(&image)?;
//! let options = AnswerOptions::default().with_max_new_tokens(40);
//! let cars = vary.answer(&encoded, Task::DetectClasses(&["car"]), &options)?;
//! println!("{} ({:?}, {} tokens)", cars.text, cars.finish, cars.usage.new_tokens);
//! println!("{:?}", vary.locate(&encoded, "the left car")?);
//! # Ok(())
//! # }
//! ```
//!
//! [`Pipeline::answer`], [`Pipeline::stream`] and [`Pipeline::answer_batch`] take any [`Task`] with
//! options; the verbs ([`detect`](Pipeline::detect), [`read`](Pipeline::read),
//! [`ask`](Pipeline::ask), ..) are short forms. [`Task::Ask`] puts any prompt in the place of the
//! paper's. Which tasks are answered well depends on the weights.
//!
//! An answer passes five stages, each a module: `plan` turns a task into requests, `encode` turns
//! their views into image tokens, `decode` runs the language model over a batch of requests,
//! `parse` extracts text and boxes, `merge` joins the answers to the requests.
//!
//! [`Task`]: crate::prompt::Task
//! [`Task::Ask`]: crate::prompt::Task::Ask

mod answer;
mod batch;
mod builder;
mod chat;
mod confidence;
mod decode;
mod device;
mod encode;
mod inference_config;
mod input;
mod merge;
#[cfg(feature = "nano")]
mod nano;
mod options;
mod parse;
mod plan;
mod read;
mod stream;
mod text_kind;
mod verbs;
mod weights;

use std::fmt;
use std::sync::Arc;

use burn::prelude::*;
use vary_lm::tokenizer::{CoordinateTokens, Tokenizer};

pub use answer::{Answer, Event, Scored, Times, TokenScore, Usage};
pub use builder::PipelineBuilder;
pub use chat::{Chat, ChatStream, Turn};
pub use device::{default_device, named_device};
pub use inference_config::InferenceConfig;
pub use input::{AsImage, AsImages, EncodedImage};
pub use options::AnswerOptions;
pub use read::{BULLETS, heading};
pub use stream::AnswerStream;
pub use text_kind::TextKind;
pub use vary_lm::generate::{CancellationToken, FinishReason, LoopGuard, Sampling};
pub use vary_vision::preprocess::{DecodeOptions, decode, open};
pub use weights::{Checkpoint, Weights, save_pretrained};

use crate::checkpoint::SaveOptions;
use crate::model::{AnyModel, ImagePlaceholder, ModelConfig, VaryModel};
use crate::recognition::Recognizer;
use crate::{Error, Result};

/// A model with its tokenizer and settings: answers questions about images.
///
/// Make one with [`builder`](Self::builder). Clones are cheap and share the weights. Requests leave
/// no state behind, so any number of threads may use one pipeline at the same time; each gets the
/// answers that it would get alone.
#[derive(Clone)]
pub struct Pipeline {
    inner: Arc<Inner>,
}

struct Inner {
    model: AnyModel,
    config: ModelConfig,
    inference: InferenceConfig,
    tokenizer: Tokenizer,
    /// Reads text in place of the language model.
    recognizer: Option<Recognizer>,
    coordinates: Option<CoordinateTokens>,
    stop_tokens: Vec<u32>,
    max_batch: usize,
}

impl fmt::Debug for Pipeline {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pipeline")
            .field("config", &self.inner.config)
            .field("inference", &self.inner.inference)
            .field("device", &self.device())
            .finish_non_exhaustive()
    }
}

impl Pipeline {
    /// Settings of a new pipeline: by default the embedded model (feature `nano`) on the best
    /// device, in f32.
    ///
    /// ```no_run
    /// use vary_core::prelude::*;
    ///
    /// # fn main() -> vary_core::Result<()> {
    /// let vary = Pipeline::builder()
    ///     .weights(Weights::dir("Vary-toy"))
    ///     .precision(Precision::Bf16)
    ///     .build()?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn builder() -> PipelineBuilder {
        PipelineBuilder::default()
    }

    /// A pipeline of a model in memory, such as one that was just trained (on a device without
    /// autodiff). [`PipelineBuilder::model`] takes further settings.
    ///
    /// # Errors
    /// [`Error::TokenizerMismatch`] when the tokenizer is another model's, and the errors of
    /// [`ModelConfig::validate`].
    pub fn new(
        model: impl VaryModel + 'static,
        config: impl Into<ModelConfig>,
        tokenizer: Tokenizer,
    ) -> Result<Self> {
        Self::builder().model(model, config, tokenizer).build()
    }

    /// Configuration of the model.
    pub fn config(&self) -> &ModelConfig {
        &self.inner.config
    }

    /// Settings for inference that `config.json` does not have: the calibration map of the scores,
    /// the form of the prompts.
    pub fn inference_config(&self) -> &InferenceConfig {
        &self.inner.inference
    }

    /// Maximum number of tokens of a conversation, images and answers included.
    pub fn max_positions(&self) -> usize {
        self.inner.max_positions()
    }

    /// The model's tokenizer.
    pub fn tokenizer(&self) -> &Tokenizer {
        &self.inner.tokenizer
    }

    /// The device of the model's parameters.
    pub fn device(&self) -> Device {
        self.inner.model.language_model().device()
    }

    /// Writes the model, and its text recognizer if it has one, as a checkpoint directory that
    /// [`Weights::dir`] opens, see [`save_pretrained`].
    ///
    /// # Errors
    /// As [`save_pretrained`].
    pub fn save_pretrained(
        &self,
        dir: impl AsRef<std::path::Path>,
        options: &SaveOptions,
    ) -> Result<()> {
        let Inner {
            model,
            config,
            inference,
            tokenizer,
            recognizer,
            ..
        } = &*self.inner;
        if let Some(recognizer) = recognizer {
            recognizer.save(dir.as_ref().join(weights::RECOGNIZER), options)?;
        }
        save_pretrained(model.as_ref(), config, tokenizer, inference, dir, options)
    }
}

impl Inner {
    fn new(
        model: AnyModel,
        config: ModelConfig,
        inference: InferenceConfig,
        tokenizer: Tokenizer,
        recognizer: Option<Recognizer>,
        max_batch: usize,
    ) -> Result<Self> {
        config.validate()?;
        check_tokenizer(&config, &tokenizer)?;
        let stop = config.info().stop_tokens.iter();
        let stop = stop.map(|token| tokenizer.require(token));
        Ok(Self {
            coordinates: CoordinateTokens::find(&tokenizer),
            stop_tokens: stop.collect::<Result<_, _>>()?,
            model,
            config,
            inference,
            tokenizer,
            recognizer,
            max_batch,
        })
    }

    fn image_placeholder(&self) -> ImagePlaceholder {
        self.model.image_placeholder()
    }

    fn max_positions(&self) -> usize {
        self.model.language_model().max_positions()
    }

    /// Reads logits, `[batch, vocab]`.
    fn text_logits(&self, logits: Tensor<2>) -> TextLogits {
        let [_, vocab] = logits.dims();
        let known = self.tokenizer.vocab_size().min(vocab);
        // In f32 after the conversion.
        let values = logits.into_data().convert::<f32>();
        TextLogits {
            values: values.try_into_vec().unwrap_or_default(),
            vocab,
            known,
        }
    }
}

/// Logits of the tokens that the tokenizer has; tables of models may have more.
struct TextLogits {
    values: Vec<f32>,
    vocab: usize,
    known: usize,
}

impl TextLogits {
    /// The logits of a sequence of the batch.
    fn row(&self, at: usize) -> &[f32] {
        let row = self.values.chunks_exact(self.vocab.max(1)).nth(at);
        row.map_or(&[], |row| &row[..self.known])
    }
}

/// Checks that `tokenizer` names the tokens that `config` counts on.
fn check_tokenizer(config: &ModelConfig, tokenizer: &Tokenizer) -> Result<()> {
    let fail = |reason| Err(Error::TokenizerMismatch { reason });
    let info = config.info();
    let (tokens, rows) = (tokenizer.vocab_size(), info.vocab_size);
    if tokens > rows {
        return fail(format!(
            "the tokenizer has {tokens} tokens, but `vocab_size` is {rows}"
        ));
    }
    for (name, field, expected) in info.token_fields {
        let id = tokenizer.require(name)?;
        if id != expected {
            return fail(format!(
                "`{name}` is token {id}, but `{field}` is {expected}"
            ));
        }
    }
    Ok(())
}

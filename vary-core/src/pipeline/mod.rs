//! From pictures and a question to an answer: text, boxes in pixels, scores.
//!
#![cfg_attr(feature = "nano", doc = "```")]
#![cfg_attr(not(feature = "nano"), doc = "```ignore")]
//! use vary_core::pipeline::{AnswerOptions, Pipeline};
//! use vary_core::prompt::Task;
//!
//! # fn main() -> vary_core::Result<()> {
//! # let image = image::RgbImage::new(64, 48);
//! let vary = Pipeline::builder().build()?;
//! for found in vary.detect(&image)? {
//!     println!("{} {:.2} {:?}", found.label, found.score, found.bbox);
//! }
//!
//! // Encoded once, asked twice, with options.
//! let seen = vary.encode(&image)?;
//! let options = AnswerOptions { max_new_tokens: 40, ..Default::default() };
//! let cars = vary.answer(&seen, Task::DetectClasses(&["car"]), &options)?;
//! println!("{} ({:?}, {} tokens)", cars.text, cars.finish, cars.usage.new_tokens);
//! println!("{:?}", vary.locate(&seen, "the left car")?);
//! # Ok(())
//! # }
//! ```
//!
//! [`Pipeline::answer`] and [`Pipeline::stream`] take any [`Task`] with options; the verbs
//! ([`detect`](Pipeline::detect), [`read`](Pipeline::read), [`ask`](Pipeline::ask), ..) are short
//! forms. [`Task::Ask`] puts any prompt in the place of the paper's. Which tasks are answered well
//! is a matter of the weights; the card of the embedded model, `assets/README.md`, says what it knows.

mod answer;
mod apart;
mod bands;
mod builder;
mod chat;
mod frame;
mod image;
mod joint;
mod markdown;
#[cfg(feature = "nano")]
mod nano;
mod reread;
mod score;
mod session;
mod stream;
mod transcript;
mod verbs;

use std::fmt;
use std::sync::Arc;

use burn::prelude::*;
use vary_lm::tokenizer::{CoordinateTokens, END_OF_TEXT, EOS, IM_END, Tokenizer};

pub use answer::{Answer, AnswerOptions, Event, Scored, Times, TokenScore, Usage};
pub use builder::{Checkpoint, PipelineBuilder, Weights, default_device};
pub use chat::{Chat, ChatStream, Turn};
pub use image::{AsImage, AsImages, EncodedImage};
pub use stream::AnswerStream;
pub use vary_lm::generate::{CancellationToken, FinishReason, LoopGuard, Sampling};
pub use vary_vision::preprocess::{DecodeOptions, decode, open};

use crate::checkpoint::Precision;
use crate::model::{AnyModel, ModelConfig, VaryModel};
use crate::prompt::Task;
use crate::{Error, Result};
use session::Session;

/// A model with all that it takes to answer questions about pictures.
///
/// Clones share the weights. It keeps nothing of a request, so any number of threads may use one
/// at the same time and get what they would get alone.
#[derive(Clone)]
pub struct Pipeline {
    inner: Arc<Inner>,
}

struct Inner {
    model: AnyModel,
    config: ModelConfig,
    tokenizer: Tokenizer,
    coordinates: Option<CoordinateTokens>,
    stop_tokens: Vec<u32>,
}

impl fmt::Debug for Pipeline {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pipeline")
            .field("config", &self.inner.config)
            .field("device", &self.device())
            .finish_non_exhaustive()
    }
}

impl Pipeline {
    /// Starts with the embedded model, if there is one, on the best device.
    pub fn builder() -> PipelineBuilder {
        PipelineBuilder::default()
    }

    /// Puts a model in memory to use, such as one that was just trained (on a device without
    /// autodiff).
    ///
    /// # Errors
    /// [`Error::TokenizerMismatch`] when the tokenizer is another model's, or what
    /// [`ModelConfig::validate`] finds.
    pub fn new(
        model: impl VaryModel + 'static,
        config: impl Into<ModelConfig>,
        tokenizer: Tokenizer,
    ) -> Result<Self> {
        Self::from_parts(Box::new(model), config.into(), tokenizer)
    }

    fn from_parts(model: AnyModel, config: ModelConfig, tokenizer: Tokenizer) -> Result<Self> {
        config.validate()?;
        check_tokenizer(&config, &tokenizer)?;
        let inner = Inner {
            coordinates: CoordinateTokens::find(&tokenizer),
            stop_tokens: stop_tokens(&config, &tokenizer)?,
            model,
            config,
            tokenizer,
        };
        Ok(Self {
            inner: Arc::new(inner),
        })
    }

    /// Configuration of the model.
    pub fn config(&self) -> &ModelConfig {
        &self.inner.config
    }

    /// The most tokens that a conversation may have, pictures and answers included.
    pub fn max_positions(&self) -> usize {
        self.inner.model.language_model().max_positions()
    }

    /// The model's tokenizer.
    pub fn tokenizer(&self) -> &Tokenizer {
        &self.inner.tokenizer
    }

    /// Where the model is.
    pub fn device(&self) -> Device {
        self.inner.model.language_model().device()
    }

    /// Encodes a picture once, for any number of questions.
    ///
    /// # Errors
    /// [`Error::Vision`] for a picture without pixels, [`Error::ForeignImage`] for one that another pipeline
    /// has encoded.
    pub fn encode(&self, image: &impl AsImage) -> Result<EncodedImage> {
        image.encoded(self)
    }

    /// Answers a task about a picture, or about several that are shown in order; boxes are in
    /// pixels of the first.
    ///
    /// # Errors
    /// [`Error::ContextLength`] when the question is too long for the model, [`Error::Lm`] when an
    /// option is out of range, [`Error::EmptyQuestion`], [`Error::SpecialToken`],
    /// [`Error::NoPictures`], [`Error::ForeignImage`], [`Error::Vision`].
    pub fn answer(
        &self,
        images: &(impl AsImages + ?Sized),
        task: Task<'_>,
        options: &AnswerOptions,
    ) -> Result<Answer> {
        self.stream(images, task, options)?.finish()
    }

    /// Like [`answer`](Self::answer), told as it comes: a box is there as soon as its last token
    /// is. The pictures are encoded and the prompt is read before this returns.
    ///
    /// # Errors
    /// As [`answer`](Self::answer).
    pub fn stream(
        &self,
        images: &(impl AsImages + ?Sized),
        task: Task<'_>,
        options: &AnswerOptions,
    ) -> Result<AnswerStream> {
        task.check()?;
        let question = task.question(self.inner.config.family());
        AnswerStream::start(
            self,
            images,
            &[(&question, None)],
            Session::shared(),
            options,
        )
    }

    /// [`answer`](Self::answer) for many pictures, each on its own; one that fails does not touch
    /// the others.
    pub fn answer_batch(
        &self,
        images: &[impl AsImage],
        task: Task<'_>,
        options: &AnswerOptions,
    ) -> Vec<Result<Answer>> {
        images
            .iter()
            .map(|image| self.answer(image, task, options))
            .collect()
    }
}

/// Ids that end an answer.
fn stop_tokens(config: &ModelConfig, tokenizer: &Tokenizer) -> Result<Vec<u32>> {
    Ok(match config {
        ModelConfig::VaryTiny(config) => vec![config.opt.eos_token_id],
        ModelConfig::VaryToy(_) => {
            vec![tokenizer.require(IM_END)?, tokenizer.require(END_OF_TEXT)?]
        }
    })
}

/// Checks that `tokenizer` names the tokens that `config` counts on.
fn check_tokenizer(config: &ModelConfig, tokenizer: &Tokenizer) -> Result<()> {
    let fail = |reason| Err(Error::TokenizerMismatch { reason });
    let (tokens, rows) = (tokenizer.vocab_size(), config.vocab_size());
    if tokens > rows {
        return fail(format!(
            "the tokenizer has {tokens} tokens, but `vocab_size` is {rows}"
        ));
    }
    let (image, place) = (tokenizer.image_tokens()?, config.image_place());
    let mut known = vec![
        ("<imgpad>", image.patch, "im_patch_token", place.patch),
        ("<img>", image.start, "im_start_token", place.start),
        ("</img>", image.end, "im_end_token", place.end),
    ];
    if let ModelConfig::VaryTiny(config) = config {
        let eos = tokenizer.require(EOS)?;
        known.push((EOS, eos, "eos_token_id", config.opt.eos_token_id));
    }
    for (name, id, field, expected) in known {
        if id != expected {
            return fail(format!(
                "`{name}` is token {id}, but `{field}` is {expected}"
            ));
        }
    }
    Ok(())
}

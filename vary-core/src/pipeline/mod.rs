//! From a picture to boxes.
//!
#![cfg_attr(feature = "nano", doc = "```")]
#![cfg_attr(not(feature = "nano"), doc = "```ignore")]
//! use vary_core::pipeline::{DetectOptions, Pipeline};
//!
//! # fn main() -> vary_core::Result<()> {
//! # let image = image::RgbImage::new(64, 48);
//! let vary = Pipeline::builder().build()?;
//! for found in vary.detect(&image)? {
//!     println!("{} {:.2} {:?}", found.label, found.score, found.bbox);
//! }
//!
//! // Encoded once, asked twice.
//! let seen = vary.encode(&image)?;
//! let cars = DetectOptions { classes: Some(vec!["car".into()]), ..Default::default() };
//! println!("{}", vary.detect_with(&seen, &cars)?.text);
//! println!("{:?}", vary.locate(&seen, "the left car")?);
//! # Ok(())
//! # }
//! ```

mod answer;
mod builder;
mod image;
#[cfg(feature = "nano")]
mod nano;
mod score;
mod stream;
mod transcript;

use std::fmt;
use std::sync::Arc;

use burn::prelude::*;
use vary_lm::tokenizer::{CoordinateTokens, EOS, Tokenizer};
use vary_vision::preprocess::ImageProcessor;

pub use answer::{Answer, DetectOptions, Event, Times, Usage};
pub use builder::{PipelineBuilder, Weights};
pub use image::{AsImage, EncodedImage};
pub use stream::AnswerStream;
pub use vary_lm::generate::{CancellationToken, FinishReason, LoopGuard, Sampling};
pub use vary_vision::preprocess::{DecodeOptions, decode, open};

use crate::detection::Detection;
use crate::model::{VaryTiny, VaryTinyConfig};
use crate::prompt::Task;
use crate::{Error, Result};

/// A model with all that it takes to answer questions about pictures.
///
/// Clones share the weights. It keeps nothing of a request, so any number of threads may use one
/// at the same time and get what they would get alone.
#[derive(Clone)]
pub struct Pipeline {
    inner: Arc<Inner>,
}

struct Inner {
    model: VaryTiny,
    config: VaryTinyConfig,
    tokenizer: Tokenizer,
    coordinates: Option<CoordinateTokens>,
    processor: ImageProcessor,
    device: Device,
}

impl fmt::Debug for Pipeline {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pipeline")
            .field("config", &self.inner.config)
            .field("device", &self.inner.device)
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
    /// [`VaryTinyConfig::validate`] finds.
    pub fn new(model: VaryTiny, config: VaryTinyConfig, tokenizer: Tokenizer) -> Result<Self> {
        config.validate()?;
        check_tokenizer(&config, &tokenizer)?;
        let inner = Inner {
            device: model.decoder.embed_tokens.weight.val().device(),
            coordinates: CoordinateTokens::find(&tokenizer),
            processor: ImageProcessor::vary(config.sam_config.img_size),
            model,
            config,
            tokenizer,
        };
        Ok(Self {
            inner: Arc::new(inner),
        })
    }

    /// Configuration of the model.
    pub fn config(&self) -> &VaryTinyConfig {
        &self.inner.config
    }

    /// The model's tokenizer.
    pub fn tokenizer(&self) -> &Tokenizer {
        &self.inner.tokenizer
    }

    /// Encodes a picture once, for any number of questions.
    ///
    /// # Errors
    /// [`Error::Vision`] for a picture without pixels.
    pub fn encode(&self, image: &impl AsImage) -> Result<EncodedImage> {
        image.encoded(self)
    }

    /// All objects of a picture, the surest first.
    ///
    /// # Errors
    /// As [`detect_with`](Self::detect_with).
    pub fn detect(&self, image: &impl AsImage) -> Result<Vec<Detection>> {
        Ok(self
            .detect_with(image, &DetectOptions::default())?
            .detections)
    }

    /// Objects of a picture, with the model's own words, counts and times.
    ///
    /// # Errors
    /// [`Error::ContextLength`] when the question is too long for the model, [`Error::Lm`] when an
    /// option is out of range, [`Error::EmptyQuestion`], [`Error::ForeignImage`], [`Error::Vision`].
    pub fn detect_with(&self, image: &impl AsImage, options: &DetectOptions) -> Result<Answer> {
        self.detect_stream(image, options)?.finish()
    }

    /// Like [`detect_with`](Self::detect_with), told as it comes: a box is there as soon as its
    /// last token is. The picture is encoded before this returns.
    ///
    /// # Errors
    /// As [`detect_with`](Self::detect_with).
    pub fn detect_stream(
        &self,
        image: &impl AsImage,
        options: &DetectOptions,
    ) -> Result<AnswerStream> {
        let names: Option<Vec<&str>> = options
            .classes
            .as_ref()
            .map(|classes| classes.iter().map(|class| class.trim()).collect());
        let task = match &names {
            None => Task::DetectAll,
            Some(names) if names.is_empty() || names.contains(&"") => {
                return Err(Error::EmptyQuestion {
                    what: "the list of classes, or one of them,",
                    fix: "name what to look for, or leave `classes` out for all objects",
                });
            }
            Some(names) => Task::DetectClasses(names),
        };
        AnswerStream::start(self, image, &task.to_string(), options)
    }

    /// [`detect`](Self::detect) for many pictures; one that fails does not touch the others.
    pub fn detect_batch(&self, images: &[impl AsImage]) -> Vec<Result<Vec<Detection>>> {
        images.iter().map(|image| self.detect(image)).collect()
    }

    /// The object that a phrase such as "the left car" refers to: the surest box of the answer.
    /// Its label is empty where the model answers with a box alone.
    ///
    /// # Errors
    /// As [`detect_with`](Self::detect_with).
    pub fn locate(&self, image: &impl AsImage, phrase: &str) -> Result<Option<Detection>> {
        if phrase.trim().is_empty() {
            return Err(Error::EmptyQuestion {
                what: "the phrase",
                fix: "say which object to find",
            });
        }
        let question = Task::Locate(phrase).to_string();
        let stream = AnswerStream::start(self, image, &question, &DetectOptions::default())?;
        Ok(stream.finish()?.detections.into_iter().next())
    }
}

/// Checks that `tokenizer` names the tokens that `config` counts on.
fn check_tokenizer(config: &VaryTinyConfig, tokenizer: &Tokenizer) -> Result<()> {
    let fail = |reason| Err(Error::TokenizerMismatch { reason });
    let (tokens, rows) = (tokenizer.vocab_size(), config.opt.vocab_size);
    if tokens > rows {
        return fail(format!(
            "the tokenizer has {tokens} tokens, but `vocab_size` is {rows}"
        ));
    }
    let image = tokenizer.image_tokens()?;
    for (name, id, field, expected) in [
        (
            "<imgpad>",
            image.patch,
            "im_patch_token",
            config.im_patch_token,
        ),
        (
            "<img>",
            image.start,
            "im_start_token",
            config.im_start_token,
        ),
        ("</img>", image.end, "im_end_token", config.im_end_token),
        (
            EOS,
            tokenizer.require(EOS)?,
            "eos_token_id",
            config.opt.eos_token_id,
        ),
    ] {
        if id != expected {
            return fail(format!(
                "`{name}` is token {id}, but `{field}` is {expected}"
            ));
        }
    }
    Ok(())
}

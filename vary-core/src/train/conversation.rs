use std::marker::PhantomData;

use burn::optim::GradientsParams;
use burn::prelude::*;
use image::RgbImage;
use vary_lm::tokenizer::Tokenizer;
use vary_vision::preprocess::ImageProcessor;

use super::activation_checkpointing::CheckpointedPass;
use super::data::{Conversation, Mixture};
use super::{Loss, LossValue, Objective, Step, answer_loss, learned_labels};
use crate::model::{FamilyConfig, FamilyModel, ImagePlaceholder};
use crate::{Error, Result};

/// Conversations in a row that may have nothing to learn before the run stops.
const TRIES: u64 = 64;

/// The objective that learns the answers of conversations: the second stage of the paper (arXiv
/// 2401.12503, section 3.2), and fine-tuning.
///
/// Labels are those of [`Family::label`](crate::model::Family::label). The loss is the mean over
/// the learned tokens of an optimizer step. A conversation with an unreadable image, or of which
/// nothing would be learned, is counted in the [`Mixture`] and replaced by another one.
pub struct ConversationObjective<M> {
    data: Mixture,
    tokenizer: Tokenizer,
    processors: Vec<ImageProcessor>,
    place: ImagePlaceholder,
    max_len: usize,
    activation_checkpointing: bool,
    model: PhantomData<fn() -> M>,
}

/// A conversation made ready for batching.
#[derive(Debug)]
pub struct ConversationSample {
    /// For each tower, the squares of the images, in 8 bits.
    squares: Vec<Vec<RgbImage>>,
    ids: Vec<u32>,
    labels: Vec<i64>,
    origin: String,
}

/// Token ids with a label for each.
type IdsAndLabels = (Vec<u32>, Vec<i64>);

impl<M: FamilyModel> ConversationObjective<M> {
    /// An objective for `model`. Conversations are cut off after `max_len` tokens
    /// (`model_max_length` of the original), at most the positions of the model.
    pub fn new(model: &M, tokenizer: Tokenizer, data: Mixture, max_len: usize) -> Self {
        Self {
            data,
            tokenizer,
            processors: model.processors().to_vec(),
            place: model.image_placeholder(),
            max_len: max_len.min(model.language_model().max_positions()),
            activation_checkpointing: false,
            model: PhantomData,
        }
    }

    /// Computes the blocks of a trained tower again in the backward pass instead of keeping their
    /// activations: a fraction of the memory for about a third more time. Off by default; gradients
    /// are the same.
    #[must_use]
    pub fn activation_checkpointing(mut self, on: bool) -> Self {
        self.activation_checkpointing = on;
        self
    }

    /// Mean loss over the learned tokens of the first `count` conversations of the data order, off
    /// the tape, `micro` conversations at a time.
    ///
    /// # Errors
    /// Those of [`sample`](Objective::sample) and [`loss`](Objective::loss).
    pub fn mean_loss(&self, model: &M, count: usize, micro: usize) -> Result<f32> {
        let model = model.valid();
        let (mut sum, mut learned) = (0.0, 0);
        let places: Vec<u64> = (0..count as u64).collect();
        for places in places.chunks(micro.max(1)) {
            let samples = places.iter().map(|&place| self.sample(place));
            let samples: Vec<ConversationSample> = samples.collect::<Result<_>>()?;
            let step = Step {
                index: 0,
                samples: &samples,
            };
            let tokens: usize = samples.iter().map(|s| learned_labels(&s.labels)).sum();
            let mean = self
                .loss(&model, &samples, step)?
                .total
                .into_scalar::<f32>();
            sum += f64::from(mean) * tokens as f64;
            learned += tokens;
        }
        Ok((sum / learned.max(1) as f64) as f32)
    }

    /// The data, with the conversations skipped so far.
    pub fn data(&self) -> &Mixture {
        &self.data
    }

    /// The sample of a conversation, or the reason why nothing of it would be learned.
    fn prepare(&self, conversation: &Conversation) -> Result<Result<ConversationSample, String>> {
        let (ids, labels) = match self.label(conversation)? {
            Ok(labelled) => labelled,
            Err(reason) => return Ok(Err(reason)),
        };
        let squares = |p: &ImageProcessor| {
            let images = conversation.images.iter();
            images.map(|image| p.resized(image)).collect()
        };
        let squares: Result<_, _> = self.processors.iter().map(squares).collect();
        let squares = match squares {
            Ok(squares) => squares,
            Err(error) => return Ok(Err(error.to_string())),
        };
        Ok(Ok(ConversationSample {
            squares,
            ids,
            labels,
            origin: conversation.origin.clone(),
        }))
    }

    /// Ids and labels of a conversation, or the reason why nothing of it would be learned.
    fn label(&self, conversation: &Conversation) -> Result<Result<IdsAndLabels, String>> {
        let family = M::Config::FAMILY;
        let bos = family.prompt_style().adds_bos;
        let encode = |text: &str| Ok(self.tokenizer.encode(text, bos)?);
        let messages = &conversation.messages;
        let (images, len) = (conversation.images.len(), self.place.len);
        let labelled = family.label(messages, images, len, Some(self.max_len), encode);
        let labelled = match labelled {
            Err(Error::Conversation { reason }) => return Ok(Err(reason)),
            other => other?,
        };
        if let Some((turns, text)) = labelled.mismatch {
            let reason = format!(
                "its turns are {turns} tokens, its text {text}: nothing of it can be learned"
            );
            return Ok(Err(reason));
        }
        if learned_labels(&labelled.labels) == 0 {
            return Ok(Err(format!(
                "no token is learned: its answers are empty, or beyond the {} tokens of a sample",
                self.max_len
            )));
        }
        // Text may spell the placeholder's tokens itself, and a cut may fall into a placeholder.
        let images = conversation.images.len();
        let ids = std::slice::from_ref(&labelled.ids);
        if let Err(Error::ImagePlaceholder { reason, .. }) =
            self.place.rows(ids, ids[0].len(), images)
        {
            return Ok(Err(format!("{reason} (cut to {} tokens)", self.max_len)));
        }
        Ok(Ok((labelled.ids, labelled.labels)))
    }

    /// The images of a batch for each tower; none if there are none.
    fn pixels(&self, micro: &[ConversationSample], device: &Device) -> Option<Vec<Tensor<4>>> {
        let images: usize = micro.iter().map(|s| s.squares[0].len()).sum();
        let tower = |(i, p): (usize, &ImageProcessor)| {
            let squares = micro.iter().flat_map(|sample| &sample.squares[i]);
            let values: Vec<f32> = squares.flat_map(|square| p.normalized(square)).collect();
            Tensor::from_data(TensorData::new(values, [images, 3, p.size, p.size]), device)
        };
        (images > 0).then(|| self.processors.iter().enumerate().map(tower).collect())
    }

    fn answers(
        model: &M,
        micro: &[ConversationSample],
        image_tokens: Option<Tensor<3>>,
        step: Step<'_, ConversationSample>,
    ) -> Result<Loss> {
        let ids: Vec<_> = micro.iter().map(|s| s.ids.clone()).collect();
        let labels: Vec<_> = micro.iter().map(|s| s.labels.clone()).collect();
        let learned = step.samples.iter().map(|s| learned_labels(&s.labels)).sum();
        Ok(Loss {
            total: answer_loss(model, &ids, &labels, image_tokens, learned)?,
            parts: vec![],
        })
    }
}

impl<M: FamilyModel> Objective for ConversationObjective<M> {
    type Model = M;
    type Sample = ConversationSample;

    fn identity(&self) -> String {
        format!(
            "{} in samples of {} tokens",
            self.data.identity(),
            self.max_len
        )
    }

    fn sample(&self, index: u64) -> Result<ConversationSample> {
        let mut last = String::new();
        for attempt in 0..TRIES {
            let unusable = match self.data.conversation(index, attempt) {
                Ok(conversation) => match self.prepare(&conversation)? {
                    Ok(sample) => return Ok(sample),
                    Err(reason) => format!("{}: {reason}", conversation.origin),
                },
                Err(error @ Error::Image { .. }) => error.to_string(),
                Err(error) => return Err(error),
            };
            last.clone_from(&unusable);
            self.data.skip(unusable);
        }
        Err(Error::NothingLearned { tries: TRIES, last })
    }

    fn describe(&self, _index: u64, sample: &ConversationSample) -> String {
        sample.origin.clone()
    }

    fn loss(
        &self,
        model: &M,
        micro: &[ConversationSample],
        step: Step<'_, ConversationSample>,
    ) -> Result<Loss> {
        let device = model.language_model().device();
        let image_tokens = self
            .pixels(micro, &device)
            .map(|pixels| model.encode_pixels(pixels));
        Self::answers(model, micro, image_tokens, step)
    }

    fn gradients(
        &self,
        model: &M,
        micro: &[ConversationSample],
        step: Step<'_, ConversationSample>,
    ) -> Result<(GradientsParams, LossValue)> {
        let device = model.language_model().device();
        let pixels = self.pixels(micro, &device);
        let (tower, projector, mut pixels) = match (model.trained_tower(), pixels) {
            (Some((tower, projector)), Some(pixels)) if self.activation_checkpointing => {
                (tower, projector, pixels)
            }
            (_, pixels) => {
                let image_tokens = pixels.map(|pixels| model.encode_pixels(pixels));
                let loss = Self::answers(model, micro, image_tokens, step)?;
                return Ok(loss.gradients(model));
            }
        };
        let pass = CheckpointedPass::forward(tower, pixels.remove(0));
        let image_tokens = projector.forward(pass.tokens.clone());
        let loss = Self::answers(model, micro, Some(image_tokens), step)?;
        let value = LossValue::of(&loss);
        let mut all = loss.total.backward();
        let of_tokens = pass.tokens.grad_remove(&mut all);
        let mut grads = GradientsParams::from_grads(all, model);
        if let Some(of_tokens) = of_tokens {
            pass.backward(tower, of_tokens, &mut grads);
        }
        Ok((grads, value))
    }
}

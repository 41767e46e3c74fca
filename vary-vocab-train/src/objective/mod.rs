mod answer;
mod look;
mod sample;
mod student;

use std::marker::PhantomData;

use burn::module::Module;
use burn::nn::{Linear, LinearConfig};
use burn::prelude::*;
use vary_core::model::{ModelConfig, VaryTiny};
use vary_core::train::{Loss, Objective, Step};
use vary_lm::tokenizer::{CoordinateTokens, Tokenizer};
use vary_vision::preprocess::ImageProcessor;

use crate::charts::Charts;
use crate::dense::{DenseHeads, DenseHeadsConfig};
use crate::scenes::{Atlas, SceneConfig};
use crate::texts::{TextConfig, Texts};

pub use sample::SceneSample;
pub use student::Student;

/// A model with the helper heads that training throws away.
#[derive(Module, Debug)]
pub struct SceneModel<M: Module = VaryTiny> {
    /// What is kept.
    pub vary: M,
    /// For a vision vocabulary that learns.
    dense: Option<DenseHeads>,
    /// Edges of a box from the hidden state that is about to spell it.
    edges: Linear,
    /// Where the next letter is, from the hidden state that is about to read it.
    pointer: Linear,
}

impl<M: Student> SceneModel<M> {
    /// Adds fresh helper heads to a model of `config`.
    pub fn new(vary: M, config: &ModelConfig, classes: usize, device: &Device) -> Self {
        let [_, d_model] = vary.language_model().embedding_shape();
        let heads = vary.vocabulary().map(|_| DenseHeadsConfig {
            classes,
            neck_chans: config.sam_config().out_chans,
            d_model,
        });
        Self {
            vary,
            dense: heads.map(|heads| heads.init(device)),
            edges: LinearConfig::new(d_model, 4).init(device),
            pointer: LinearConfig::new(d_model, 4).init(device),
        }
    }
}

/// Detection on drawn scenes and reading of drawn texts, by autoregression with dense help.
pub struct SceneObjective<M = VaryTiny> {
    /// Whom it teaches.
    pub student: PhantomData<fn() -> M>,
    /// The model's sizes.
    pub model: ModelConfig,
    /// What scenes look like.
    pub scenes: SceneConfig,
    /// Sprites.
    pub atlas: Atlas,
    /// What pictures of text look like.
    pub text_config: TextConfig,
    /// Fonts and words.
    pub texts: Texts,
    /// Charts and forms, and which share of the pictures of text they are.
    pub charts: Option<(Charts, f64)>,
    /// Share of the passes that are of texts, 0 to 1.
    pub text_share: f64,
    /// Samples of a pass.
    pub micro_batch_size: u64,
    /// Questions asked about a picture, fewer where the same is drawn twice. The tower, which costs
    /// most of a step, sees a picture once for all of them.
    pub questions: usize,
    /// Share of the pictures whose questions are the turns of one conversation, where the model has
    /// room for it; else each is asked alone.
    pub follow_ups: f64,
    /// Tokenizer of the model.
    pub tokenizer: Tokenizer,
    /// Its coordinate tokens, where it has them.
    pub coordinates: Option<CoordinateTokens>,
    /// Seed of the data order.
    pub seed: u64,
    /// Steps at the start in which the language model rests: only the helper heads' losses are
    /// learned. None for a Vary-toy, which has no such heads.
    pub dense_steps: u64,
    /// Steps after those in which the vision vocabulary rests: a step costs a third, and the
    /// language model learns to read what the tokens already say.
    pub frozen_steps: u64,
    /// Width of the soft targets of coordinate tokens, in thousandths of the picture.
    pub sigma: f32,
}

/// Parts of a run; see [`SceneObjective::dense_steps`] and `frozen_steps`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    Dense,
    Frozen,
    Joint,
}

/// Weight of the patches' boxes.
const PATCH_BOXES: f32 = 0.5;

impl<M: Student> Objective for SceneObjective<M> {
    type Model = SceneModel<M>;
    type Sample = SceneSample;

    fn sample(&self, index: u64) -> vary_core::Result<SceneSample> {
        self.make(index)
    }

    fn freeze(&self, model: SceneModel<M>, step: u64) -> SceneModel<M> {
        let SceneModel {
            mut vary,
            mut dense,
            mut edges,
            mut pointer,
        } = model;
        match self.phase(step) {
            Phase::Dense => {
                vary = vary.rest_language_model();
                edges = edges.no_grad();
                pointer = pointer.no_grad();
            }
            Phase::Frozen => {
                vary = vary.rest_vision();
                dense = dense.map(Module::no_grad);
            }
            Phase::Joint => {}
        }
        SceneModel {
            vary,
            dense,
            edges,
            pointer,
        }
    }

    fn loss(
        &self,
        model: &SceneModel<M>,
        micro: &[SceneSample],
        step: Step<'_, SceneSample>,
    ) -> vary_core::Result<Loss> {
        let device = model.edges.weight.val().device();
        // What the weights are computed in; losses are computed in f32.
        let dtype = model.edges.weight.val().dtype();
        let of_tower = |(i, processor): (usize, &ImageProcessor)| {
            let pixels = micro.iter().map(|s| &s.pixels[i][..]);
            batched(pixels, processor.size, &device).cast(dtype)
        };
        let processors = model.vary.processors().iter().enumerate();
        let mut pixels: Vec<Tensor<4>> = processors.map(of_tower).collect();

        let taught = model.vary.vocabulary().zip(model.dense.as_ref());
        let ((tower, projector), heads) = match taught {
            Some(taught) if self.phase(step.index) != Phase::Frozen => taught,
            _ => {
                let tokens = model.vary.resting_tokens(pixels);
                let (total, parts) = self.answer_loss(model, tokens, micro, step.samples)?;
                return Ok(Loss { total, parts });
            }
        };
        let neck = tower.neck.forward(tower.features(pixels.remove(0)));
        let tokens = projector.forward(tower.downsample(neck.clone()));

        let dense: Vec<_> = micro.iter().map(|s| &s.dense).collect();
        let all: Vec<_> = step.samples.iter().map(|s| &s.dense).collect();
        let (patch_class, patch_box) = heads.patch_loss(neck, &dense, &all);
        let (token_class, token_box) = heads.token_loss(tokens.clone(), &dense, &all);
        let letters = heads.letter_loss(tokens.clone(), &dense, &all);
        let mut parts = vec![
            ("letters", letters.clone()),
            ("patch_class", patch_class.clone()),
            ("patch_box", patch_box.clone()),
            ("token_class", token_class.clone()),
            ("token_box", token_box.clone()),
        ];
        let mut total = patch_class + patch_box * PATCH_BOXES + token_class + token_box + letters;
        if self.phase(step.index) == Phase::Joint {
            let (answers, of_answers) = self.answer_loss(model, tokens, micro, step.samples)?;
            parts.extend(of_answers);
            total = total + answers;
        }
        Ok(Loss { total, parts })
    }
}

/// Pictures of a batch.
///
/// # Shapes
/// - pixels: `[3, size, size]` each, planar
/// - output: `[batch, 3, size, size]`
pub(crate) fn batched<'a>(
    pixels: impl ExactSizeIterator<Item = &'a [f32]>,
    size: usize,
    device: &Device,
) -> Tensor<4> {
    let shape = [pixels.len(), 3, size, size];
    let values = pixels.collect::<Vec<_>>().concat();
    Tensor::from_data(TensorData::new(values, shape), device)
}

impl<M> SceneObjective<M> {
    fn phase(&self, step: u64) -> Phase {
        if step < self.dense_steps {
            Phase::Dense
        } else if step < self.dense_steps + self.frozen_steps {
            Phase::Frozen
        } else {
            Phase::Joint
        }
    }
}

#[cfg(test)]
mod tests;

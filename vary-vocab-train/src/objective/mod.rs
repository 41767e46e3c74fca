mod answer;
mod look;
mod sample;

use burn::module::Module;
use burn::nn::{Linear, LinearConfig};
use burn::prelude::*;
use vary_core::model::{VaryTiny, VaryTinyConfig};
use vary_core::train::{Loss, Objective, Step};
use vary_lm::tokenizer::{CoordinateTokens, Tokenizer};

use crate::dense::{DenseHeads, DenseHeadsConfig};
use crate::scenes::{Atlas, SceneConfig};
use crate::texts::{TextConfig, Texts};

pub use sample::SceneSample;

/// Vary-tiny with the helper heads that training throws away.
#[derive(Module, Debug)]
pub struct SceneModel {
    /// What is kept.
    pub vary: VaryTiny,
    dense: DenseHeads,
    /// Edges of a box from the hidden state that is about to spell it.
    edges: Linear,
    /// Where the next letter is, from the hidden state that is about to read it.
    pointer: Linear,
}

impl SceneModel {
    /// Adds fresh helper heads to a model.
    pub fn new(vary: VaryTiny, config: &VaryTinyConfig, classes: usize, device: &Device) -> Self {
        let heads = DenseHeadsConfig {
            classes,
            neck_chans: config.sam_config.out_chans,
            d_model: config.opt.hidden_size,
        };
        Self {
            vary,
            dense: heads.init(device),
            edges: LinearConfig::new(config.opt.hidden_size, 4).init(device),
            pointer: LinearConfig::new(config.opt.hidden_size, 4).init(device),
        }
    }
}

/// Detection on drawn scenes and reading of drawn texts, by autoregression with dense help.
pub struct SceneObjective {
    /// The model's sizes.
    pub model: VaryTinyConfig,
    /// What scenes look like.
    pub scenes: SceneConfig,
    /// Sprites.
    pub atlas: Atlas,
    /// What pictures of text look like.
    pub text_config: TextConfig,
    /// Fonts and words.
    pub texts: Texts,
    /// Every how many passes one is of texts: 1 is all of them, 0 none.
    pub text_every: u64,
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
    /// learned.
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

impl Objective for SceneObjective {
    type Model = SceneModel;
    type Sample = SceneSample;

    fn sample(&self, index: u64) -> vary_core::Result<SceneSample> {
        self.make(index)
    }

    fn rest(&self, model: SceneModel, step: u64) -> SceneModel {
        let SceneModel {
            mut vary,
            mut dense,
            mut edges,
            mut pointer,
        } = model;
        match self.phase(step) {
            Phase::Dense => {
                vary.decoder = vary.decoder.no_grad();
                edges = edges.no_grad();
                pointer = pointer.no_grad();
            }
            Phase::Frozen => {
                vary.vision_tower = vary.vision_tower.no_grad();
                vary.mm_projector = vary.mm_projector.no_grad();
                dense = dense.no_grad();
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
        model: &SceneModel,
        micro: &[SceneSample],
        step: Step<'_, SceneSample>,
    ) -> vary_core::Result<Loss> {
        let device = model.edges.weight.val().device();
        let size = self.model.sam_config.img_size;
        let pixels: Vec<f32> = micro
            .iter()
            .flat_map(|s| s.pixels.iter().copied())
            .collect();
        let pixels: Tensor<4> = Tensor::from_data(
            TensorData::new(pixels, [micro.len(), 3, size, size]),
            &device,
        );
        // What the weights are computed in; losses are computed in f32.
        let pixels = pixels.cast(model.edges.weight.val().dtype());

        if self.phase(step.index) == Phase::Frozen {
            // Off the tape: its result enters as a constant.
            let tokens = model.vary.valid().encode(pixels.inner());
            let (total, parts) = self.answer_loss(model, tokens, micro, step.samples)?;
            return Ok(Loss { total, parts });
        }
        let tower = &model.vary.vision_tower;
        let neck = tower.neck.forward(tower.features(pixels));
        let tokens = model
            .vary
            .mm_projector
            .forward(tower.downsample(neck.clone()));

        let dense: Vec<_> = micro.iter().map(|s| &s.dense).collect();
        let all: Vec<_> = step.samples.iter().map(|s| &s.dense).collect();
        let (patch_class, patch_box) = model.dense.patch_loss(neck, &dense, &all);
        let (token_class, token_box) = model.dense.token_loss(tokens.clone(), &dense, &all);
        let value = |t: &Tensor<1>| t.clone().into_scalar::<f32>();
        let letters = model.dense.letter_loss(tokens.clone(), &dense, &all);
        let mut parts = vec![
            ("letters", value(&letters)),
            ("patch_class", value(&patch_class)),
            ("patch_box", value(&patch_box)),
            ("token_class", value(&token_class)),
            ("token_box", value(&token_box)),
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

impl SceneObjective {
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

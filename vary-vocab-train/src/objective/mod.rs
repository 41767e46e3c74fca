mod answer;
mod attention;
mod model;
mod sample;
mod scenes;
mod tensors;
mod trainable;

use burn::module::Module;
use burn::prelude::*;
use vary_core::train::{Loss, Objective, Step};
use vary_vision::preprocess::ImageProcessor;

use scenes::Phase;
pub(crate) use tensors::batched;

pub use model::SceneModel;
pub use sample::SceneSample;
pub use scenes::SceneObjective;
pub use trainable::TrainableModel;

/// Weight of the patches' boxes.
const PATCH_BOXES: f32 = 0.5;

impl<M: TrainableModel> Objective for SceneObjective<M> {
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
                vary = vary.freeze_language_model();
                edges = edges.no_grad();
                pointer = pointer.no_grad();
            }
            Phase::Frozen => {
                vary = vary.freeze_vision();
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
        // The type of the computation; losses are in f32.
        let dtype = model.edges.weight.val().dtype();
        let of_tower = |(i, processor): (usize, &ImageProcessor)| {
            let pixels = micro.iter().map(|s| &s.pixels[i][..]);
            batched(pixels, processor.size, &device).cast(dtype)
        };
        let processors = model.vary.processors().iter().enumerate();
        let mut pixels: Vec<Tensor<4>> = processors.map(of_tower).collect();

        let trained = model.vary.vocabulary().zip(model.dense.as_ref());
        let ((tower, projector), heads) = match trained {
            Some(trained) if self.phase(step.index) != Phase::Frozen => trained,
            _ => {
                let tokens = model.vary.frozen_tokens(pixels);
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

#[cfg(test)]
mod tests;

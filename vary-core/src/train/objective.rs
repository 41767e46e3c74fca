use burn::module::Module;
use burn::optim::GradientsParams;
use burn::prelude::*;
use burn::tensor::FloatDType;

use crate::Result;

/// What a run learns: its samples and their loss.
///
/// One [`Trainer`](super::Trainer) serves every stage; stages differ in their objective.
pub trait Objective: Send + Sync {
    /// The trainable model.
    type Model: Module + Send + Sync;
    /// One training sample, ready for batching.
    type Sample: Send + Sync;

    /// The sample at `index` of the run's data order.
    ///
    /// A pure function of `index`: that is what makes a resumed run equal to one that was not
    /// interrupted.
    ///
    /// # Errors
    /// Stops the run. An objective that skips unusable samples returns another one instead.
    fn sample(&self, index: u64) -> Result<Self::Sample>;

    /// Identifies data order and loss; empty by default. A run does not resume with an objective of
    /// another identity.
    fn identity(&self) -> String {
        String::new()
    }

    /// How messages name the sample at `index`: its file and record, where it has them. By default
    /// `sample INDEX`.
    fn describe(&self, index: u64, sample: &Self::Sample) -> String {
        let _ = sample;
        format!("sample {index}")
    }

    /// Freezes the parts of the model that are not trained in a step.
    ///
    /// Parts that the loss does not reach get no gradient in any case, but burn's autodiff (0.22.1)
    /// keeps a record of every tracked parameter that a backward pass never reached: the run would
    /// slow down with every step.
    fn freeze(&self, model: Self::Model, step: u64) -> Self::Model {
        let _ = step;
        model
    }

    /// Loss of `micro`, a micro-batch of an optimizer step.
    ///
    /// The losses of all micro-batches add up to the loss of the step: divide by counts over the
    /// whole step, such as its learned tokens.
    ///
    /// # Errors
    /// Stops the run.
    fn loss(
        &self,
        model: &Self::Model,
        micro: &[Self::Sample],
        step: Step<'_, Self::Sample>,
    ) -> Result<Loss>;

    /// Loss of `micro` and its gradients; overridden by objectives with activation checkpointing.
    ///
    /// # Errors
    /// Those of [`loss`](Self::loss).
    fn gradients(
        &self,
        model: &Self::Model,
        micro: &[Self::Sample],
        step: Step<'_, Self::Sample>,
    ) -> Result<(GradientsParams, LossValue)> {
        Ok(self.loss(model, micro, step)?.gradients(model))
    }
}

/// The optimizer step that a [`micro batch`](Objective::loss) belongs to.
#[derive(Debug)]
pub struct Step<'a, S> {
    /// Its number, from 0.
    pub index: u64,
    /// All its samples.
    pub samples: &'a [S],
}

impl<S> Clone for Step<'_, S> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<S> Copy for Step<'_, S> {}

/// The values of a [`Loss`].
#[derive(Debug, Clone)]
pub struct LossValue {
    /// The loss.
    pub total: f32,
    /// Name and value of each part.
    pub parts: Vec<(&'static str, f32)>,
}

impl LossValue {
    /// Reads the numbers in one transfer, which waits for the device.
    pub fn of(loss: &Loss) -> Self {
        let parts = loss.parts.iter().map(|(_, part)| part);
        let all = std::iter::once(&loss.total).chain(parts);
        let mut values = numbers(all.cloned()).into_iter();
        Self {
            total: values.next().unwrap_or(f32::NAN),
            parts: loss.parts.iter().map(|p| p.0).zip(values).collect(),
        }
    }
}

/// A loss to be minimised, and its parts for the log.
#[derive(Debug)]
pub struct Loss {
    /// `[1]`, on the tape.
    pub total: Tensor<1>,
    /// Name and value of each part, `[1]`; summed over the micro-batches of a step.
    pub parts: Vec<(&'static str, Tensor<1>)>,
}

/// The numbers of tensors of shape `[1]`, in one transfer from the device.
pub(super) fn numbers(scalars: impl Iterator<Item = Tensor<1>>) -> Vec<f32> {
    let off_tape = scalars.map(|scalar| scalar.without_autodiff().cast(FloatDType::F32));
    let scalars: Vec<_> = off_tape.collect();
    match scalars.is_empty() {
        true => vec![],
        false => Tensor::cat(scalars, 0).into_data().iter().collect(),
    }
}

impl Loss {
    /// Gradients of the parameters of `model`, and the values of the loss.
    pub fn gradients<M: Module>(self, model: &M) -> (GradientsParams, LossValue) {
        let value = LossValue::of(&self);
        let grads = GradientsParams::from_grads(self.total.backward(), model);
        (grads, value)
    }
}

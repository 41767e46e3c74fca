use burn::module::Module;
use burn::prelude::*;

use crate::Result;

/// What a run learns from: where its samples come from and what their loss is.
///
/// The one [`Trainer`](super::Trainer) serves every stage; stages differ in their objective.
pub trait Objective: Send + Sync {
    /// What is trained.
    type Model: Module + Send + Sync;
    /// One training sample, ready for batching.
    type Sample: Send + Sync;

    /// The sample at place `index` of the run's data order.
    ///
    /// A pure function of `index`: that is what makes a resumed run equal to one that was not
    /// interrupted.
    ///
    /// # Errors
    /// Ends the run; an objective that wants to skip bad samples returns another one instead.
    fn sample(&self, index: u64) -> Result<Self::Sample>;

    /// Takes the gradients off the parts of the model that rest in a step.
    ///
    /// Without this they would get no gradient either if the loss does not reach them, but burn's
    /// autodiff (0.22.1) keeps a record of every tracked parameter that a backward pass never
    /// reached: the run would slow down with every step.
    fn rest(&self, model: Self::Model, step: u64) -> Self::Model {
        let _ = step;
        model
    }

    /// Loss of `micro`, a part of the samples of an optimizer step.
    ///
    /// The losses of all parts add up to the loss of the step: normalise by numbers of the whole
    /// step, such as its learned tokens, not of the part.
    ///
    /// # Errors
    /// Ends the run.
    fn loss(
        &self,
        model: &Self::Model,
        micro: &[Self::Sample],
        step: Step<'_, Self::Sample>,
    ) -> Result<Loss>;
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

/// A loss to be minimised, and the parts of it that the log shows.
#[derive(Debug)]
pub struct Loss {
    /// `[1]`, on the tape.
    pub total: Tensor<1>,
    /// Name and value of each part; parts of a step's micro-batches are added up.
    pub parts: Vec<(&'static str, f32)>,
}

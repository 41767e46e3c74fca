use burn::module::Module;
use burn::nn::{Linear, LinearConfig};
use burn::prelude::*;
use vary_core::model::{ModelConfig, VaryTiny};

use super::trainable::TrainableModel;
use crate::dense::{DenseHeads, DenseHeadsConfig};

/// A model with the helper heads that training throws away.
#[derive(Module, Debug)]
pub struct SceneModel<M: Module = VaryTiny> {
    /// What is kept.
    pub vary: M,
    /// For a vision vocabulary that learns.
    pub(super) dense: Option<DenseHeads>,
    /// Edges of a box from the hidden state that is about to spell it.
    pub(super) edges: Linear,
    /// Where the next letter is, from the hidden state that is about to read it.
    pub(super) pointer: Linear,
}

impl<M: TrainableModel> SceneModel<M> {
    /// Adds fresh helper heads to a model of `config`.
    pub fn new(vary: M, config: &ModelConfig, classes: usize, device: &Device) -> Self {
        let [_, d_model] = vary.language_model().embedding_shape();
        let heads = vary.vocabulary().map(|_| DenseHeadsConfig {
            classes,
            neck_chans: config.info().sam_config.out_chans,
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

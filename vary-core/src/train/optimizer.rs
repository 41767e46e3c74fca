use burn::module::{Module, ParamGroup};
use burn::optim::{
    AdamW, AdamWConfig, GradientsParams, ModuleOptimizer, Muon, MuonConfig, MuonState, Optimizer,
};
use burn::prelude::*;

use super::TrainConfig;
use super::grads::parameter_kinds;

/// AdamW with HF's parameter groups, and Muon for matrices where asked for.
pub struct TrainOptimizer {
    optimizer: ModuleOptimizer,
    config: TrainConfig,
}

impl TrainOptimizer {
    /// Groups the parameters of `module`.
    pub fn new<M: Module>(module: &M, config: &TrainConfig) -> Self {
        let adamw = |weight_decay: f32| -> AdamW {
            AdamWConfig::new()
                .with_beta_1(config.betas.0)
                .with_beta_2(config.betas.1)
                .with_epsilon(config.epsilon)
                .with_weight_decay(weight_decay)
                .build()
        };
        let kinds = parameter_kinds(module);
        let ids = |matches: &dyn Fn(bool, bool) -> bool| -> Vec<_> {
            kinds
                .iter()
                .filter(|k| matches(k.decay, k.matrix))
                .map(|k| k.id)
                .collect()
        };
        let mut optimizer = ModuleOptimizer::from(adamw(config.weight_decay));
        let exempt = ids(&|decay, _| !decay);
        if config.weight_decay > 0.0 && !exempt.is_empty() {
            optimizer = optimizer.with_group(ParamGroup::from_ids(exempt), adamw(0.0), None);
        }
        if let Some(peak) = config.muon_learning_rate {
            let muon = MatrixMuon {
                muon: MuonConfig::new().build(),
                // burn has one rate for all parameters of a step: AdamW's.
                ratio: peak / config.learning_rate,
                weight_decay: config.weight_decay as f64,
            };
            let matrices = ids(&|_, matrix| matrix);
            optimizer = optimizer.with_group(ParamGroup::from_ids(matrices), muon, None);
        }
        Self {
            optimizer,
            config: config.clone(),
        }
    }

    /// One step at the scheduled rate of `step`, counted from 0.
    pub fn step<M: Module>(&mut self, step: u64, module: M, grads: GradientsParams) -> M {
        let lr = self.config.learning_rate * self.config.schedule(step);
        self.optimizer.step(lr, module, grads)
    }

    pub(super) fn inner(&self) -> &ModuleOptimizer {
        &self.optimizer
    }

    pub(super) fn map(self, f: impl FnOnce(ModuleOptimizer) -> ModuleOptimizer) -> Self {
        Self {
            optimizer: f(self.optimizer),
            config: self.config,
        }
    }
}

/// Muon (Keller Jordan, <https://kellerjordan.github.io/posts/muon/>) for linear layers and
/// convolutions: burn's update on the weight seen as `[outputs, inputs]`.
#[derive(Clone)]
struct MatrixMuon {
    muon: Muon,
    ratio: f64,
    weight_decay: f64,
}

impl Optimizer for MatrixMuon {
    // The momentum is kept as a matrix, whatever the rank of the weight.
    type State<const D: usize> = MuonState<2>;

    fn step<const D: usize>(
        &self,
        lr: f64,
        tensor: Tensor<D>,
        grad: Tensor<D>,
        state: Option<Self::State<D>>,
    ) -> (Tensor<D>, Option<Self::State<D>>) {
        let shape = tensor.dims();
        let lr = lr * self.ratio;
        // burn stores linear layers as `[inputs, outputs]`, convolutions as `[outputs, inputs..]`.
        let to_matrix = |t: Tensor<D>| match D {
            2 => t.reshape([shape[0], shape[1]]).transpose(),
            _ => t.reshape([shape[0] as i32, -1]),
        };
        let from_matrix = |t: Tensor<2>| match D {
            2 => t.transpose().reshape(shape),
            _ => t.reshape(shape),
        };
        let tensor = tensor * (1.0 - lr * self.weight_decay);
        let (matrix, state) = self
            .muon
            .step(lr, to_matrix(tensor), to_matrix(grad), state);
        (from_matrix(matrix), state)
    }

    fn to_device<const D: usize>(state: Self::State<D>, device: &Device) -> Self::State<D> {
        <Muon as Optimizer>::to_device::<2>(state, device)
    }
}

use burn::module::{Module, ParamGroup};
use burn::optim::lr_scheduler::module_lr_scheduler::ModuleLrScheduler;
use burn::optim::{
    AdamW, AdamWConfig, GradientsParams, ModuleOptimizer, Muon, MuonConfig, MuonState, Optimizer,
};
use burn::prelude::*;

use super::TrainConfig;
use super::grads::{ParameterKind, parameter_kinds};
use crate::{Error, Result};

/// AdamW with HF's parameter groups, Muon for matrices where asked for, and learning rates by
/// parameter group.
pub struct TrainOptimizer {
    optimizer: ModuleOptimizer,
    config: TrainConfig,
    /// Peak learning rates of groups; of several that match a parameter the last one counts.
    rates: Vec<(ParamGroup, f64)>,
}

impl TrainOptimizer {
    /// Groups the parameters of `module`.
    ///
    /// # Errors
    /// [`Error::Config`] for an [`LrGroup`](super::LrGroup) that is not a regular expression, or
    /// matches no trained parameter.
    pub fn new<M: Module>(module: &M, config: &TrainConfig) -> Result<Self> {
        let kinds = parameter_kinds(module);
        Ok(Self {
            optimizer: optimizer(&kinds, config),
            rates: rates(&kinds, config)?,
            config: config.clone(),
        })
    }

    /// One step at the scheduled rates of `step`, counted from 0; returns the updated module.
    pub fn step<M: Module>(&mut self, step: u64, module: M, grads: GradientsParams) -> M {
        let factor = self.config.schedule(step);
        let mut rates = ModuleLrScheduler::new(self.config.learning_rate * factor);
        for (group, rate) in &self.rates {
            rates = rates.with_group(group.clone(), rate * factor);
        }
        self.optimizer.step(rates.step(), module, grads)
    }

    pub(super) fn inner(&self) -> &ModuleOptimizer {
        &self.optimizer
    }

    pub(super) fn map(self, f: impl FnOnce(ModuleOptimizer) -> ModuleOptimizer) -> Self {
        Self {
            optimizer: f(self.optimizer),
            ..self
        }
    }
}

fn ids(kinds: &[ParameterKind], matches: impl Fn(&ParameterKind) -> bool) -> ParamGroup {
    let matching = kinds.iter().filter(|kind| matches(kind));
    ParamGroup::from_ids(matching.map(|kind| kind.id).collect())
}

fn optimizer(kinds: &[ParameterKind], config: &TrainConfig) -> ModuleOptimizer {
    let adamw = |weight_decay: f32| -> AdamW {
        AdamWConfig::new()
            .with_beta_1(config.betas.0)
            .with_beta_2(config.betas.1)
            .with_epsilon(config.epsilon)
            .with_weight_decay(weight_decay)
            .build()
    };
    let mut optimizer = ModuleOptimizer::from(adamw(config.weight_decay));
    if config.weight_decay > 0.0 && kinds.iter().any(|kind| !kind.decay) {
        let exempt = ids(kinds, |kind| !kind.decay);
        optimizer = optimizer.with_group(exempt, adamw(0.0), None);
    }
    if let Some(peak) = config.muon_learning_rate {
        let muon = MatrixMuon {
            muon: MuonConfig::new().build(),
            // The rate that a step passes is AdamW's.
            ratio: peak / config.learning_rate,
            weight_decay: config.weight_decay as f64,
        };
        optimizer = optimizer.with_group(ids(kinds, |kind| kind.matrix), muon, None);
    }
    optimizer
}

fn rates(kinds: &[ParameterKind], config: &TrainConfig) -> Result<Vec<(ParamGroup, f64)>> {
    let wrong = |reason: String| Error::Config(format!("`lr_groups`: {reason}"));
    let mut rates = vec![];
    for group in &config.lr_groups {
        let pattern = &group.parameters;
        let matcher = ParamGroup::from_regex(pattern)
            .map_err(|e| wrong(format!("`{pattern}` is not a regular expression: {e:?}")))?;
        let in_group =
            |kind: &ParameterKind| kind.trained && matcher.matches(&kind.id, Some(&kind.path));
        if !kinds.iter().any(in_group) {
            let example = kinds.iter().find(|kind| kind.trained);
            let example = example.map_or("", |kind| kind.path.as_str());
            return Err(wrong(format!(
                "no trained parameter matches `{pattern}`; their paths look like `{example}`"
            )));
        }
        rates.push((ids(kinds, in_group), group.learning_rate));
    }
    Ok(rates)
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

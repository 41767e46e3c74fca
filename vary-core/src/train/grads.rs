use burn::module::{Module, ModuleVisitor, Param, ParamId};
use burn::optim::GradientsParams;
use burn::prelude::*;

use super::objective::numbers;
use crate::model::is_trained;

/// L2 norm of all gradients together, as `torch.nn.utils.clip_grad_norm_` computes it.
pub fn global_norm<M: Module>(module: &M, grads: &GradientsParams) -> f32 {
    struct Squares<'a> {
        grads: &'a GradientsParams,
        sums: Vec<Tensor<1>>,
    }
    impl ModuleVisitor for Squares<'_> {
        fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
            if let Some(grad) = self.grads.get::<D>(param.id) {
                self.sums.push(grad.square().sum());
            }
        }
    }
    let mut squares = Squares {
        grads,
        sums: vec![],
    };
    module.visit(&mut squares);
    let sums = numbers(squares.sums.into_iter()).into_iter();
    sums.map(f64::from).sum::<f64>().sqrt() as f32
}

/// Scales gradients so that their [`global_norm`] is at most `max_norm`; returns the norm before.
///
/// The factor is `min(1, max_norm / (norm + 1e-6))`, as in PyTorch.
pub fn clip_global_norm<M: Module>(
    module: &M,
    grads: GradientsParams,
    max_norm: f32,
) -> (GradientsParams, f32) {
    struct Scale {
        grads: GradientsParams,
        factor: f32,
    }
    impl ModuleVisitor for Scale {
        fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
            if let Some(grad) = self.grads.remove::<D>(param.id) {
                self.grads.register(param.id, grad * self.factor);
            }
        }
    }
    let norm = global_norm(module, &grads);
    let factor = max_norm / (norm + 1e-6);
    if factor >= 1.0 {
        return (grads, norm);
    }
    let mut scale = Scale { grads, factor };
    module.visit(&mut scale);
    (scale.grads, norm)
}

/// Device of a module's trained parameters. (`Module::devices` does not distinguish a device from
/// the same device with autodiff, and frozen parts may be on the one without.)
pub(super) fn trained_device<M: Module>(module: &M) -> Device {
    struct Find(Option<Device>);
    impl ModuleVisitor for Find {
        fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
            if !self.0.as_ref().is_some_and(Device::is_autodiff) {
                self.0 = Some(param.lazy_device());
            }
        }
    }
    let mut find = Find(None);
    module.visit(&mut find);
    find.0.unwrap_or_default()
}

/// A hash by the steps of rustc's FxHash.
struct Digest(u64);

impl Digest {
    fn add(&mut self, bytes: &[u8]) {
        for word in bytes.chunks(8) {
            let mut padded = [0; 8];
            padded[..word.len()].copy_from_slice(word);
            let word = u64::from_le_bytes(padded);
            self.0 = (self.0.rotate_left(5) ^ word).wrapping_mul(0x517c_c1b7_2722_0a95);
        }
    }
}

/// A hash of bytes.
pub(super) fn digest(bytes: &[u8]) -> u64 {
    let mut digest = Digest(0);
    digest.add(bytes);
    digest.0
}

impl ModuleVisitor for Digest {
    fn enter_module(&mut self, name: &str, _container: &str) {
        self.add(name.as_bytes());
    }

    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        if !is_trained(param) {
            // The stored matrix: with an adapter, the value is more than what is frozen.
            self.add(param.base().into_data().as_bytes());
        }
    }
}

/// A hash of the names and bytes of frozen parameters.
pub(super) fn frozen_digest<M: Module>(module: &M) -> u64 {
    let mut digest = Digest(0);
    module.visit(&mut digest);
    digest.0
}

/// What the optimizer needs to know of a parameter.
#[derive(Debug, Clone)]
pub(super) struct ParameterKind {
    pub id: ParamId,
    /// Path in the module, such as `mm_projector.weight`.
    pub path: String,
    pub trained: bool,
    /// HF's rule: names with `bias` and weights of `nn.LayerNorm` are not decayed.
    pub decay: bool,
    /// A matrix inside a network, as opposed to a table, a norm or a bias.
    pub matrix: bool,
}

/// Sorts the parameters of a module.
pub(super) fn parameter_kinds<M: Module>(module: &M) -> Vec<ParameterKind> {
    #[derive(Default)]
    struct Kinds {
        path: Vec<String>,
        containers: Vec<String>,
        kinds: Vec<ParameterKind>,
    }
    impl ModuleVisitor for Kinds {
        fn enter_module(&mut self, name: &str, container: &str) {
            self.path.push(name.to_owned());
            self.containers.push(container.to_owned());
        }
        fn exit_module(&mut self, _name: &str, _container: &str) {
            self.path.pop();
            self.containers.pop();
        }
        fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
            let container = self.containers.last().map_or("", String::as_str);
            let name = self.path.last().map_or("", String::as_str);
            let norm = container.ends_with(":LayerNorm");
            let module = container.rsplit(':').next().unwrap_or_default();
            self.kinds.push(ParameterKind {
                id: param.id,
                path: self.path.join("."),
                trained: is_trained(param),
                decay: !(name == "bias" || norm),
                matrix: name == "weight" && matches!(module, "Linear" | "Conv2d"),
            });
        }
    }
    let mut kinds = Kinds::default();
    module.visit(&mut kinds);
    kinds.kinds
}

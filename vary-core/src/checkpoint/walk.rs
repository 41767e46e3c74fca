//! Lists the parameters of a module by path, without initializing them.

use burn::module::{ModuleVisitor, Param};
use burn::prelude::*;

use crate::error::{Error, Result};

/// burn's norms; their `gamma` and `beta` are `weight` and `bias` in PyTorch.
const NORMS: &[&str] = &[
    "Struct:LayerNorm",
    "Struct:RmsNorm",
    "Struct:GroupNorm",
    "Struct:BatchNorm",
    "Struct:InstanceNorm",
];

/// Current position of a walk over a module.
#[derive(Debug, Default)]
pub(super) struct Position {
    names: Vec<String>,
    containers: Vec<String>,
}

/// A parameter in the official layout.
#[derive(Debug, Clone)]
pub(super) struct Parameter {
    /// Path in the module, the last segment in PyTorch's terms.
    pub path: String,
    /// Official shape.
    pub shape: Vec<usize>,
    /// Whether the module holds the transposed matrix.
    pub transposed: bool,
}

impl Position {
    pub(super) fn enter(&mut self, name: &str, container: &str) {
        self.names.push(name.into());
        self.containers.push(container.into());
    }

    pub(super) fn exit(&mut self) {
        self.names.pop();
        self.containers.pop();
    }

    /// Path of the parameter at this position. Variants of enums are not part of it.
    pub(super) fn path(&self) -> String {
        let mut path: Vec<&str> = std::iter::zip(&self.names, &self.containers)
            .filter(|(_, container)| !container.starts_with("Enum:"))
            .map(|(name, _)| name.as_str())
            .collect();
        let container = self.containers.last().map_or("", String::as_str);
        if let Some(last) = path.last_mut().filter(|_| NORMS.contains(&container)) {
            *last = match *last {
                "gamma" => "weight",
                "beta" => "bias",
                other => other,
            };
        }
        path.join(".")
    }

    fn is_linear_weight(&self) -> bool {
        let here = (self.containers.last(), self.names.last());
        matches!(here, (Some(c), Some(n)) if c == "Struct:Linear" && n == "weight")
    }
}

/// Every parameter of `module`, in its order.
pub(super) fn parameters<M: Module>(module: &M) -> Result<Vec<Parameter>> {
    let mut lister = Lister::default();
    module.visit(&mut lister);
    match lister.unsupported {
        Some((name, reason)) => Err(Error::UnsupportedParameter {
            name,
            reason: reason.into(),
        }),
        None => Ok(lister.parameters),
    }
}

#[derive(Default)]
struct Lister {
    position: Position,
    parameters: Vec<Parameter>,
    unsupported: Option<(String, &'static str)>,
}

impl Lister {
    fn refuse(&mut self, reason: &'static str) {
        self.unsupported
            .get_or_insert((self.position.path(), reason));
    }
}

impl ModuleVisitor for Lister {
    fn enter_module(&mut self, name: &str, container: &str) {
        self.position.enter(name, container);
        // The tensor under the name of the parameter is not its value.
        if container == "Reparameterization" {
            self.refuse("it is adapted or packed; materialize it with `Module::materialize`");
        }
    }

    fn exit_module(&mut self, _name: &str, _container: &str) {
        self.position.exit();
    }

    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        let mut shape = param.lazy_shape().to_vec();
        let transposed = self.position.is_linear_weight();
        if transposed {
            shape.reverse();
        }
        let path = self.position.path();
        self.parameters.push(Parameter {
            path,
            shape,
            transposed,
        });
    }

    fn visit_int<const D: usize>(&mut self, _param: &Param<Tensor<D, Int>>) {
        self.refuse("it holds integers; keep constants as plain tensors");
    }

    fn visit_bool<const D: usize>(&mut self, _param: &Param<Tensor<D, Bool>>) {
        self.refuse("it holds booleans; keep constants as plain tensors");
    }
}

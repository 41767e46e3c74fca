//! Adapters on disk, in the layout of PEFT: `adapter_config.json` and `adapter_model.safetensors`.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use burn::module::{ModuleMapper, ModuleVisitor, Param};
use burn::prelude::*;
use burn::tensor::DType;
use safetensors::tensor::{Dtype, SafeTensors, TensorView};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::LoraConfig;
use super::tuning::{Matrix, is_variant, matrices};
use crate::checkpoint::{parse_config_json, write_atomic, write_json};
use crate::model::FamilyModel;
use crate::{Error, Result};

const CONFIG: &str = "adapter_config.json";
const WEIGHTS: &str = "adapter_model.safetensors";
/// What PEFT puts before the names of the model.
const PREFIX: &str = "base_model.model.";
/// Field names of the projectors begin so.
const PROJECTOR: &str = "mm_projector";

/// Writes the adapters of `model`, and the projectors if `lora` trains them, without the model: a
/// directory with `adapter_config.json` and `adapter_model.safetensors` as PEFT names and lays them
/// out (f32), each file atomically. `lora` is what the model was prepared with.
///
/// [`load_adapters`] adds them to the same model again.
///
/// # Errors
/// [`Error::Config`] for a model without adapters, or with adapters of another rank; [`Error::Io`].
pub fn save_adapters<M: FamilyModel>(
    model: &M,
    lora: &LoraConfig,
    dir: impl AsRef<Path>,
) -> Result<()> {
    let dir = dir.as_ref();
    let mut adapted = Adapted::new(model);
    model.visit(&mut adapted);
    let targets = adapted.targets(lora.rank)?;
    if !lora.projectors {
        adapted.tensors.retain(|name, _| name.contains(".lora_"));
    }
    let config = AdapterConfig {
        peft_type: "LORA".into(),
        task_type: Some("CAUSAL_LM".into()),
        base_model_name_or_path: None,
        r: lora.rank,
        lora_alpha: lora.alpha,
        lora_dropout: 0.0,
        target_modules: targets,
        modules_to_save: lora.projectors.then(|| adapted.projectors()),
        bias: "none".into(),
        more: Map::new(),
    };
    fs::create_dir_all(dir).map_err(|e| Error::io(dir, e))?;
    write_json(dir.join(CONFIG), &config)?;
    adapted.write(&dir.join(WEIGHTS))
}

/// Adds the adapters in `dir`, written by [`save_adapters`] or by PEFT, to a model that was loaded
/// in f32, and returns both. On a device with autodiff the adapters, and the projectors if they are
/// among them, can be trained on; for inference merge them with `model.materialize()`.
///
/// # Errors
/// [`Error::Adapters`] for adapters of another model (it lists the tensors that do not fit), of
/// another kind than plain LoRA of the language model's blocks, and for NaN or infinite values;
/// [`Error::ConfigField`], [`Error::Io`].
pub fn load_adapters<M: FamilyModel>(model: M, dir: impl AsRef<Path>) -> Result<(M, LoraConfig)> {
    let dir = dir.as_ref();
    let path = dir.join(CONFIG);
    let text = crate::file::read_text(&path).map_err(|e| Error::io(&path, e))?;
    let config: AdapterConfig = parse_config_json(&path, &text)?;
    let refused = |reason| Error::Adapters {
        path: path.clone(),
        reason,
    };
    config.check().map_err(refused)?;
    let mut before = Adapted::new(&model);
    model.visit(&mut before);
    if before.reparameterized {
        let reason = "the model has adapters or quantized matrices already; load it in f32";
        return Err(refused(reason.into()));
    }
    let targets = config.targets::<M>(&model).map_err(refused)?;
    let lora = LoraConfig {
        rank: config.r,
        alpha: config.lora_alpha,
        quantized: None,
        projectors: config.modules_to_save.is_some(),
    };
    let mut expected = before.tensors;
    expected.retain(|name, _| config.saves(name));
    let mut expected: BTreeMap<_, _> = (expected.into_iter())
        .map(|(name, (shape, _))| (name, shape))
        .collect();
    for (name, Matrix { shape, .. }) in &targets {
        let key = |factor: &str| format!("{PREFIX}{name}.{factor}.weight");
        expected.insert(key("lora_A"), vec![config.r, shape[0]]);
        expected.insert(key("lora_B"), vec![shape[1], config.r]);
    }
    let tensors = read_tensors(&dir.join(WEIGHTS), &expected)?;
    let targets: Vec<Matrix> = targets.into_values().collect();
    let model = lora.attach(model, &targets, 0)?;
    let mut adapted = Adapted::new(&model);
    adapted.tensors = tensors;
    Ok((model.map(&mut adapted), lora))
}

/// `adapter_config.json`, with PEFT's names.
#[derive(Debug, Serialize, Deserialize)]
struct AdapterConfig {
    peft_type: String,
    #[serde(default)]
    task_type: Option<String>,
    #[serde(default)]
    base_model_name_or_path: Option<String>,
    r: usize,
    lora_alpha: f64,
    #[serde(default)]
    lora_dropout: f64,
    /// Names of linear layers, or their last segments.
    target_modules: Vec<String>,
    /// Names of layers that are saved whole.
    #[serde(default)]
    modules_to_save: Option<Vec<String>>,
    #[serde(default = "none")]
    bias: String,
    /// Of other kinds of adapters.
    #[serde(flatten)]
    more: Map<String, Value>,
}

fn none() -> String {
    "none".into()
}

impl AdapterConfig {
    /// Refuses what PEFT knows and this crate does not compute.
    fn check(&self) -> Result<(), String> {
        if self.peft_type != "LORA" || self.bias != "none" {
            return Err(format!(
                "`peft_type` is {} and `bias` {}; only LORA without biases can be loaded",
                self.peft_type, self.bias
            ));
        }
        let off = |value: &Value| match value {
            Value::Null | Value::Bool(false) => true,
            Value::Array(list) => list.is_empty(),
            Value::Object(map) => map.is_empty(),
            _ => false,
        };
        let changes = [
            "use_dora",
            "use_rslora",
            "fan_in_fan_out",
            "rank_pattern",
            "alpha_pattern",
            "layers_to_transform",
            "layer_replication",
            "exclude_modules",
            "trainable_token_indices",
            "target_parameters",
            "lora_bias",
            "use_qalora",
        ];
        let used = |field: &&&str| self.more.get(**field).is_some_and(|value| !off(value));
        match changes.iter().find(used) {
            Some(field) => Err(format!("adapters with `{field}` can't be loaded")),
            None => Ok(()),
        }
    }

    /// The matrices that have adapters, by official name without `.weight`.
    fn targets<M: FamilyModel>(&self, model: &M) -> Result<BTreeMap<String, Matrix>, String> {
        let keys = model.key_map();
        let named = matrices(model).into_iter().map(|matrix| {
            let name = keys.name(&matrix.path);
            (name.trim_end_matches(".weight").to_owned(), matrix)
        });
        let all: BTreeMap<_, _> = named.collect();
        for target in &self.target_modules {
            if !all.keys().any(|name| is_module(name, target)) {
                return Err(format!(
                    "`target_modules`: the blocks of the language model have no linear layer \
                     `{target}`"
                ));
            }
        }
        let targeted = |name: &str| (self.target_modules.iter()).any(|t| is_module(name, t));
        let targets = all.into_iter().filter(|(name, _)| targeted(name));
        Ok(targets.collect())
    }

    /// Whether the tensor of this name is saved whole.
    fn saves(&self, name: &str) -> bool {
        let modules = self.modules_to_save.iter().flatten();
        let module = name.rsplit_once('.').map_or("", |(module, _)| module);
        modules.into_iter().any(|saved| is_module(module, saved))
    }
}

/// PEFT's rule: a whole name, or its last segments.
fn is_module(name: &str, target: &str) -> bool {
    name.strip_suffix(target)
        .is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
}

/// The tensors of adapters by PEFT's names, in PyTorch's layout: collects them from a model, or
/// puts them into one.
struct Adapted {
    names: Names,
    tensors: BTreeMap<String, (Vec<usize>, Vec<f32>)>,
    /// Whether the model has adapters or quantized matrices.
    reparameterized: bool,
}

/// Where a walk over a module is, and the names there.
struct Names {
    keys: crate::checkpoint::KeyMap,
    path: Vec<String>,
    containers: Vec<String>,
}

impl Names {
    /// PEFT's name of the parameter here, if it is one of an adapter or a projector, and whether
    /// the module holds the transposed matrix.
    fn here(&self) -> Option<(String, bool)> {
        let is = |at: usize, name: &str| self.path.get(at).is_some_and(|here| here == name);
        if self.path.first()?.starts_with(PROJECTOR) {
            let linear = self.containers.last()?.ends_with(":Linear");
            let name = self.keys.name(&self.path.join("."));
            return Some((
                format!("{PREFIX}{name}"),
                linear && self.path.last()? == "weight",
            ));
        }
        let at = self.path.len().checked_sub(2)?;
        let factor = match self.path.last()?.as_str() {
            "a" => "lora_A",
            "b" => "lora_B",
            _ => return None,
        };
        let name = self.keys.name(&self.path[..at].join("."));
        let module = name.strip_suffix(".weight")?;
        is(at, "lora").then(|| (format!("{PREFIX}{module}.{factor}.weight"), true))
    }
}

impl Adapted {
    fn new<M: FamilyModel>(model: &M) -> Self {
        Self {
            names: Names {
                keys: model.key_map(),
                path: vec![],
                containers: vec![],
            },
            tensors: BTreeMap::new(),
            reparameterized: false,
        }
    }

    /// Names of the layers with adapters, all of rank `rank`.
    fn targets(&self, rank: usize) -> Result<Vec<String>> {
        let mut targets = vec![];
        for (name, (shape, _)) in &self.tensors {
            let Some(module) = name.strip_suffix(".lora_A.weight") else {
                continue;
            };
            if shape[0] != rank {
                return Err(Error::Config(format!(
                    "the adapters of the model have rank {}, not {rank}; pass the `LoraConfig` \
                     that it was prepared with",
                    shape[0]
                )));
            }
            targets.push(module.trim_start_matches(PREFIX).to_owned());
        }
        match targets.is_empty() {
            true => Err(Error::Config("the model has no adapters to save".into())),
            false => Ok(targets),
        }
    }

    /// Names of the projectors.
    fn projectors(&self) -> Vec<String> {
        let modules = self.tensors.keys().filter(|name| !name.contains(".lora_"));
        let modules = modules
            .filter_map(|name| Some(name.strip_prefix(PREFIX)?.rsplit_once('.')?.0.to_owned()));
        let mut modules: Vec<_> = modules.collect();
        modules.dedup();
        modules
    }

    fn write(&self, path: &Path) -> Result<()> {
        let failed = |e: safetensors::SafeTensorError| Error::io(path, std::io::Error::other(e));
        let bytes = |values: &Vec<f32>| values.iter().flat_map(|v| v.to_le_bytes()).collect();
        let bytes: Vec<Vec<u8>> = self.tensors.values().map(|(_, v)| bytes(v)).collect();
        let mut views = vec![];
        for ((name, (shape, _)), bytes) in self.tensors.iter().zip(&bytes) {
            let view = TensorView::new(Dtype::F32, shape.clone(), bytes).map_err(failed)?;
            views.push((name.as_str(), view));
        }
        let format = std::collections::HashMap::from([("format".into(), "pt".into())]);
        let file = safetensors::serialize(views, Some(format)).map_err(failed)?;
        write_atomic(path, &file)
    }
}

impl ModuleVisitor for Adapted {
    fn enter_module(&mut self, name: &str, container: &str) {
        if !is_variant(container) {
            self.names.path.push(name.to_owned());
            self.names.containers.push(container.to_owned());
        }
        self.reparameterized |= container == "Reparameterization";
    }

    fn exit_module(&mut self, _name: &str, container: &str) {
        if !is_variant(container) {
            self.names.path.pop();
            self.names.containers.pop();
        }
    }

    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        let Some((name, transposed)) = self.names.here() else {
            return;
        };
        let data = param.val().without_autodiff().into_data();
        let (mut shape, mut values) = (data.shape().to_vec(), data.iter().collect::<Vec<f32>>());
        if transposed {
            values = transpose(&values, shape[0], shape[1]);
            shape.reverse();
        }
        self.tensors.insert(name, (shape, values));
    }
}

impl ModuleMapper for Adapted {
    fn enter_module(&mut self, name: &str, container: &str) {
        ModuleVisitor::enter_module(self, name, container);
    }

    fn exit_module(&mut self, name: &str, container: &str) {
        ModuleVisitor::exit_module(self, name, container);
    }

    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        let named = self.names.here();
        let Some((name, transposed)) = named else {
            return param;
        };
        let Some((shape, values)) = self.tensors.remove(&name) else {
            return param;
        };
        let values = match transposed {
            true => transpose(&values, shape[0], shape[1]),
            false => values,
        };
        let data = TensorData::new(values, param.lazy_shape());
        let id = param.id;
        let tensor = Tensor::from_data(data, &param.lazy_device());
        param.transform_for_load(tensor, id)
    }
}

/// `[rows, cols]` as `[cols, rows]`.
fn transpose(values: &[f32], rows: usize, cols: usize) -> Vec<f32> {
    let at = |i: usize| values[i % rows * cols + i / rows];
    (0..rows * cols).map(at).collect()
}

/// Shape and values of a tensor.
type Values = (Vec<usize>, Vec<f32>);

/// Reads the tensors of a file, whose names and shapes have to be the expected ones.
fn read_tensors(
    path: &Path,
    expected: &BTreeMap<String, Vec<usize>>,
) -> Result<BTreeMap<String, Values>> {
    let refused = |reason| Error::Adapters {
        path: path.into(),
        reason,
    };
    let bytes = crate::file::read(path).map_err(|e| Error::io(path, e))?;
    let file = SafeTensors::deserialize(&bytes).map_err(|e| refused(e.to_string()))?;
    let mut wrong: Vec<String> = (expected.keys())
        .filter(|name| file.tensor(name).is_err())
        .map(|name| format!("`{name}` is missing"))
        .collect();
    let mut tensors = BTreeMap::new();
    for (name, view) in file.tensors() {
        let dtype = match view.dtype() {
            Dtype::F32 => DType::F32,
            Dtype::F16 => DType::F16,
            Dtype::BF16 => DType::BF16,
            other => {
                wrong.push(format!("`{name}` is of type {other}, not f32, f16 or bf16"));
                continue;
            }
        };
        match expected.get(&name) {
            None => wrong.push(format!("the model has no place for `{name}`")),
            Some(shape) if shape != view.shape() => wrong.push(format!(
                "`{name}` has shape {:?}, the model needs {shape:?}",
                view.shape()
            )),
            Some(shape) => {
                let data = TensorData::from_bytes_vec(view.data().to_vec(), shape.clone(), dtype);
                let values: Vec<f32> = data.iter().collect();
                if values.iter().any(|value| !value.is_finite()) {
                    wrong.push(format!("`{name}` has NaN or infinite values"));
                }
                tensors.insert(name, (shape.clone(), values));
            }
        }
    }
    match wrong.is_empty() {
        true => Ok(tensors),
        false => Err(refused(format!(
            "the adapters do not fit the model: {}",
            crate::checkpoint::listed("difference", &wrong)
        ))),
    }
}

use burn::module::{Lora, ModuleVisitor, Param, ParamGroup, ParamId, QLora, Quantizer};
use burn::prelude::*;
use burn::tensor::quantization::Calibration;
use serde::{Deserialize, Serialize};

use super::draw_parameters;
use super::grads::trained_device;
use crate::checkpoint::{BLOCK, Precision};
use crate::model::FamilyModel;
use crate::{Error, Result};

/// Which parameters a run trains.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum Trained {
    /// All of them, except the towers of Vary-toy, which are always frozen (Vary-tiny+: Vary-toy,
    /// arXiv 2401.12503, section 3.1).
    Everything,
    /// Projectors and language model, towers frozen (Vary-toy: section 3.2).
    LanguageModel,
    /// Low-rank adapters of the matrices in the language model's blocks (LoRA, Hu et al., arXiv
    /// 2106.09685), and the projectors with [`LoraConfig::projectors`].
    Lora(LoraConfig),
}

/// Size of the adapters of a [LoRA](Trained::Lora) run.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct LoraConfig {
    /// Rank of each adapter, 1 to 4096; 16 by default.
    pub rank: usize,
    /// An adapter's product is scaled by `alpha / rank`; 32 by default.
    pub alpha: f64,
    /// Keeps the frozen matrices of the language model's blocks in 8 or 4 bits (QLoRA, Dettmers et
    /// al., arXiv 2305.14314). The model is loaded as f32; matrices whose number of outputs is not
    /// a multiple of 32 stay in f32. None by default.
    pub quantized: Option<Precision>,
    /// Trains the projectors too; not by default.
    pub projectors: bool,
}

impl Default for LoraConfig {
    fn default() -> Self {
        Self {
            rank: 16,
            alpha: 32.0,
            quantized: None,
            projectors: false,
        }
    }
}

impl Trained {
    /// Freezes what is not trained, and adds the adapters, whose random initial values depend on
    /// `seed`.
    ///
    /// # Errors
    /// [`Error::NoAutodiff`] for a model on a device without autodiff; [`Error::Config`] for a rank
    /// out of range, or a precision in which frozen matrices can't be kept.
    pub fn prepare<M: FamilyModel>(&self, model: M, seed: u64) -> Result<M> {
        if !trained_device(&model).is_autodiff() {
            return Err(Error::NoAutodiff);
        }
        draw_parameters(&model);
        match self {
            Self::Everything => Ok(model),
            Self::LanguageModel => Ok(model.freeze_group(fields(M::TOWERS)?)),
            Self::Lora(lora) => {
                let matrices = matrices(&model);
                lora.attach(model, &matrices, seed)
            }
        }
    }
}

impl LoraConfig {
    /// Adds an adapter to each of the `matrices` and freezes everything else.
    pub(super) fn attach<M: FamilyModel>(
        &self,
        model: M,
        matrices: &[Matrix],
        seed: u64,
    ) -> Result<M> {
        if !(1..=4096).contains(&self.rank) || !self.alpha.is_finite() {
            let reason = "`rank` of the adapters must be 1 to 4096, and `alpha` a finite number";
            return Err(Error::Config(reason.into()));
        }
        model.language_model().device().seed(seed);
        let ids = |wanted: &dyn Fn(usize) -> bool| {
            let wanted = matrices.iter().filter(|matrix| wanted(matrix.shape[1]));
            ParamGroup::from_ids(wanted.map(|matrix| matrix.id).collect())
        };
        let lora = Lora::new(self.rank, self.alpha).set_param_group(ids(&|_| true));
        let model = match self.quantized {
            None => model.apply_lora(lora),
            Some(precision) => {
                let scheme = precision.scheme().ok_or_else(|| {
                    Error::Config(format!(
                        "`quantized` is {precision}: frozen matrices are kept in int8 or int4"
                    ))
                })?;
                let mut quantizer = Quantizer::new(Calibration::MinMax, scheme);
                quantizer.set_param_group(ids(&|outputs| outputs.is_multiple_of(BLOCK)));
                model.apply_qlora(QLora::new(lora, quantizer))
            }
        };
        Ok(match self.projectors {
            true => model.unfreeze_group(group(r"^mm_projector")?),
            false => model,
        })
    }
}

/// A matrix of a linear layer in a block of the language model.
#[derive(Debug, Clone)]
pub(super) struct Matrix {
    pub id: ParamId,
    /// Path in the module, such as `decoder.layers.0.fc1.weight`.
    pub path: String,
    /// Inputs and outputs.
    pub shape: [usize; 2],
}

/// Whether a visited name is the variant of an enum, which is no part of an official name.
pub(super) fn is_variant(container: &str) -> bool {
    container.starts_with("Enum:")
}

/// The matrices that adapters are for: not embeddings, norms, or the output head.
pub(super) fn matrices<M: FamilyModel>(model: &M) -> Vec<Matrix> {
    struct Matrices {
        path: Vec<String>,
        language_model: &'static str,
        found: Vec<Matrix>,
    }
    impl ModuleVisitor for Matrices {
        fn enter_module(&mut self, name: &str, container: &str) {
            if !is_variant(container) {
                self.path.push(name.to_owned());
            }
        }
        fn exit_module(&mut self, _name: &str, container: &str) {
            if !is_variant(container) {
                self.path.pop();
            }
        }
        fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
            let part = |i: usize| self.path.get(i).map(String::as_str);
            let in_block = part(0) == Some(self.language_model)
                && part(1).is_some_and(|name| matches!(name, "layers" | "h"));
            let shape = param.lazy_shape().to_vec();
            if let ([inputs, outputs], true) = (&shape[..], in_block) {
                self.found.push(Matrix {
                    id: param.id,
                    path: self.path.join("."),
                    shape: [*inputs, *outputs],
                });
            }
        }
    }
    let mut matrices = Matrices {
        path: vec![],
        language_model: M::LANGUAGE_MODEL,
        found: vec![],
    };
    model.visit(&mut matrices);
    matrices.found
}

/// The parameters of some fields of a model.
fn fields(names: &[&str]) -> Result<ParamGroup> {
    group(&format!(r"^({})\.", names.join("|")))
}

fn group(pattern: &str) -> Result<ParamGroup> {
    ParamGroup::from_regex(pattern).map_err(|e| Error::Config(format!("{pattern}: {e:?}")))
}

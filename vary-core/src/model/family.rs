use std::fmt;
use std::path::Path;

use burn::module::Module;
use burn::nn::Linear;
use burn::prelude::*;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use vary_vision::preprocess::ImageProcessor;
use vary_vision::vocab::{VisionVocabulary, VisionVocabularyConfig};

use super::splice::ImagePlaceholder;
use super::{GotOcr2Config, VaryModel, VaryTinyConfig, VaryToyConfig, config_dir, is_frozen};
use crate::checkpoint::{
    self, CheckpointFiles, KeyMap, Precision, PrecisionPlan, SaveOptions, parse_config_json,
};
use crate::pipeline::default_device;
use crate::{Error, Result};

/// The families of models that a checkpoint can be of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Family {
    /// Vision vocabulary and OPT.
    VaryTiny,
    /// Vision vocabulary, CLIP and Qwen: Vary-toy, Vary; Vary-nano is one.
    VaryToy,
    /// Vision vocabulary and a decoder of Qwen2's kind: GOT-OCR2.0.
    GotOcr2,
}

/// The part of a model's configuration that does not depend on its family.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct ModelInfo<'a> {
    /// Rows of the token table.
    pub vocab_size: usize,
    /// Longest sequence of the language model, in tokens.
    pub max_positions: usize,
    /// Ids and length of an image placeholder.
    pub image_placeholder: ImagePlaceholder,
    /// The vision vocabulary.
    pub sam_config: &'a VisionVocabularyConfig,
    /// Preprocessing of the input of each tower, in the order of [`VaryModel::processors`].
    pub processors: Vec<ImageProcessor>,
    /// Tokens that end an answer.
    pub stop_tokens: &'static [&'static str],
    /// The default of [`no_repeat_ngram`](crate::pipeline::AnswerOptions::no_repeat_ngram) for the
    /// first question about one whole image.
    pub no_repeat_ngram: Option<usize>,
    /// Tokens whose id is a field of the configuration: name, field, id.
    pub token_fields: Vec<(&'static str, &'static str, u32)>,
}

/// Configuration of a family: the content of its `config.json`.
pub trait FamilyConfig:
    Clone + fmt::Debug + PartialEq + Serialize + DeserializeOwned + Into<ModelConfig>
{
    /// The model that it describes.
    type Model: FamilyModel<Config = Self>;

    /// The family.
    const FAMILY: Family;

    /// What published files of this family have as `model_type`.
    const MODEL_TYPES: &'static [&'static str];

    /// Whether the other fields of a `config.json` are of this family: it has no `model_type`, or
    /// one that several families have.
    fn recognizes(fields: &Value) -> bool;

    /// Checks that the parts fit each other.
    ///
    /// # Errors
    /// [`Error::Config`] or the part's own error, naming the field.
    fn validate(&self) -> Result<()>;

    /// The part that does not depend on the family.
    fn info(&self) -> ModelInfo<'_>;

    /// Makes the model with random parameters, drawn when first used.
    fn init(&self, device: &Device) -> Self::Model;

    /// Which parameters are quantized with a precision.
    fn precision_plan(&self, precision: Precision) -> PrecisionPlan;
}

/// A model that is loaded from a checkpoint of its family and saved as one.
pub trait FamilyModel: VaryModel + Module + 'static {
    /// Its configuration.
    type Config: FamilyConfig<Model = Self>;

    /// Fields of the vision towers.
    const TOWERS: &'static [&'static str];

    /// Field of the vision vocabulary, one of the towers.
    const VISION_VOCABULARY: &'static str;

    /// Field of the language model.
    const LANGUAGE_MODEL: &'static str;

    /// Official names of the parameters.
    fn key_map(&self) -> KeyMap;

    /// The vision vocabulary and the projector of its tokens.
    fn vision_vocabulary(&self) -> (&VisionVocabulary, &Linear);

    /// Replaces the model's vision vocabulary by one of the same sizes, on the same device.
    fn set_vision_vocabulary(&mut self, tower: VisionVocabulary);

    /// The vision vocabulary and the projector of its tokens, if the tower is trained.
    fn trained_tower(&self) -> Option<(&VisionVocabulary, &Linear)> {
        let (tower, projector) = self.vision_vocabulary();
        (!is_frozen(tower)).then_some((tower, projector))
    }

    /// Loads a checkpoint in f32: a directory, or a single weight file with `config.json` beside
    /// it.
    ///
    /// # Errors
    /// Whatever is wrong with the files, the configuration, or their fit; see [`Error`].
    fn load(path: impl AsRef<Path>, device: &Device) -> Result<(Self, Self::Config)> {
        let path = path.as_ref();
        let config: Self::Config = checkpoint::read_config_json(config_dir(path))?;
        let files = CheckpointFiles::open(path)?;
        let model = Self::from_files(&config, &files, device, Precision::F32)?;
        Ok((model, config))
    }

    /// Loads the weights of a known configuration.
    ///
    /// # Errors
    /// As [`load`](Self::load); [`Error::UnsupportedPrecision`].
    fn from_files(
        config: &Self::Config,
        files: &CheckpointFiles,
        device: &Device,
        precision: Precision,
    ) -> Result<Self> {
        config.validate()?;
        precision.check(device)?;
        let plan = config.precision_plan(precision);
        let model = config.init(device);
        let keys = model.key_map();
        checkpoint::load_with(model, files, &keys, &plan)
    }

    /// Writes `config.json` and `model.safetensors` into a directory, each atomically.
    ///
    /// # Errors
    /// [`Error::Io`] naming the file.
    fn save(
        &self,
        config: &Self::Config,
        dir: impl AsRef<Path>,
        options: &SaveOptions,
    ) -> Result<()> {
        checkpoint::save_dir(self, &self.key_map(), config, dir.as_ref(), options)
    }
}

/// Configuration of a model of any family.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(untagged)]
#[non_exhaustive]
pub enum ModelConfig {
    /// See [`VaryTinyConfig`].
    VaryTiny(VaryTinyConfig),
    /// See [`VaryToyConfig`].
    VaryToy(VaryToyConfig),
    /// See [`GotOcr2Config`].
    GotOcr2(GotOcr2Config),
}

/// A model of any family.
pub type AnyModel = Box<dyn VaryModel>;

/// An operation on a model of any family; see [`ModelConfig::visit`].
pub trait FamilyVisitor {
    /// What it gives.
    type Output;

    /// Runs it with the configuration of a family.
    fn visit<C: FamilyConfig>(self, config: &C) -> Self::Output;
}

/// The same for the configuration of every family.
macro_rules! each_family {
    ($config:expr, $inner:ident => $result:expr) => {
        match $config {
            ModelConfig::VaryTiny($inner) => $result,
            ModelConfig::VaryToy($inner) => $result,
            ModelConfig::GotOcr2($inner) => $result,
        }
    };
}

impl ModelConfig {
    /// Reads the `config.json` of a checkpoint directory and determines the family.
    ///
    /// # Errors
    /// [`Error::Io`], [`Error::ConfigField`] for a field of another form, [`Error::Config`] for
    /// another family's file.
    pub fn read(dir: impl AsRef<Path>) -> Result<Self> {
        let path = dir.as_ref().join("config.json");
        let text = crate::file::read_text(&path).map_err(|source| Error::io(&path, source))?;
        Self::parse(&path, &text)
    }

    /// Reads the text of a `config.json`; `path` is for messages.
    pub(crate) fn parse(path: &Path, text: &[u8]) -> Result<Self> {
        let fields: Value = parse_config_json(path, text)?;
        let of = Self::of::<VaryTinyConfig>(&fields, path, text)
            .or_else(|| Self::of::<VaryToyConfig>(&fields, path, text))
            .or_else(|| Self::of::<GotOcr2Config>(&fields, path, text));
        of.unwrap_or_else(|| {
            let found = match fields.get("model_type") {
                Some(model_type) => format!("`model_type` {model_type} and its fields are"),
                None => "it has no `model_type`, and its fields are".into(),
            };
            Err(Error::Config(format!(
                "{}: {found} of no family that is supported: Vary-tiny (`vary`, with OPT's \
                 `ffn_dim`), Vary-toy and Vary (`vary` or `mmgpt`, with Qwen's `kv_channels`), \
                 GOT-OCR2.0 (`GOT` or `got_ocr2`)",
                path.display()
            )))
        })
    }

    /// The configuration, if the fields are of family `C`.
    fn of<C: FamilyConfig>(fields: &Value, path: &Path, text: &[u8]) -> Option<Result<Self>> {
        let model_type = fields.get("model_type").and_then(Value::as_str);
        let known = model_type.is_none_or(|found| C::MODEL_TYPES.contains(&found));
        let of_family = known && C::recognizes(fields);
        of_family.then(|| {
            let config: C = parse_config_json(path, text)?;
            for deviation in deviations(fields, &json!(config)) {
                tracing::info!("{}: {deviation}", path.display());
            }
            Ok(config.into())
        })
    }

    /// Calls a visitor with the configuration of the family.
    pub fn visit<V: FamilyVisitor>(&self, visitor: V) -> V::Output {
        each_family!(self, config => visitor.visit(config))
    }

    /// The family.
    pub fn family(&self) -> Family {
        fn family<C: FamilyConfig>(_: &C) -> Family {
            C::FAMILY
        }
        each_family!(self, config => family(config))
    }

    /// The part that does not depend on the family.
    pub fn info(&self) -> ModelInfo<'_> {
        each_family!(self, config => config.info())
    }

    /// Checks that the parts fit each other.
    ///
    /// # Errors
    /// [`Error::Config`] or the part's own error, naming the field.
    pub fn validate(&self) -> Result<()> {
        each_family!(self, config => config.validate())
    }

    /// Checks that files have the names, types and shapes of the model's parameters. Values are not
    /// read.
    ///
    /// # Errors
    /// Whatever is wrong with the configuration or its fit to the files.
    pub fn check(&self, files: &CheckpointFiles) -> Result<()> {
        fn check<C: FamilyConfig>(config: &C, files: &CheckpointFiles) -> Result<()> {
            config.validate()?;
            let model = config.init(&default_device()?);
            checkpoint::check(&model, files, &model.key_map())
        }
        each_family!(self, config => check(config, files))
    }

    /// Loads the weights.
    ///
    /// # Errors
    /// Whatever is wrong with the files, the configuration, or their fit.
    pub fn load(
        &self,
        files: &CheckpointFiles,
        device: &Device,
        precision: Precision,
    ) -> Result<AnyModel> {
        fn load<C: FamilyConfig>(
            config: &C,
            files: &CheckpointFiles,
            device: &Device,
            precision: Precision,
        ) -> Result<AnyModel> {
            Ok(Box::new(C::Model::from_files(
                config, files, device, precision,
            )?))
        }
        each_family!(self, config => load(config, files, device, precision))
    }
}

/// In what a `config.json` differs from the one that would be written: fields that it lacks, for
/// which values of the released model stand in, and fields that have no effect.
fn deviations(file: &Value, written: &Value) -> Vec<String> {
    let (Some(file), Some(written)) = (file.as_object(), written.as_object()) else {
        return vec![];
    };
    let named = |fields: Vec<&String>, what: &str| {
        let names: Vec<&str> = fields.into_iter().map(String::as_str).collect();
        (!names.is_empty()).then(|| format!("{what}: {}", names.join(", ")))
    };
    let lacking = written.keys().filter(|name| !file.contains_key(*name));
    let ignored = file.keys().filter(|name| !written.contains_key(*name));
    let mut found: Vec<String> = [
        named(
            lacking.collect(),
            "fields with the value of the released model",
        ),
        named(ignored.collect(), "fields without effect"),
    ]
    .into_iter()
    .flatten()
    .collect();
    for (name, part) in file {
        let inside = written.get(name).map(|written| deviations(part, written));
        let inside = inside.unwrap_or_default().into_iter();
        found.extend(inside.map(|deviation| format!("`{name}`: {deviation}")));
    }
    found
}

impl From<VaryTinyConfig> for ModelConfig {
    fn from(config: VaryTinyConfig) -> Self {
        Self::VaryTiny(config)
    }
}

impl From<VaryToyConfig> for ModelConfig {
    fn from(config: VaryToyConfig) -> Self {
        Self::VaryToy(config)
    }
}

impl From<GotOcr2Config> for ModelConfig {
    fn from(config: GotOcr2Config) -> Self {
        Self::GotOcr2(config)
    }
}

/// `model_type` of Vary's families: the code's, and that of the published files. The network is the
/// same with both.
pub(super) const VARY_TYPES: &[&str] = &["vary", "mmgpt"];

/// The default of `model_type`.
pub(super) fn model_type() -> String {
    VARY_TYPES[0].into()
}

pub(super) fn check_model_type(found: &str) -> Result<()> {
    match VARY_TYPES.contains(&found) {
        true => Ok(()),
        false => Err(Error::Config(format!(
            "`model_type` is `{found}`; Vary's is one of {VARY_TYPES:?}"
        ))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn deviations_are_listed() {
        let written = json!({"a": 1, "b": {"c": 1, "d": 2}, "e": [1]});
        assert!(deviations(&written, &written).is_empty());
        let file = json!({"a": 2, "b": {"c": 5, "x": 0}, "y": {"z": 1}});
        assert_eq!(
            deviations(&file, &written),
            [
                "fields with the value of the released model: e",
                "fields without effect: y",
                "`b`: fields with the value of the released model: d",
                "`b`: fields without effect: x",
            ]
        );
    }
}

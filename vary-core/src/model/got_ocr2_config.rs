use burn::prelude::*;
use serde::de::{DeserializeOwned, Error as _};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::{Map, Value, json};
use vary_lm::qwen::{Qwen2Config, QwenConfig};
use vary_lm::tokenizer::{END_OF_TEXT, IM_END};
use vary_vision::preprocess::ImageProcessor;
use vary_vision::vocab::{Activation, VisionVocabularyConfig};

use super::family::{FamilyConfig, ModelInfo};
use super::splice::ImagePlaceholder;
use super::{Family, GotOcr2};
use crate::checkpoint::{Precision, PrecisionPlan};
use crate::{Error, Result};

/// The two published layouts of GOT-OCR2.0.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum GotLayout {
    /// Of `stepfun-ai/GOT-OCR2_0`: `model_type` `GOT`, Qwen2's fields at the top level.
    Original,
    /// Of `stepfun-ai/GOT-OCR-2.0-hf`: `model_type` `got_ocr2`, `text_config` and `vision_config`;
    /// the projector has the vision vocabulary's last two convolutions.
    Transformers,
}

/// Configuration of [`GotOcr2`], the content of a checkpoint's `config.json` in either layout.
///
/// A field that the file lacks has the value of the published model: the original code has the
/// sizes of the tower and the ids of the image tokens built in, and transformers leaves out what
/// equals its defaults.
#[derive(Debug, Clone, PartialEq)]
pub struct GotOcr2Config {
    /// The layout that it was read from, in which the model is saved.
    pub layout: GotLayout,
    /// The language model.
    pub text_config: Qwen2Config,
    /// The vision vocabulary network.
    pub sam_config: VisionVocabularyConfig,
    /// Ids and length of an image placeholder.
    pub image_placeholder: ImagePlaceholder,
}

impl GotOcr2Config {
    /// The published GOT-OCR2.0 (arXiv 2409.01704): SAM-base vocabulary and a decoder of 0.5
    /// billion parameters.
    pub fn got_ocr2() -> Self {
        Self {
            layout: GotLayout::Original,
            text_config: Qwen2Config {
                vocab_size: 151_860,
                hidden_size: 1024,
                intermediate_size: 2816,
                num_hidden_layers: 24,
                num_attention_heads: 16,
                num_key_value_heads: 16,
                max_position_embeddings: 32_768,
                rms_norm_eps: 1e-6,
                rope_theta: 1e6,
                tie_word_embeddings: true,
            },
            sam_config: VisionVocabularyConfig::sam_base(),
            image_placeholder: ImagePlaceholder {
                patch: 151_859,
                start: 151_857,
                end: 151_858,
                len: 256,
            },
        }
    }

    /// A few ten thousand parameters, for tests, in sizes that both layouts can hold. The image
    /// tokens are the last three of the vocabulary, in the order `<img>`, `</img>`, `<imgpad>`, as
    /// in the published tokenizer.
    pub fn tiny(vocab_size: usize) -> Self {
        let end = vocab_size as u32;
        let tower = VisionVocabularyConfig::tiny();
        let sam_config = Tower::of(&tower).sam_config(32);
        Self {
            layout: GotLayout::Original,
            text_config: Qwen2Config {
                vocab_size,
                hidden_size: 32,
                intermediate_size: 48,
                num_hidden_layers: 2,
                num_attention_heads: 4,
                num_key_value_heads: 2,
                max_position_embeddings: 512,
                ..Self::got_ocr2().text_config
            },
            image_placeholder: ImagePlaceholder {
                patch: end.saturating_sub(1),
                start: end.saturating_sub(3),
                end: end.saturating_sub(2),
                len: sam_config.num_tokens(),
            },
            sam_config,
        }
    }

    /// The same in another layout.
    #[must_use]
    pub fn with_layout(mut self, layout: GotLayout) -> Self {
        self.layout = layout;
        self
    }

    /// Preprocessing of the tower's input.
    pub fn processor(&self) -> ImageProcessor {
        ImageProcessor::vary(self.sam_config.img_size)
    }

    /// The language model in the form that its network is made of.
    pub fn qwen(&self) -> QwenConfig {
        self.text_config.clone().into()
    }

    fn from_original(fields: &Value) -> Result<Self, String> {
        let default = Self::got_ocr2();
        let sam_config = section(fields, "sam_config", &default.sam_config)?;
        let id = |name, default| field(fields, name, default);
        Ok(Self {
            layout: GotLayout::Original,
            text_config: decoder(fields, &default.text_config)?,
            image_placeholder: ImagePlaceholder {
                patch: id("im_patch_token", default.image_placeholder.patch)?,
                start: id("im_start_token", default.image_placeholder.start)?,
                end: id("im_end_token", default.image_placeholder.end)?,
                len: field(fields, "image_token_len", default.image_placeholder.len)?,
            },
            sam_config,
        })
    }

    fn from_transformers(fields: &Value) -> Result<Self, String> {
        let default = Self::got_ocr2();
        let empty = Value::Object(Map::new());
        let text = fields.get("text_config").unwrap_or(&empty);
        let vision = fields.get("vision_config").unwrap_or(&empty);
        let text_config = decoder(text, &default.text_config);
        let text_config = text_config.map_err(|e| format!("`text_config`: {e}"))?;
        let tower = Tower::of(&default.sam_config);
        let tower: Tower = merged(vision, &tower).map_err(|e| format!("`vision_config`: {e}"))?;
        let sam_config = tower.sam_config(text_config.hidden_size);
        let patch: u32 = field(fields, "image_token_index", default.image_placeholder.patch)?;
        let before = |n| patch.checked_sub(n).ok_or("`image_token_index` is below 2");
        Ok(Self {
            layout: GotLayout::Transformers,
            image_placeholder: ImagePlaceholder {
                patch,
                // The file names the pads alone. `<img>` and `</img>` are the two ids before.
                start: before(2)?,
                end: before(1)?,
                len: sam_config.num_tokens(),
            },
            text_config,
            sam_config,
        })
    }

    fn to_original(&self) -> Value {
        let mut fields = json!({
            "architectures": ["GOTQwenForCausalLM"],
            "model_type": "GOT",
            "im_patch_token": self.image_placeholder.patch,
            "im_start_token": self.image_placeholder.start,
            "im_end_token": self.image_placeholder.end,
            "image_token_len": self.image_placeholder.len,
            "use_im_start_end": true,
            "sam_config": self.sam_config,
        });
        if let (Some(all), Value::Object(text)) = (fields.as_object_mut(), json!(self.text_config))
        {
            all.extend(text);
        }
        fields
    }

    fn to_transformers(&self) -> Value {
        let mut text = json!(self.text_config);
        text["model_type"] = "qwen2".into();
        let mut vision = json!(Tower::of(&self.sam_config));
        vision["model_type"] = "got_ocr2_vision".into();
        json!({
            "architectures": ["GotOcr2ForConditionalGeneration"],
            "model_type": "got_ocr2",
            "image_token_index": self.image_placeholder.patch,
            "tie_word_embeddings": self.text_config.tie_word_embeddings,
            "text_config": text,
            "vision_config": vision,
        })
    }
}

/// The names of transformers for the sizes of the vision vocabulary.
#[derive(Serialize, Deserialize)]
struct Tower {
    image_size: usize,
    patch_size: usize,
    hidden_size: usize,
    num_hidden_layers: usize,
    num_attention_heads: usize,
    mlp_dim: usize,
    output_channels: usize,
    window_size: usize,
    global_attn_indexes: Vec<usize>,
    layer_norm_eps: f64,
    hidden_act: Activation,
}

impl Tower {
    fn of(sam: &VisionVocabularyConfig) -> Self {
        Self {
            image_size: sam.img_size,
            patch_size: sam.patch_size,
            hidden_size: sam.embed_dim,
            num_hidden_layers: sam.depth,
            num_attention_heads: sam.num_heads,
            mlp_dim: (sam.embed_dim as f64 * sam.mlp_ratio).round() as usize,
            output_channels: sam.out_chans,
            window_size: sam.window_size,
            global_attn_indexes: sam.global_attn_indexes.clone(),
            layer_norm_eps: sam.layer_norm_eps,
            hidden_act: sam.hidden_act,
        }
    }

    /// transformers doubles the neck's channels in the first convolution, and makes the second as
    /// wide as the language model.
    fn sam_config(self, width: usize) -> VisionVocabularyConfig {
        VisionVocabularyConfig {
            img_size: self.image_size,
            patch_size: self.patch_size,
            embed_dim: self.hidden_size,
            depth: self.num_hidden_layers,
            num_heads: self.num_attention_heads,
            mlp_ratio: self.mlp_dim as f64 / self.hidden_size.max(1) as f64,
            out_chans: self.output_channels,
            window_size: self.window_size,
            global_attn_indexes: self.global_attn_indexes,
            net_2_chans: self.output_channels.saturating_mul(2),
            net_3_chans: width,
            layer_norm_eps: self.layer_norm_eps,
            hidden_act: self.hidden_act,
        }
    }
}

/// The decoder's fields of an object; transformers 5 nests the base of the rotary wavelengths.
fn decoder(fields: &Value, default: &Qwen2Config) -> Result<Qwen2Config, String> {
    let mut config: Qwen2Config = merged(fields, default)?;
    if let Some(base) = fields.pointer("/rope_parameters/rope_theta") {
        config.rope_theta = parsed("rope_parameters.rope_theta", base)?;
    }
    Ok(config)
}

/// The fields of an object, those of `default` where they are missing.
fn merged<T: Serialize + DeserializeOwned>(fields: &Value, default: &T) -> Result<T, String> {
    let mut all = json!(default);
    let given = fields.as_object().ok_or("it is not an object")?;
    if let Some(all) = all.as_object_mut() {
        for (name, value) in all {
            match given.get(name) {
                Some(given) if !given.is_null() => *value = given.clone(),
                _ => {}
            }
        }
    }
    serde_path_to_error::deserialize(&all)
        .map_err(|error| format!("`{}`: {}", error.path(), error.inner()))
}

fn section<T>(fields: &Value, name: &str, default: &T) -> Result<T, String>
where
    T: Serialize + DeserializeOwned + Clone,
{
    match fields.get(name) {
        Some(fields) => merged(fields, default).map_err(|e| format!("`{name}`: {e}")),
        None => Ok(default.clone()),
    }
}

fn field<T: DeserializeOwned>(fields: &Value, name: &str, default: T) -> Result<T, String> {
    match fields.get(name) {
        Some(value) => parsed(name, value),
        None => Ok(default),
    }
}

fn parsed<T: DeserializeOwned>(name: &str, value: &Value) -> Result<T, String> {
    T::deserialize(value).map_err(|error| format!("`{name}`: {error}"))
}

impl<'de> Deserialize<'de> for GotOcr2Config {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let fields = Value::deserialize(deserializer)?;
        let nested = fields.get("text_config").is_some()
            || fields.get("model_type").and_then(Value::as_str) == Some("got_ocr2");
        let config = match nested {
            true => Self::from_transformers(&fields),
            false => Self::from_original(&fields),
        };
        config.map_err(D::Error::custom)
    }
}

impl Serialize for GotOcr2Config {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let fields = match self.layout {
            GotLayout::Original => self.to_original(),
            GotLayout::Transformers => self.to_transformers(),
        };
        fields.serialize(serializer)
    }
}

impl FamilyConfig for GotOcr2Config {
    type Model = GotOcr2;

    const FAMILY: Family = Family::GotOcr2;

    const MODEL_TYPES: &'static [&'static str] = &["GOT", "got_ocr2"];

    fn recognizes(fields: &Value) -> bool {
        let all = |names: [&str; 2]| names.iter().all(|name| fields.get(name).is_some());
        let model_type = fields.get("model_type").and_then(Value::as_str);
        model_type.is_some_and(|found| Self::MODEL_TYPES.contains(&found))
            || all(["rms_norm_eps", "im_patch_token"])
            || all(["text_config", "vision_config"])
    }

    fn validate(&self) -> Result<()> {
        self.sam_config.validate()?;
        let qwen = self.qwen();
        qwen.validate()?;
        if self.layout == GotLayout::Transformers {
            let made = Tower::of(&self.sam_config).sam_config(qwen.hidden_size);
            let place = self.image_placeholder;
            let ids = [place.start.checked_add(2), place.end.checked_add(1)];
            if made != self.sam_config || ids != [Some(place.patch); 2] {
                return Err(Error::Config(format!(
                    "the layout of transformers can't hold these sizes and ids: it would be read \
                     as {made:?}, with `<img>` and `</img>` before `<imgpad>`"
                )));
            }
        }
        self.image_placeholder
            .validate(qwen.vocab_size, self.sam_config.num_tokens())
    }

    fn info(&self) -> ModelInfo<'_> {
        ModelInfo {
            vocab_size: self.text_config.vocab_size,
            max_positions: self.text_config.max_position_embeddings,
            image_placeholder: self.image_placeholder,
            sam_config: &self.sam_config,
            processors: vec![self.processor()],
            // The files name 151,643 (`<|endoftext|>`) alone, which the model does not write after
            // an answer.
            stop_tokens: &[IM_END, END_OF_TEXT],
            no_repeat_ngram: Some(20),
            token_fields: self.image_placeholder.token_fields(),
        }
    }

    fn init(&self, device: &Device) -> GotOcr2 {
        GotOcr2::new(self, device)
    }

    fn precision_plan(&self, precision: Precision) -> PrecisionPlan {
        precision
            .plan(&["qwen.h.", "qwen.lm_head."])
            .towers(&["vision_tower_high."])
            .tables(&["qwen.wte."])
    }
}

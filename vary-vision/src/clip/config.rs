use burn::module::Initializer;
use burn::nn::conv::Conv2dConfig;
use burn::nn::{EmbeddingConfig, LayerNormConfig};
use burn::prelude::*;
use serde::{Deserialize, Serialize};

use super::{ClipVision, Embeddings, Encoder, EncoderLayer};
use crate::{Error, Result};

/// Activation of the feed-forward layers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ClipActivation {
    /// `x * sigmoid(1.702 x)`, as OpenAI trained it.
    #[default]
    QuickGelu,
    /// The exact GELU.
    Gelu,
}

/// Configuration of a [`ClipVision`] tower, with the names of Hugging Face's `CLIPVisionConfig`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ClipVisionConfig {
    /// Channels of a token.
    pub hidden_size: usize,
    /// Width of the feed-forward layers.
    pub intermediate_size: usize,
    /// Number of layers.
    pub num_hidden_layers: usize,
    /// Attention heads; divides `hidden_size`.
    pub num_attention_heads: usize,
    /// Channels of an image; only 3 is supported.
    #[serde(default = "rgb")]
    pub num_channels: usize,
    /// Edge of the square that it sees, in pixels; a multiple of `patch_size`.
    pub image_size: usize,
    /// Edge of a patch in pixels.
    pub patch_size: usize,
    /// Activation of the feed-forward layers.
    #[serde(default)]
    pub hidden_act: ClipActivation,
    /// Added to the variance by the norms.
    #[serde(default = "eps")]
    pub layer_norm_eps: f64,
}

fn rgb() -> usize {
    3
}

fn eps() -> f64 {
    1e-5
}

impl ClipVisionConfig {
    /// `openai/clip-vit-large-patch14`: 256 patches of 1024 channels.
    pub fn large_patch14_224() -> Self {
        Self {
            hidden_size: 1024,
            intermediate_size: 4096,
            num_hidden_layers: 24,
            num_attention_heads: 16,
            num_channels: rgb(),
            image_size: 224,
            patch_size: 14,
            hidden_act: ClipActivation::QuickGelu,
            layer_norm_eps: eps(),
        }
    }

    /// The size of a tower beside Vary-nano's vision vocabulary: 96 px, 36 patches.
    pub fn nano() -> Self {
        Self {
            hidden_size: 128,
            intermediate_size: 384,
            num_hidden_layers: 4,
            num_attention_heads: 4,
            image_size: 96,
            patch_size: 16,
            ..Self::large_patch14_224()
        }
    }

    /// A few thousand parameters and 4 patches, for tests.
    pub fn tiny() -> Self {
        Self {
            hidden_size: 16,
            intermediate_size: 32,
            num_hidden_layers: 3,
            num_attention_heads: 2,
            image_size: 16,
            patch_size: 8,
            ..Self::large_patch14_224()
        }
    }

    /// Patches of an image; the class token does not count.
    pub fn num_tokens(&self) -> usize {
        (self.image_size / self.patch_size.max(1)).pow(2)
    }

    /// Checks that the sizes fit each other.
    ///
    /// # Errors
    /// [`Error::Config`] naming the field and the reason.
    pub fn validate(&self) -> Result<()> {
        let fail = |reason: String| Err(Error::Config(reason));
        // Several times what any released model has.
        for (name, value, most) in [
            ("hidden_size", self.hidden_size, 1 << 20),
            ("intermediate_size", self.intermediate_size, 1 << 20),
            ("num_hidden_layers", self.num_hidden_layers, 1024),
            ("num_attention_heads", self.num_attention_heads, 1 << 20),
            ("image_size", self.image_size, 8192),
            ("patch_size", self.patch_size, 8192),
        ] {
            if value == 0 || value > most {
                return fail(format!(
                    "CLIP's `{name}` is {value}; it must be 1 to {most}"
                ));
            }
        }
        for (name, value, of, divisor) in [
            (
                "hidden_size",
                self.hidden_size,
                "num_attention_heads",
                self.num_attention_heads,
            ),
            ("image_size", self.image_size, "patch_size", self.patch_size),
        ] {
            if !value.is_multiple_of(divisor) {
                return fail(format!(
                    "CLIP's `{name}` {value} is not a multiple of `{of}` {divisor}"
                ));
            }
        }
        if self.num_channels != 3 {
            let channels = self.num_channels;
            return fail(format!("CLIP's `num_channels` is {channels}, not 3"));
        }
        if !(self.layer_norm_eps.is_finite() && self.layer_norm_eps > 0.0) {
            let eps = self.layer_norm_eps;
            return fail(format!(
                "CLIP's `layer_norm_eps` is {eps}; it must be above 0"
            ));
        }
        Ok(())
    }

    /// Checks that there is a hidden state `select_layer`; see [`ClipVision::forward`].
    ///
    /// # Errors
    /// [`Error::Config`] with the range.
    pub fn check_layer(&self, select_layer: isize) -> Result<()> {
        let states = self.num_hidden_layers as isize + 1;
        if (-states..states).contains(&select_layer) {
            return Ok(());
        }
        Err(Error::Config(format!(
            "CLIP has hidden states {} to {}, but `vision_select_layer` is {select_layer}",
            -states,
            states - 1
        )))
    }

    /// Makes the tower with random weights, drawn when first used; loading a checkpoint over them
    /// costs nothing.
    pub fn init(&self, device: &Device) -> ClipVision {
        let (channels, patch) = (self.hidden_size, self.patch_size);
        let start = || Initializer::Normal {
            mean: 0.0,
            std: 0.02,
        };
        let norm = || {
            LayerNormConfig::new(channels)
                .with_epsilon(self.layer_norm_eps)
                .init(device)
        };
        ClipVision {
            embeddings: Embeddings {
                class_embedding: start().init([channels], device),
                patch_embedding: Conv2dConfig::new([self.num_channels, channels], [patch, patch])
                    .with_stride([patch, patch])
                    .with_bias(false)
                    .init(device),
                position_embedding: EmbeddingConfig::new(self.num_tokens() + 1, channels)
                    .with_initializer(start())
                    .init(device),
            },
            pre_layrnorm: norm(),
            encoder: Encoder {
                layers: (0..self.num_hidden_layers)
                    .map(|_| EncoderLayer::new(self, device))
                    .collect(),
            },
            post_layernorm: norm(),
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn presets_are_valid() {
        for (config, tokens) in [
            (ClipVisionConfig::large_patch14_224(), 256),
            (ClipVisionConfig::nano(), 36),
            (ClipVisionConfig::tiny(), 4),
        ] {
            config.validate().unwrap();
            assert_eq!(config.num_tokens(), tokens);
        }
    }

    #[test]
    fn bad_field_is_named() {
        type Change = fn(&mut ClipVisionConfig);
        let changes: [(Change, &str); 6] = [
            (|c| c.num_hidden_layers = 0, "`num_hidden_layers`"),
            (|c| c.num_attention_heads = 3, "`num_attention_heads`"),
            (|c| c.image_size = 17, "`image_size`"),
            (|c| c.patch_size = 0, "`patch_size`"),
            (|c| c.num_channels = 1, "`num_channels`"),
            (|c| c.layer_norm_eps = f64::NAN, "`layer_norm_eps`"),
        ];
        for (change, named) in changes {
            let mut config = ClipVisionConfig::tiny();
            change(&mut config);
            let error = config.validate().unwrap_err().to_string();
            assert!(error.contains(named), "{error}");
        }
    }

    #[test]
    fn layers_count_from_both_ends() {
        let (config, device) = (ClipVisionConfig::tiny(), Device::flex());
        let tower = config.init(&device);
        let pixels = Tensor::ones([1, 3, 16, 16], &device);
        let get = |layer| tower.forward(pixels.clone(), layer).into_data();
        for (negative, positive) in [(-1, 3), (-2, 2), (-4, 0)] {
            assert_eq!(get(negative), get(positive));
        }
        assert_ne!(get(-1), get(-2));
        assert_eq!(tower.forward(pixels.clone(), -2).dims(), [1, 4, 16]);
        for layer in [-5, 4] {
            assert!(config.check_layer(layer).is_err());
        }
        for layer in [-4, 3] {
            config.check_layer(layer).unwrap();
        }
    }

    #[test]
    #[should_panic(expected = "hidden state 4 of 4")]
    fn there_is_no_layer_beyond_the_last() {
        let tower = ClipVisionConfig::tiny().init(&Device::flex());
        tower.forward(Tensor::ones([1, 3, 16, 16], &Device::flex()), 4);
    }

    #[test]
    fn unknown_activation_is_named() {
        let json = serde_json::json!({
            "hidden_size": 16, "intermediate_size": 32, "num_hidden_layers": 1,
            "num_attention_heads": 2, "image_size": 16, "patch_size": 8, "hidden_act": "swish",
        });
        let error = serde_json::from_value::<ClipVisionConfig>(json).unwrap_err();
        assert!(error.to_string().contains("swish"), "{error}");
    }
}

use burn::nn::{EmbeddingConfig, Initializer, Linear, LinearConfig, RmsNorm, RmsNormConfig};
use burn::prelude::*;
use serde::{Deserialize, Serialize};

use super::Qwen;
use crate::{Error, Result};

/// Configuration of a [`Qwen`] decoder, with the names of Qwen-1's official `config.json`. For a
/// file of the Qwen2 family see [`Qwen2Config`](super::Qwen2Config).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct QwenConfig {
    /// Rows of the token table and of the output head.
    pub vocab_size: usize,
    /// Width of the residual stream.
    pub hidden_size: usize,
    /// Twice the width of the feed-forward layers, as Qwen-1 counts.
    pub intermediate_size: usize,
    /// Number of layers.
    pub num_hidden_layers: usize,
    /// Query heads.
    pub num_attention_heads: usize,
    /// Key and value heads, a divisor of the query heads; as many as those by default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub num_key_value_heads: Option<usize>,
    /// Width of a head, even.
    pub kv_channels: usize,
    /// Length that the model was trained with; longer sequences are stretched (see the
    /// [module](super)).
    pub seq_length: usize,
    /// Longest sequence.
    pub max_position_embeddings: usize,
    /// Added to the mean square by the norms.
    pub layer_norm_epsilon: f64,
    /// Base of the rotary wavelengths.
    pub rotary_emb_base: f64,
    /// Share of a head that turns; only 1 is supported.
    #[serde(default = "one")]
    pub rotary_pct: f64,
    /// Stretch the rotary base for long prompts.
    pub use_dynamic_ntk: bool,
    /// Scale queries at far positions.
    pub use_logn_attn: bool,
    /// No bias but on the projections to query, key and value.
    pub no_bias: bool,
    /// The token table is the output head too.
    #[serde(default)]
    pub tie_word_embeddings: bool,
    /// Query, key and value have a matrix each, as in Qwen2.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub separate_qkv: bool,
}

fn one() -> f64 {
    1.0
}

impl QwenConfig {
    /// Qwen-1.8B with the vocabulary of Vary-toy (151860 rows).
    pub fn qwen_1_8b() -> Self {
        Self {
            vocab_size: 151_860,
            hidden_size: 2048,
            intermediate_size: 11_008,
            num_hidden_layers: 24,
            num_attention_heads: 16,
            num_key_value_heads: None,
            kv_channels: 128,
            seq_length: 8192,
            max_position_embeddings: 8192,
            layer_norm_epsilon: 1e-6,
            rotary_emb_base: 10_000.0,
            rotary_pct: 1.0,
            use_dynamic_ntk: true,
            use_logn_attn: true,
            no_bias: true,
            tie_word_embeddings: false,
            separate_qkv: false,
        }
    }

    /// The size of Vary-nano's language model: 1.8 million parameters and 256 for each token of a
    /// tokenizer of `vocab_size`.
    pub fn nano(vocab_size: usize) -> Self {
        Self {
            vocab_size,
            hidden_size: 256,
            intermediate_size: 896,
            num_hidden_layers: 3,
            num_attention_heads: 8,
            kv_channels: 32,
            seq_length: 384,
            max_position_embeddings: 384,
            tie_word_embeddings: true,
            ..Self::qwen_1_8b()
        }
    }

    /// A few thousand parameters, for tests.
    pub fn tiny(vocab_size: usize) -> Self {
        Self {
            vocab_size,
            hidden_size: 32,
            intermediate_size: 64,
            num_hidden_layers: 2,
            num_attention_heads: 4,
            kv_channels: 8,
            seq_length: 256,
            max_position_embeddings: 256,
            ..Self::qwen_1_8b()
        }
    }

    /// Key and value heads.
    pub fn kv_heads(&self) -> usize {
        self.num_key_value_heads.unwrap_or(self.num_attention_heads)
    }

    /// Checks that the sizes fit each other.
    ///
    /// # Errors
    /// [`Error::Config`] naming the field and the reason.
    pub fn validate(&self) -> Result<()> {
        let fail = |reason: String| Err(Error::Config(reason));
        for (name, value) in [
            ("vocab_size", self.vocab_size),
            ("hidden_size", self.hidden_size),
            ("intermediate_size", self.intermediate_size),
            ("num_hidden_layers", self.num_hidden_layers),
            ("num_attention_heads", self.num_attention_heads),
            ("num_key_value_heads", self.kv_heads()),
            ("kv_channels", self.kv_channels),
            ("seq_length", self.seq_length),
            ("max_position_embeddings", self.max_position_embeddings),
        ] {
            if value == 0 || value > 1 << 24 {
                return fail(format!("`{name}` is {value}; it must be 1 to 2^24"));
            }
        }
        // Several times what any released model has.
        if self.num_hidden_layers > 1024 {
            let reason = format!(
                "`num_hidden_layers` is {}; it must be at most 1024",
                self.num_hidden_layers
            );
            return Err(Error::Config(reason));
        }
        if !self.num_attention_heads.is_multiple_of(self.kv_heads()) {
            return fail(format!(
                "`num_attention_heads` {} is not a multiple of `num_key_value_heads` {}",
                self.num_attention_heads,
                self.kv_heads()
            ));
        }
        for (name, value) in [
            ("kv_channels", self.kv_channels),
            ("intermediate_size", self.intermediate_size),
        ] {
            if !value.is_multiple_of(2) {
                return fail(format!("`{name}` is {value}; it must be even"));
            }
        }
        if self.kv_channels < 4 {
            return fail(format!("`kv_channels` is {}, below 4", self.kv_channels));
        }
        if self.rotary_pct != 1.0 {
            let pct = self.rotary_pct;
            return fail(format!("`rotary_pct` is {pct}; only 1 is supported"));
        }
        for (name, value) in [
            ("layer_norm_epsilon", self.layer_norm_epsilon),
            ("rotary_emb_base", self.rotary_emb_base),
        ] {
            if !(value.is_finite() && value > 0.0) {
                return fail(format!("`{name}` is {value}; it must be above 0"));
            }
        }
        if self.use_logn_attn && self.seq_length < 2 {
            return fail("`use_logn_attn` needs a `seq_length` of at least 2".into());
        }
        Ok(())
    }

    /// Makes the decoder with random parameters, drawn when first used: normal with a standard
    /// deviation of 0.02, as the original starts.
    pub fn init(&self, device: &Device) -> Qwen {
        Qwen::new(self, device)
    }

    pub(super) fn table(&self) -> EmbeddingConfig {
        EmbeddingConfig::new(self.vocab_size, self.hidden_size).with_initializer(START)
    }

    pub(super) fn norm(&self, device: &Device) -> RmsNorm {
        RmsNormConfig::new(self.hidden_size)
            .with_epsilon(self.layer_norm_epsilon)
            .init(device)
    }

    pub(super) fn linear(&self, from: usize, to: usize, bias: bool, device: &Device) -> Linear {
        LinearConfig::new(from, to)
            .with_bias(bias)
            .with_initializer(START)
            .init(device)
    }
}

const START: Initializer = Initializer::Normal {
    mean: 0.0,
    std: 0.02,
};

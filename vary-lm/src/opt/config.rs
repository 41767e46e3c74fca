use burn::nn::{DropoutConfig, EmbeddingConfig, Initializer, LayerNormConfig};
use burn::prelude::*;
use serde::{Deserialize, Serialize};

use super::{Decoder, DecoderLayer, POSITION_OFFSET};
use crate::{Error, Result};

/// Configuration of an OPT [`Decoder`] (arXiv 2205.01068), with the names of the official
/// `config.json`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct OptConfig {
    /// Rows of the token table.
    pub vocab_size: usize,
    /// Width of the residual stream.
    pub hidden_size: usize,
    /// Width of the feed-forward layers.
    pub ffn_dim: usize,
    /// Number of layers.
    pub num_hidden_layers: usize,
    /// Attention heads; divides `hidden_size`.
    pub num_attention_heads: usize,
    /// Longest sequence; the position table has two rows more.
    pub max_position_embeddings: usize,
    /// Dropout of the residual branches while training.
    #[serde(default)]
    pub dropout: f64,
    /// Id that pads batches.
    #[serde(default = "default_pad")]
    pub pad_token_id: u32,
    /// Id that begins every text.
    #[serde(default = "default_bos")]
    pub bos_token_id: u32,
    /// Id that ends an answer.
    #[serde(default = "default_bos")]
    pub eos_token_id: u32,
}

fn default_pad() -> u32 {
    1
}

fn default_bos() -> u32 {
    2
}

impl OptConfig {
    /// OPT-125M with the three image tokens of Vary added (50268 rows).
    pub fn opt_125m() -> Self {
        Self {
            vocab_size: 50268,
            hidden_size: 768,
            ffn_dim: 3072,
            num_hidden_layers: 12,
            num_attention_heads: 12,
            max_position_embeddings: 2048,
            dropout: 0.1,
            pad_token_id: 1,
            bos_token_id: 2,
            eos_token_id: 2,
        }
    }

    /// Width of an attention head.
    pub fn head_dim(&self) -> usize {
        self.hidden_size / self.num_attention_heads.max(1)
    }

    /// Checks that the sizes fit each other.
    ///
    /// # Errors
    ///
    /// [`Error::Config`] naming the field and the reason.
    pub fn validate(&self) -> Result<()> {
        for (name, value) in [
            ("vocab_size", self.vocab_size),
            ("hidden_size", self.hidden_size),
            ("ffn_dim", self.ffn_dim),
            ("num_hidden_layers", self.num_hidden_layers),
            ("num_attention_heads", self.num_attention_heads),
            ("max_position_embeddings", self.max_position_embeddings),
        ] {
            if value == 0 || value > 1 << 24 {
                return Err(Error::Config(format!(
                    "`{name}` is {value}; it must be 1 to 2^24"
                )));
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
        if !self.hidden_size.is_multiple_of(self.num_attention_heads) {
            return Err(Error::Config(format!(
                "`hidden_size` {} is not a multiple of `num_attention_heads` {}",
                self.hidden_size, self.num_attention_heads
            )));
        }
        for (name, id) in [
            ("pad_token_id", self.pad_token_id),
            ("bos_token_id", self.bos_token_id),
            ("eos_token_id", self.eos_token_id),
        ] {
            if id as usize >= self.vocab_size {
                return Err(Error::Config(format!(
                    "`{name}` is {id}, but `vocab_size` is {}",
                    self.vocab_size
                )));
            }
        }
        if !(0.0..1.0).contains(&self.dropout) {
            return Err(Error::Config(format!(
                "`dropout` is {}; it must be in [0, 1)",
                self.dropout
            )));
        }
        Ok(())
    }

    /// Makes the decoder with random parameters, drawn when first used.
    pub fn init(&self, device: &Device) -> Decoder {
        let d_model = self.hidden_size;
        let table = |rows| {
            EmbeddingConfig::new(rows, d_model)
                .with_initializer(Initializer::Normal {
                    mean: 0.0,
                    std: 0.02,
                })
                .init(device)
        };
        Decoder {
            embed_tokens: table(self.vocab_size),
            embed_positions: table(self.max_position_embeddings + POSITION_OFFSET),
            layers: (0..self.num_hidden_layers)
                .map(|_| DecoderLayer::new(self, device))
                .collect(),
            final_layer_norm: LayerNormConfig::new(d_model).init(device),
            dropout: DropoutConfig::new(self.dropout).init(),
        }
    }
}

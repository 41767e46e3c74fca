use serde::{Deserialize, Serialize};

use super::QwenConfig;

/// Field paths of a [`Qwen`](super::Qwen) with separate projections, and what Qwen2's checkpoints
/// call them below `model.`; `lm_head` stands beside it.
pub const QWEN2_KEYS: &[(&str, &str)] = &[
    ("wte.", "embed_tokens."),
    ("h.*.ln_1.", "layers.*.input_layernorm."),
    ("h.*.attn.qkv.", "layers.*.self_attn."),
    ("h.*.attn.c_proj.", "layers.*.self_attn.o_proj."),
    ("h.*.ln_2.", "layers.*.post_attention_layernorm."),
    ("h.*.mlp.w1.", "layers.*.mlp.up_proj."),
    ("h.*.mlp.w2.", "layers.*.mlp.gate_proj."),
    ("h.*.mlp.c_proj.", "layers.*.mlp.down_proj."),
    ("ln_f.", "norm."),
];

/// The `config.json` of a Qwen2 decoder (arXiv 2407.10671), such as GOT-OCR2.0's; make a
/// [`QwenConfig`] of it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Qwen2Config {
    /// Rows of the token table.
    pub vocab_size: usize,
    /// Width of the residual stream.
    pub hidden_size: usize,
    /// Width of the feed-forward layers.
    pub intermediate_size: usize,
    /// Number of layers.
    pub num_hidden_layers: usize,
    /// Query heads.
    pub num_attention_heads: usize,
    /// Key and value heads.
    pub num_key_value_heads: usize,
    /// Longest sequence.
    pub max_position_embeddings: usize,
    /// Added to the mean square by the norms.
    pub rms_norm_eps: f64,
    /// Base of the rotary wavelengths.
    pub rope_theta: f64,
    /// The token table is the output head too.
    #[serde(default)]
    pub tie_word_embeddings: bool,
}

impl From<Qwen2Config> for QwenConfig {
    fn from(config: Qwen2Config) -> Self {
        Self {
            vocab_size: config.vocab_size,
            hidden_size: config.hidden_size,
            // Of both branches; `validate` refuses what is beyond all bounds.
            intermediate_size: config.intermediate_size.saturating_mul(2),
            num_hidden_layers: config.num_hidden_layers,
            num_attention_heads: config.num_attention_heads,
            num_key_value_heads: Some(config.num_key_value_heads),
            kv_channels: config.hidden_size / config.num_attention_heads.max(1),
            seq_length: config.max_position_embeddings,
            max_position_embeddings: config.max_position_embeddings,
            layer_norm_epsilon: config.rms_norm_eps,
            rotary_emb_base: config.rope_theta,
            rotary_pct: 1.0,
            use_dynamic_ntk: false,
            use_logn_attn: false,
            no_bias: true,
            tie_word_embeddings: config.tie_word_embeddings,
            separate_qkv: true,
        }
    }
}

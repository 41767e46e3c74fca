//! Qwen-1 (<https://github.com/QwenLM/Qwen>, arXiv 2309.16609), the language model of Vary-toy, and
//! the Qwen2 family by configuration.
//!
//! Two rules for long sequences hold in evaluation only. **Dynamic NTK**: a prompt longer than
//! `seq_length` stretches the rotary base; the stretch is chosen when the prompt is read and kept
//! while its cache is used. **Log-n attention**: the query at position `p` is scaled by
//! `ln(p + 1) / ln(seq_length)` from `p = seq_length` on.
//!
//! Evaluation means: on a device without autodiff, as for burn's own dropout. The original turns
//! both rules off while it trains, so logits of long sequences differ between the two there too.

mod config;
mod layer;
mod qwen2;

pub use config::QwenConfig;
pub use layer::{Block, FusedQkv, Mlp, QkvProjection, SelfAttention, SeparateQkv};
pub use qwen2::{QWEN2_KEYS, Qwen2Config};

use burn::nn::{Embedding, Linear, RmsNorm};
use burn::prelude::*;
use vary_kernels::quantized::{embedding, linear, tied_logits};

use crate::kv_cache::Caches;
use crate::rope::Rope;
use crate::{KvCache, LanguageModel};
use layer::{PositionTables, Positions};

/// Field paths whose official names differ, as `(field path, official name)`.
pub const KEYS: &[(&str, &str)] = &[("h.*.attn.qkv.", "h.*.attn.")];

/// Qwen's decoder with its output head. Field names are the official ones.
///
/// Make one with [`QwenConfig::init`].
#[derive(Module, Debug)]
pub struct Qwen {
    /// Token table, `[vocab, d_model]`.
    pub wte: Embedding,
    /// Layers.
    pub h: Vec<Block>,
    /// Norm before the output head.
    pub ln_f: RmsNorm,
    /// Output head; `None` when it is tied to the token table.
    pub lm_head: Option<Linear>,
    #[module(skip)]
    positions: Positions,
    n_kv_heads: usize,
    max_positions: usize,
}

impl Qwen {
    fn new(config: &QwenConfig, device: &Device) -> Self {
        let rope = Rope {
            head_dim: config.kv_channels,
            base: config.rotary_emb_base,
        };
        Self {
            wte: config.table().init(device),
            h: (0..config.num_hidden_layers)
                .map(|_| Block::new(config, device))
                .collect(),
            ln_f: config.norm(device),
            lm_head: (!config.tie_word_embeddings)
                .then(|| config.linear(config.hidden_size, config.vocab_size, false, device)),
            positions: Positions {
                rope,
                seq_length: config.seq_length,
                dynamic_ntk: config.use_dynamic_ntk,
                logn: config.use_logn_attn,
            },
            n_kv_heads: config.kv_heads(),
            max_positions: config.max_position_embeddings,
        }
    }

    /// # Shapes
    /// - inputs_embeds, output: `[batch, seq, d_model]`
    fn run(
        &self,
        inputs_embeds: Tensor<3>,
        positions: &PositionTables,
        padding: Option<Tensor<2, Bool>>,
        mut caches: Caches<'_>,
        inspect: &mut dyn FnMut(&Tensor<3>),
    ) -> Tensor<3> {
        let mut x = inputs_embeds;
        for (i, block) in self.h.iter().enumerate() {
            inspect(&x);
            x = block.forward(x, positions, padding.as_ref(), caches.layer(i));
        }
        let x = self.ln_f.forward(x);
        inspect(&x);
        x
    }
}

impl LanguageModel for Qwen {
    fn embed(&self, ids: Tensor<2, Int>) -> Tensor<3> {
        embedding(&self.wte, ids)
    }

    fn forward_states(
        &self,
        inputs_embeds: Tensor<3>,
        attention_mask: Option<Tensor<2, Int>>,
        mut cache: Option<&mut KvCache>,
        inspect: &mut dyn FnMut(&Tensor<3>),
    ) -> Tensor<3> {
        let seq = inputs_embeds.dims()[1];
        let past = cache.as_ref().map_or(0, |cache| cache.len());
        let prompt = match cache.as_mut() {
            Some(cache) => cache.prompt_len(seq),
            None => seq,
        };
        // Padding is not skipped: a position is a place in the sequence.
        let places: Vec<_> = (past..past + seq).map(|p| (p, prompt)).collect();
        let positions = self.positions.tables(&places, [1, seq], &inputs_embeds);
        let padding = attention_mask.map(|mask| mask.equal_elem(0));
        self.run(
            inputs_embeds,
            &positions,
            padding,
            Caches::of(cache),
            inspect,
        )
    }

    fn step(&self, inputs_embeds: Tensor<3>, caches: &mut [&mut KvCache]) -> Tensor<2> {
        let rows = inputs_embeds.dims()[1];
        assert_eq!(rows, caches.len(), "a cache per sequence");
        let places = caches
            .iter_mut()
            .map(|cache| (cache.len(), cache.prompt_len(1)));
        let places: Vec<_> = places.collect();
        let positions = self.positions.tables(&places, [rows, 1], &inputs_embeds);
        let caches = Caches::own(caches);
        let hidden = self.run(inputs_embeds, &positions, None, caches, &mut |_| ());
        self.logits(hidden).squeeze_dim(0)
    }

    fn queries_and_keys(&self, layer: usize, head: usize, state: Tensor<3>) -> [Tensor<3>; 2] {
        let seq = state.dims()[1];
        let places: Vec<_> = (0..seq).map(|p| (p, seq)).collect();
        let positions = self.positions.tables(&places, [1, seq], &state);
        let block = &self.h[layer];
        let normed = block.ln_1.forward(state);
        block.attn.queries_and_keys(normed, head, &positions)
    }

    fn logits(&self, hidden: Tensor<3>) -> Tensor<3> {
        match &self.lm_head {
            Some(head) => linear(head, hidden),
            None => tied_logits(&self.wte, hidden),
        }
    }

    fn cache(&self, batch: usize, capacity: usize) -> KvCache {
        // The stored one: a packed table is not unpacked for its type.
        let table = self.wte.weight.base();
        let shape = [
            batch,
            self.n_kv_heads,
            capacity,
            self.positions.rope.head_dim,
        ];
        KvCache::new(self.h.len(), shape, &table.device(), table.dtype())
    }

    fn max_positions(&self) -> usize {
        self.max_positions
    }

    fn same_positions(&self, a: usize, b: usize) -> bool {
        self.positions.ntk_alpha(a) == self.positions.ntk_alpha(b)
    }

    fn embedding_shape(&self) -> [usize; 2] {
        self.wte.weight.lazy_shape().dims()
    }

    fn device(&self) -> Device {
        self.wte.weight.lazy_device()
    }
}

//! OPT (arXiv 2205.01068), the language model that generates the vision vocabulary.

mod config;
mod layer;
mod positions;

pub use config::OptConfig;
pub use layer::{DecoderLayer, SelfAttention};
pub use positions::{POSITION_OFFSET, interpolate_positions};

use burn::nn::{Dropout, Embedding, LayerNorm};
use burn::prelude::*;

use crate::kv_cache::KvCache;

/// OPT's decoder with its tied output head. Field names are the official ones.
///
/// Make one with [`OptConfig::init`].
#[derive(Module, Debug)]
pub struct Decoder {
    /// Token table, also the output head: `[vocab, d_model]`.
    pub embed_tokens: Embedding,
    /// Position table, `[max_position_embeddings + 2, d_model]`.
    pub embed_positions: Embedding,
    /// Layers.
    pub layers: Vec<DecoderLayer>,
    /// Norm before the output head.
    pub final_layer_norm: LayerNorm,
    dropout: Dropout,
}

impl Decoder {
    /// Looks tokens up, without positions.
    ///
    /// # Shapes
    /// - ids: `[batch, seq]`
    /// - output: `[batch, seq, d_model]`
    pub fn embed(&self, ids: Tensor<2, Int>) -> Tensor<3> {
        self.embed_tokens.forward(ids)
    }

    /// Runs the layers over embedded tokens.
    ///
    /// `attention_mask` is 1 for tokens and 0 for padding, on either side; it covers cached
    /// positions and new ones. Without it nothing is padding. A token's position is the number of
    /// tokens before it, padding not counted.
    ///
    /// # Shapes
    /// - inputs_embeds: `[batch, seq, d_model]`
    /// - attention_mask: `[batch, past + seq]`
    /// - output: `[batch, seq, d_model]`, after the final norm
    ///
    /// # Panics
    /// If a position is beyond the table, or the cache has no room.
    pub fn forward(
        &self,
        inputs_embeds: Tensor<3>,
        attention_mask: Option<Tensor<2, Int>>,
        cache: Option<&mut KvCache>,
    ) -> Tensor<3> {
        self.forward_states(inputs_embeds, attention_mask, cache, |_| ())
    }

    /// Like [`forward`](Self::forward), and shows each hidden state to `inspect`: the embedding
    /// with its position, each layer's output but the last, and the normed output.
    pub fn forward_states(
        &self,
        inputs_embeds: Tensor<3>,
        attention_mask: Option<Tensor<2, Int>>,
        mut cache: Option<&mut KvCache>,
        mut inspect: impl FnMut(&Tensor<3>),
    ) -> Tensor<3> {
        let [batch, seq, _] = inputs_embeds.dims();
        let past = cache.as_ref().map_or(0, |cache| cache.len());
        let rows = match &attention_mask {
            Some(mask) => positions::rows(mask.clone(), past),
            None => {
                let (first, last) = (past + POSITION_OFFSET, past + seq + POSITION_OFFSET);
                Tensor::arange(first as i64..last as i64, &inputs_embeds.device())
                    .unsqueeze::<2>()
                    .expand([batch as i64, seq as i64])
            }
        };
        let padding = attention_mask.map(|mask| mask.equal_elem(0));

        let x = inputs_embeds + self.embed_positions.forward(rows);
        let mut x = self.dropout.forward(x);
        for (i, layer) in self.layers.iter().enumerate() {
            inspect(&x);
            let cache = cache.as_mut().and_then(|cache| cache.layer(i));
            x = layer.forward(x, padding.as_ref(), cache);
        }
        let x = self.final_layer_norm.forward(x);
        inspect(&x);
        x
    }

    /// Output head, tied to the token table.
    ///
    /// # Shapes
    /// - hidden: `[.., d_model]`
    /// - output: `[.., vocab]`
    pub fn logits<const D: usize>(&self, hidden: Tensor<D>) -> Tensor<D> {
        burn::tensor::module::linear(hidden, self.embed_tokens.weight.val().transpose(), None)
    }

    /// An empty cache for this decoder.
    pub fn cache(&self, batch: usize, capacity: usize) -> KvCache {
        let weight = &self.embed_tokens.weight;
        let d_model = weight.lazy_shape()[1];
        let heads = self.layers.first().map_or(1, |layer| layer.num_heads());
        let shape = [batch, heads, capacity, d_model / heads];
        KvCache::new(self.layers.len(), shape, &weight.val().device())
    }

    /// Longest sequence that the position table allows.
    pub fn max_positions(&self) -> usize {
        self.embed_positions.weight.lazy_shape()[0] - POSITION_OFFSET
    }
}

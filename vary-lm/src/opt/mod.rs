//! OPT (arXiv 2205.01068), the language model that generates the vision vocabulary.

mod config;
mod layer;
mod positions;

pub use config::OptConfig;
pub use layer::{DecoderLayer, SelfAttention};
pub use positions::{POSITION_OFFSET, interpolate_positions};

use burn::nn::{Dropout, Embedding, LayerNorm};
use burn::prelude::*;
use vary_kernels::quantized::tied_logits;

use crate::attention::outputs;
use crate::kv_cache::Caches;
use crate::{KvCache, LanguageModel};

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
    /// # Shapes
    /// - inputs_embeds, output: `[batch, seq, d_model]`
    /// - rows: `[batch, seq]` of the position table
    fn run(
        &self,
        inputs_embeds: Tensor<3>,
        rows: Tensor<2, Int>,
        padding: Option<Tensor<2, Bool>>,
        mut caches: Caches<'_>,
        inspect: &mut dyn FnMut(&Tensor<3>),
    ) -> Tensor<3> {
        let x = inputs_embeds + self.embed_positions.forward(rows);
        let mut x = self.dropout.forward(x);
        for (i, layer) in self.layers.iter().enumerate() {
            inspect(&x);
            x = layer.forward(x, padding.as_ref(), caches.layer(i));
        }
        let x = self.final_layer_norm.forward(x);
        inspect(&x);
        x
    }
}

/// A token's position is the number of tokens before it, padding not counted, on either side.
impl LanguageModel for Decoder {
    fn embed(&self, ids: Tensor<2, Int>) -> Tensor<3> {
        self.embed_tokens.forward(ids)
    }

    fn forward_states(
        &self,
        inputs_embeds: Tensor<3>,
        attention_mask: Option<Tensor<2, Int>>,
        cache: Option<&mut KvCache>,
        inspect: &mut dyn FnMut(&Tensor<3>),
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
        self.run(inputs_embeds, rows, padding, Caches::of(cache), inspect)
    }

    fn step(&self, inputs_embeds: Tensor<3>, caches: &mut [&mut KvCache]) -> Tensor<2> {
        assert_eq!(
            inputs_embeds.dims()[1],
            caches.len(),
            "a cache per sequence"
        );
        let rows = caches
            .iter()
            .map(|cache| (cache.len() + POSITION_OFFSET) as i32);
        let data = TensorData::new(rows.collect(), [1, caches.len()]);
        let rows = Tensor::from_data(data, &inputs_embeds.device());
        let hidden = self.run(inputs_embeds, rows, None, Caches::own(caches), &mut |_| ());
        self.logits(hidden).squeeze_dim(0)
    }

    fn queries_and_keys(&self, layer: usize, head: usize, state: Tensor<3>) -> [Tensor<3>; 2] {
        let layer = &self.layers[layer];
        let head_dim = state.dims()[2] / layer.num_heads();
        let normed = layer.self_attn_layer_norm.forward(state);
        let attention = &layer.self_attn;
        [&attention.q_proj, &attention.k_proj]
            .map(|projection| outputs(projection, normed.clone(), head * head_dim, head_dim))
    }

    /// The head is tied to the token table.
    fn logits(&self, hidden: Tensor<3>) -> Tensor<3> {
        tied_logits(&self.embed_tokens, hidden)
    }

    fn cache(&self, batch: usize, capacity: usize) -> KvCache {
        let table = self.embed_tokens.weight.val();
        let heads = self.layers.first().map_or(1, |layer| layer.num_heads());
        let shape = [batch, heads, capacity, table.dims()[1] / heads];
        KvCache::new(self.layers.len(), shape, &table.device(), table.dtype())
    }

    fn max_positions(&self) -> usize {
        self.embed_positions.weight.lazy_shape()[0] - POSITION_OFFSET
    }

    fn embedding_shape(&self) -> [usize; 2] {
        self.embed_tokens.weight.lazy_shape().dims()
    }

    fn device(&self) -> Device {
        self.embed_tokens.weight.lazy_device()
    }
}

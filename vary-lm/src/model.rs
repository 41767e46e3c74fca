use burn::prelude::*;

use crate::KvCache;

/// A decoder-only language model: embedded tokens in, logits out.
///
/// It is what generation, the splicing of image tokens and training need; the families differ in
/// how they are built and in their configuration.
pub trait LanguageModel: Send + Sync {
    /// Embeds token ids, without positions.
    ///
    /// # Shapes
    /// - ids: `[batch, seq]`
    /// - output: `[batch, seq, d_model]`
    fn embed(&self, ids: Tensor<2, Int>) -> Tensor<3>;

    /// Runs the layers over embedded tokens.
    ///
    /// `attention_mask` is 1 for tokens and 0 for padding; it covers cached positions and new
    /// ones. Without it nothing is padding. Padding on the right needs no mask: attention is
    /// causal.
    ///
    /// # Shapes
    /// - inputs_embeds: `[batch, seq, d_model]`
    /// - attention_mask: `[batch, past + seq]`
    /// - output: `[batch, seq, d_model]`, after the final norm
    ///
    /// # Panics
    /// If a position is beyond [`max_positions`](Self::max_positions) of a model with a position
    /// table, or the cache has no room.
    fn forward(
        &self,
        inputs_embeds: Tensor<3>,
        attention_mask: Option<Tensor<2, Int>>,
        cache: Option<&mut KvCache>,
    ) -> Tensor<3> {
        self.forward_states(inputs_embeds, attention_mask, cache, &mut |_| ())
    }

    /// Like [`forward`](Self::forward), and passes each hidden state to `inspect`: what enters each
    /// layer (the embedding with its position, where the model has a table of those, comes first),
    /// and the normed output.
    fn forward_states(
        &self,
        inputs_embeds: Tensor<3>,
        attention_mask: Option<Tensor<2, Int>>,
        cache: Option<&mut KvCache>,
        inspect: &mut dyn FnMut(&Tensor<3>),
    ) -> Tensor<3>;

    /// Queries and keys of one head of a layer, their positions applied: what the head attends to
    /// is the softmax of their products over the root of `head_dim`. For sequences from their
    /// beginning.
    ///
    /// # Shapes
    /// - state: `[batch, seq, d_model]`, what enters the layer
    /// - output: `[batch, seq, head_dim]` each
    ///
    /// # Panics
    /// If there is no such layer or head, or the projections are quantized.
    fn queries_and_keys(&self, layer: usize, head: usize, state: Tensor<3>) -> [Tensor<3>; 2];

    /// Output head.
    ///
    /// # Shapes
    /// - hidden: `[batch, seq, d_model]`
    /// - output: `[batch, seq, vocab]`
    fn logits(&self, hidden: Tensor<3>) -> Tensor<3>;

    /// An empty cache for `batch` sequences of up to `capacity` positions.
    fn cache(&self, batch: usize, capacity: usize) -> KvCache;

    /// Longest sequence, in tokens.
    fn max_positions(&self) -> usize;

    /// Whether positions mean the same after prompts of `a` and of `b` tokens, so that a cache that
    /// was filled for one may serve the other. (Qwen stretches them for long prompts.)
    fn same_positions(&self, a: usize, b: usize) -> bool {
        let _ = (a, b);
        true
    }

    /// Rows of the token table and width of the residual stream.
    fn embedding_shape(&self) -> [usize; 2];

    /// The device of its parameters.
    fn device(&self) -> Device;

    /// Logits after one more token of each of several sequences, which are appended to their
    /// caches. Sequences may differ in length; each has the logits that it would have alone.
    ///
    /// # Shapes
    /// - inputs_embeds: `[1, sequences, d_model]`, one token of each
    /// - caches: as many, made by [`cache`](Self::cache) for a batch of one
    /// - output: `[sequences, vocab]`
    ///
    /// # Panics
    /// If there are more or fewer caches than sequences, or one has no room.
    fn step(&self, inputs_embeds: Tensor<3>, caches: &mut [&mut KvCache]) -> Tensor<2>;

    /// Logits after the last position; the inputs are appended to `cache`.
    ///
    /// # Shapes
    /// - inputs_embeds: `[batch, seq, d_model]`
    /// - output: `[batch, vocab]`
    fn next_logits(&self, inputs_embeds: Tensor<3>, cache: &mut KvCache) -> Tensor<2> {
        let [batch, seq, d_model] = inputs_embeds.dims();
        let hidden = self.forward(inputs_embeds, None, Some(cache));
        // Only the last position's logits are wanted, and the head is the widest matrix there is.
        let last = hidden.slice([0..batch, seq - 1..seq, 0..d_model]);
        self.logits(last).flatten(0, 1)
    }
}

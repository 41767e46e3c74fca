use burn::prelude::*;
use burn::tensor::module::attention;
use burn::tensor::ops::AttentionModuleOptions;

use crate::kv_cache::LayerCache;

/// Causal multi-head attention, the one of every language model in this crate.
///
/// With a cache the keys and values of this call are appended to it, and the queries see all of
/// them. `padding` marks keys that no query may see (`true` = hidden); it covers the cached
/// positions too.
///
/// # Shapes
/// - q: `[batch, n_heads, seq, head_dim]`
/// - k, v: `[batch, n_heads, seq, head_dim]`
/// - padding: `[batch, past + seq]`
/// - output: `[batch, seq, n_heads * head_dim]`
///
/// # Panics
/// If the cache has no room for `seq` more positions.
pub(crate) fn causal_attention(
    q: Tensor<4>,
    k: Tensor<4>,
    v: Tensor<4>,
    padding: Option<&Tensor<2, Bool>>,
    cache: Option<&mut LayerCache>,
) -> Tensor<3> {
    let [batch, heads, seq, head_dim] = q.dims();
    let (k, v) = match cache {
        Some(cache) => cache.append(k, v),
        None => (k, v),
    };
    let total = k.dims()[2];
    let mask = padding.map(|padding| {
        let sizes = [batch, heads, seq, total].map(|n| n as i64);
        padding.clone().unsqueeze_dims::<4>(&[1, 2]).expand(sizes)
    });
    // Causality is aligned to the end of the keys; a single query sees them all.
    let options = AttentionModuleOptions {
        is_causal: seq > 1,
        ..Default::default()
    };
    attention(q, k, v, mask, None, options)
        .swap_dims(1, 2)
        .reshape([batch, seq, heads * head_dim])
}

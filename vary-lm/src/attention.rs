use burn::nn::Linear;
use burn::prelude::*;
use burn::tensor::module::{attention, linear};
use burn::tensor::ops::AttentionModuleOptions;
use vary_kernels::attention::{single_queries, single_query};

use crate::kv_cache::{LayerCache, LayerCaches};

/// Causal multi-head attention, the one of every language model in this crate.
///
/// With a cache the keys and values of this call are appended to it, and the queries see all of
/// them. `padding` marks keys that no query may see (`true` = hidden); it covers the cached
/// positions too. Fewer key heads than query heads are grouped-query attention (arXiv 2305.13245):
/// consecutive query heads share a key head.
///
/// # Shapes
/// - q: `[batch, n_heads, seq, head_dim]`
/// - k, v: `[batch, n_kv_heads, seq, head_dim]`, `n_heads` a multiple of `n_kv_heads`
/// - padding: `[batch, past + seq]`
/// - output: `[batch, seq, n_heads * head_dim]`; with a cache for each sequence, where `seq` is 1,
///   `[1, batch, n_heads * head_dim]`
///
/// # Panics
/// If the cache has no room for `seq` more positions.
pub(crate) fn causal_attention(
    q: Tensor<4>,
    k: Tensor<4>,
    v: Tensor<4>,
    padding: Option<&Tensor<2, Bool>>,
    caches: LayerCaches<'_>,
) -> Tensor<3> {
    let (k, v) = match caches {
        LayerCaches::None => (k, v),
        LayerCaches::Shared(cache) => cache.append(k, v),
        LayerCaches::Own(caches) => return own_attention(q, k, v, caches),
    };
    attend(q, k, v, padding)
}

/// One query of each sequence, each over its own cache.
///
/// # Shapes
/// - q: `[sequences, n_heads, 1, head_dim]`
/// - k, v: `[sequences, n_kv_heads, 1, head_dim]`
/// - output: `[1, sequences, n_heads * head_dim]`
fn own_attention(
    q: Tensor<4>,
    k: Tensor<4>,
    v: Tensor<4>,
    caches: Vec<&mut LayerCache>,
) -> Tensor<3> {
    let [rows, heads, _, head_dim] = q.dims();
    let row = |x: &Tensor<4>, i| x.clone().narrow(0, i, 1);
    let held: Vec<_> = caches
        .into_iter()
        .enumerate()
        .map(|(i, cache)| cache.append(row(&k, i), row(&v, i)))
        .collect();
    let attended = match single_queries(&q, &held) {
        Some(attended) => attended.reshape([rows, heads * head_dim]),
        None => {
            let rows = held.into_iter().enumerate();
            let rows = rows.map(|(i, (k, v))| attend(row(&q, i), k, v, None).flatten::<2>(0, 1));
            Tensor::cat(rows.collect(), 0)
        }
    };
    attended.unsqueeze()
}

/// # Shapes
/// - q: `[batch, n_heads, seq, head_dim]`
/// - k, v: `[batch, n_kv_heads, past + seq, head_dim]`
/// - output: `[batch, seq, n_heads * head_dim]`
fn attend(
    q: Tensor<4>,
    k: Tensor<4>,
    v: Tensor<4>,
    padding: Option<&Tensor<2, Bool>>,
) -> Tensor<3> {
    let [batch, heads, seq, head_dim] = q.dims();
    if seq == 1
        && padding.is_none()
        && let Some(attended) = single_query(&q, &k, &v)
    {
        return attended.reshape([batch, 1, heads * head_dim]);
    }
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
    let (k, v) = (share_heads(k, heads), share_heads(v, heads));
    attention(q, k, v, mask, None, options)
        .swap_dims(1, 2)
        .reshape([batch, seq, heads * head_dim])
}

/// Repeats every key head for the query heads that share it.
///
/// # Shapes
/// - x: `[batch, n_kv_heads, total, head_dim]`
/// - output: `[batch, n_heads, total, head_dim]`
fn share_heads(x: Tensor<4>, heads: usize) -> Tensor<4> {
    let [batch, kv_heads, total, head_dim] = x.dims();
    if kv_heads == heads {
        return x;
    }
    let group = heads / kv_heads;
    let sizes = [batch, kv_heads, group, total, head_dim];
    x.unsqueeze_dim::<5>(2)
        .expand(sizes.map(|n| n as i64))
        .reshape([batch, heads, total, head_dim])
}

/// Outputs `from` to `from + len` of a linear layer.
///
/// # Shapes
/// - x: `[batch, seq, d_model]`
/// - output: `[batch, seq, len]`
pub(crate) fn outputs(layer: &Linear, x: Tensor<3>, from: usize, len: usize) -> Tensor<3> {
    let weight = layer.weight.val().narrow(1, from, len);
    let bias = layer.bias.as_ref();
    linear(x, weight, bias.map(|b| b.val().narrow(0, from, len)))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn query_heads_share_key_heads() {
        let device = Device::flex();
        let x = Tensor::<1, Int>::arange(0..12, &device).float();
        let x = x.reshape([1, 2, 3, 2]);
        let shared = share_heads(x.clone(), 4);
        for (head, of) in [(0, 0), (1, 0), (2, 1), (3, 1)] {
            let got = shared.clone().narrow(1, head, 1).into_data();
            got.assert_eq(&x.clone().narrow(1, of, 1).into_data(), true);
        }
    }
}

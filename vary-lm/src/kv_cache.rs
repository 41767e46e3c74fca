use burn::prelude::*;

/// Keys and values of every layer, preallocated for `capacity` positions.
#[derive(Debug, Clone)]
pub struct KvCache {
    layers: Vec<LayerCache>,
    capacity: usize,
}

impl KvCache {
    /// An empty cache.
    pub fn new(
        n_layers: usize,
        [batch, n_heads, capacity, head_dim]: [usize; 4],
        device: &Device,
    ) -> Self {
        let layer = || LayerCache {
            k: Tensor::zeros([batch, n_heads, capacity, head_dim], device),
            v: Tensor::zeros([batch, n_heads, capacity, head_dim], device),
            len: 0,
        };
        Self {
            layers: (0..n_layers).map(|_| layer()).collect(),
            capacity,
        }
    }

    /// Positions held now.
    pub fn len(&self) -> usize {
        self.layers.first().map_or(0, |layer| layer.len)
    }

    /// Whether nothing is held.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Positions that fit.
    pub fn capacity(&self) -> usize {
        self.capacity
    }

    pub(crate) fn layer(&mut self, index: usize) -> Option<&mut LayerCache> {
        self.layers.get_mut(index)
    }
}

/// Keys and values of one layer, `[batch, n_heads, capacity, head_dim]`.
#[derive(Debug, Clone)]
pub(crate) struct LayerCache {
    k: Tensor<4>,
    v: Tensor<4>,
    len: usize,
}

impl LayerCache {
    /// Writes the new positions and returns all that are held.
    pub(crate) fn append(&mut self, k: Tensor<4>, v: Tensor<4>) -> (Tensor<4>, Tensor<4>) {
        let [batch, heads, seq, head_dim] = k.dims();
        let end = self.len + seq;
        let capacity = self.k.dims()[2];
        assert!(
            end <= capacity,
            "kv cache of {capacity} positions has no room for {end}"
        );
        let new = [0..batch, 0..heads, self.len..end, 0..head_dim];
        // `inplace` keeps the buffer uniquely owned, so that the write copies nothing else.
        self.k.inplace(|buffer| buffer.slice_assign(new.clone(), k));
        self.v.inplace(|buffer| buffer.slice_assign(new, v));
        self.len = end;
        let held = [0..batch, 0..heads, 0..end, 0..head_dim];
        (
            self.k.clone().slice(held.clone()),
            self.v.clone().slice(held),
        )
    }
}

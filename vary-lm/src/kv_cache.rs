use burn::prelude::*;
use burn::tensor::DType;

/// Keys and values of every layer, preallocated for `capacity` positions.
#[derive(Debug, Clone)]
pub struct KvCache {
    layers: Vec<LayerCache>,
    capacity: usize,
    prompt_len: Option<usize>,
}

impl KvCache {
    /// An empty cache.
    ///
    /// # Shapes
    /// - keys and values of a layer: `[batch, n_kv_heads, capacity, head_dim]`, of type `dtype`
    pub fn new(n_layers: usize, shape: [usize; 4], device: &Device, dtype: DType) -> Self {
        let zeros = || Tensor::zeros(shape, (device, dtype));
        let layer = || LayerCache {
            k: zeros(),
            v: zeros(),
            len: 0,
        };
        Self {
            layers: (0..n_layers).map(|_| layer()).collect(),
            capacity: shape[2],
            prompt_len: None,
        }
    }

    /// Sets the length of the whole prompt, which the first passes may read in parts.
    ///
    /// Models that stretch their positions for long prompts (Qwen's dynamic NTK) choose the stretch
    /// once per cache; without this they take the first pass for the whole prompt, as the original
    /// code does. A prompt that is read in parts needs it to be read as if in one.
    #[must_use]
    pub fn with_prompt_len(mut self, len: usize) -> Self {
        self.prompt_len = Some(len);
        self
    }

    /// Length of the prompt, where the pass that begins now has `seq` positions.
    pub(crate) fn prompt_len(&mut self, seq: usize) -> usize {
        *self.prompt_len.get_or_insert(seq)
    }

    /// Number of cached positions.
    pub fn len(&self) -> usize {
        self.layers.first().map_or(0, |layer| layer.len)
    }

    /// Whether no position is cached.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Maximum number of positions.
    pub fn capacity(&self) -> usize {
        self.capacity
    }

    /// Number of sequences.
    pub fn batch(&self) -> usize {
        self.layers.first().map_or(0, |layer| layer.k.dims()[0])
    }

    /// Drops all positions from `len` on; the next ones take their place.
    pub fn truncate(&mut self, len: usize) {
        for layer in &mut self.layers {
            layer.len = layer.len.min(len);
        }
    }

    /// Makes room for `capacity` positions in total, keeping the cached ones.
    pub fn grow(&mut self, capacity: usize) {
        if capacity > self.capacity {
            self.layers
                .iter_mut()
                .for_each(|layer| layer.grow(capacity));
            self.capacity = capacity;
        }
    }

    /// Keys and values that a layer holds, `[batch, n_kv_heads, len, head_dim]`; `None` beyond the
    /// last layer.
    pub fn layer_tensors(&self, index: usize) -> Option<(Tensor<4>, Tensor<4>)> {
        let LayerCache { k, v, len } = self.layers.get(index)?;
        Some((k.clone().narrow(2, 0, *len), v.clone().narrow(2, 0, *len)))
    }

    fn layer(&mut self, index: usize) -> Option<&mut LayerCache> {
        self.layers.get_mut(index)
    }
}

/// Where a pass keeps keys and values.
pub(crate) enum Caches<'a> {
    /// Nowhere.
    None,
    /// In one cache for all sequences of the batch, which have the same length.
    Shared(&'a mut KvCache),
    /// Each sequence in its own. The pass has one new position of each, and linear layers see
    /// them as the positions of one sequence: `[1, sequences, d_model]`.
    Own(Vec<&'a mut KvCache>),
}

impl<'a> Caches<'a> {
    pub fn of(cache: Option<&'a mut KvCache>) -> Self {
        cache.map_or(Self::None, Self::Shared)
    }

    pub fn own(caches: &'a mut [&mut KvCache]) -> Self {
        Self::Own(caches.iter_mut().map(|cache| &mut **cache).collect())
    }

    /// The cached part of a layer.
    pub fn layer(&mut self, index: usize) -> LayerCaches<'_> {
        match self {
            Self::None => LayerCaches::None,
            Self::Shared(cache) => cache
                .layer(index)
                .map_or(LayerCaches::None, LayerCaches::Shared),
            Self::Own(caches) => LayerCaches::Own(
                caches
                    .iter_mut()
                    .filter_map(|cache| cache.layer(index))
                    .collect(),
            ),
        }
    }
}

/// The part of [`Caches`] that belongs to one layer.
pub(crate) enum LayerCaches<'a> {
    None,
    Shared(&'a mut LayerCache),
    Own(Vec<&'a mut LayerCache>),
}

impl LayerCaches<'_> {
    /// Splits the outputs of a projection into heads.
    ///
    /// # Shapes
    /// - x: `[batch, seq, heads * head_dim]`
    /// - output: `[batch, heads, seq, head_dim]`; with a cache for each sequence, whose positions
    ///   are along `seq`, `[sequences, heads, 1, head_dim]`
    pub fn split_heads(&self, x: Tensor<3>, heads: usize) -> Tensor<4> {
        let [batch, seq, width] = x.dims();
        let head_dim = width / heads;
        match self {
            Self::Own(_) => x.reshape([batch * seq, heads, 1, head_dim]),
            _ => x.reshape([batch, seq, heads, head_dim]).swap_dims(1, 2),
        }
    }
}

/// Keys and values of one layer, `[batch, n_kv_heads, capacity, head_dim]`.
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
        (
            self.k.clone().narrow(2, 0, end),
            self.v.clone().narrow(2, 0, end),
        )
    }

    fn grow(&mut self, capacity: usize) {
        let longer = |old: &Tensor<4>| {
            let [batch, heads, _, head_dim] = old.dims();
            let new = Tensor::zeros(
                [batch, heads, capacity, head_dim],
                (&old.device(), old.dtype()),
            );
            let held = [0..batch, 0..heads, 0..self.len, 0..head_dim];
            new.slice_assign(held.clone(), old.clone().slice(held))
        };
        (self.k, self.v) = (longer(&self.k), longer(&self.v));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(value: f32) -> Tensor<4> {
        Tensor::full([1, 1, 1, 2], value, &Device::flex())
    }

    #[test]
    fn truncated_positions_are_overwritten() {
        let mut cache = KvCache::new(1, [1, 1, 2, 2], &Device::flex(), DType::F32);
        let append = |cache: &mut KvCache, value| {
            let layer = cache
                .layer(0)
                .map(|layer| layer.append(row(value), row(-value)));
            layer.map(|(k, v)| (k.into_data(), v.into_data()))
        };
        append(&mut cache, 1.0);
        append(&mut cache, 2.0);
        cache.truncate(5);
        assert_eq!(cache.len(), 2);
        cache.truncate(1);
        append(&mut cache, 3.0);
        cache.grow(1);
        assert_eq!(cache.capacity(), 2);
        cache.grow(3);
        let held = append(&mut cache, 4.0);
        let expected = TensorData::from([[[[1f32, 1.0], [3.0, 3.0], [4.0, 4.0]]]]);
        let (k, v) = held.unwrap_or_else(|| unreachable!("there is a layer"));
        k.assert_eq(&expected, true);
        let negative = TensorData::from([[[[-1f32, -1.0], [-3.0, -3.0], [-4.0, -4.0]]]]);
        v.assert_eq(&negative, true);
    }
}

use burn::nn::{Linear, RmsNorm};
use burn::prelude::*;
use vary_kernels::quantized::linear;
use vary_kernels::silu;

use super::QwenConfig;
use crate::attention::{causal_attention, outputs};
use crate::kv_cache::LayerCaches;
use crate::rope::{Rope, Rotation};

/// How positions enter the attention.
#[derive(Debug, Clone, Copy)]
pub(super) struct Positions {
    pub rope: Rope,
    pub seq_length: usize,
    pub dynamic_ntk: bool,
    pub logn: bool,
}

/// What the positions of one pass do to queries and keys, the same in every layer.
pub(super) struct PositionTables {
    rotation: Rotation,
    /// Factors of the queries, `[batch, 1, seq, 1]`; `None` when all are 1.
    logn: Option<Tensor<4>>,
}

impl PositionTables {
    /// # Shapes
    /// - q, output: `[batch, n_heads, seq, head_dim]`
    fn queries(&self, q: Tensor<4>) -> Tensor<4> {
        let q = self.rotation.apply(q);
        match &self.logn {
            Some(factors) => q * factors.clone(),
            None => q,
        }
    }
}

impl Positions {
    /// Tables for positions of sequences, each with the length of its prompt. Device, type and
    /// whether this is training are taken from `like`.
    ///
    /// # Shapes
    /// - places: `batch * seq` pairs of a position and the length of its prompt, where `shape` is
    ///   `[batch, seq]`
    pub fn tables(
        &self,
        places: &[(usize, usize)],
        shape: [usize; 2],
        like: &Tensor<3>,
    ) -> PositionTables {
        let (device, dtype) = (like.device().without_autodiff(), like.dtype());
        let training = like.is_autodiff();
        let beyond = places.iter().any(|&(p, _)| p >= self.seq_length);
        let logn = (self.logn && !training && beyond).then(|| {
            let base = (self.seq_length as f64).ln();
            let factor = |&(p, _): &(usize, usize)| match p + 1 > self.seq_length {
                true => ((p as f64 + 1.0).ln() / base) as f32,
                false => 1.0,
            };
            let factors: Vec<f32> = places.iter().map(factor).collect();
            let data = TensorData::new(factors, [shape[0], 1, shape[1], 1]);
            Tensor::from_data(data.convert_dtype(dtype), (&device, dtype))
        });
        let alpha = |prompt| match training {
            true => 1.0,
            false => self.ntk_alpha(prompt),
        };
        let turns: Vec<_> = places
            .iter()
            .map(|&(p, prompt)| (p, alpha(prompt)))
            .collect();
        PositionTables {
            rotation: self.rope.rotation(&turns, shape, &device, dtype),
            logn,
        }
    }

    /// Stretch of the rotary base for a prompt: 1 up to `seq_length`, 3 up to twice, 7 up to four
    /// times (`get_ntk_alpha` of the original).
    pub fn ntk_alpha(&self, prompt: usize) -> f64 {
        if !self.dynamic_ntk {
            return 1.0;
        }
        let doublings = (prompt as f64 / self.seq_length as f64).log2() + 1.0;
        (doublings.ceil().exp2() - 1.0).max(1.0)
    }
}

/// Projections to query, key and value.
#[derive(Module, Debug)]
#[allow(clippy::large_enum_variant)]
pub enum QkvProjection {
    /// One matrix, as Qwen-1 has it.
    Fused(FusedQkv),
    /// Three matrices, as Qwen2 has them.
    Separate(SeparateQkv),
}

/// Qwen-1's fused projection.
#[derive(Module, Debug)]
pub struct FusedQkv {
    /// Outputs are query, key and value, each head-major.
    pub c_attn: Linear,
}

/// Qwen2's projections.
#[derive(Module, Debug)]
pub struct SeparateQkv {
    /// Query projection.
    pub q_proj: Linear,
    /// Key projection.
    pub k_proj: Linear,
    /// Value projection.
    pub v_proj: Linear,
}

/// Causal self-attention of a [`Block`].
#[derive(Module, Debug)]
pub struct SelfAttention {
    /// Projections to query, key and value, with a bias.
    pub qkv: QkvProjection,
    /// Output projection.
    pub c_proj: Linear,
    n_heads: usize,
    n_kv_heads: usize,
    head_dim: usize,
}

impl SelfAttention {
    fn new(config: &QwenConfig, device: &Device) -> Self {
        let (d_model, head_dim) = (config.hidden_size, config.kv_channels);
        let (heads, kv_heads) = (config.num_attention_heads, config.kv_heads());
        let linear = |outputs| config.linear(d_model, outputs, true, device);
        let qkv = match config.separate_qkv {
            false => QkvProjection::Fused(FusedQkv {
                c_attn: linear((heads + 2 * kv_heads) * head_dim),
            }),
            true => QkvProjection::Separate(SeparateQkv {
                q_proj: linear(heads * head_dim),
                k_proj: linear(kv_heads * head_dim),
                v_proj: linear(kv_heads * head_dim),
            }),
        };
        Self {
            qkv,
            c_proj: config.linear(heads * head_dim, d_model, !config.no_bias, device),
            n_heads: heads,
            n_kv_heads: kv_heads,
            head_dim,
        }
    }

    fn project(&self, x: Tensor<3>) -> [Tensor<3>; 3] {
        match &self.qkv {
            QkvProjection::Fused(fused) => {
                let all = linear(&fused.c_attn, x);
                let (q, k) = (
                    self.n_heads * self.head_dim,
                    self.n_kv_heads * self.head_dim,
                );
                [
                    all.clone().narrow(2, 0, q),
                    all.clone().narrow(2, q, k),
                    all.narrow(2, q + k, k),
                ]
            }
            QkvProjection::Separate(qkv) => [
                linear(&qkv.q_proj, x.clone()),
                linear(&qkv.k_proj, x.clone()),
                linear(&qkv.v_proj, x),
            ],
        }
    }

    /// # Shapes
    /// - x: `[batch, seq, d_model]`
    /// - output: `[batch, seq, head_dim]` each
    pub(super) fn queries_and_keys(
        &self,
        x: Tensor<3>,
        head: usize,
        positions: &PositionTables,
    ) -> [Tensor<3>; 2] {
        let dim = self.head_dim;
        let key_head = head * self.n_kv_heads / self.n_heads;
        let [q, k] = match &self.qkv {
            QkvProjection::Fused(fused) => [head, self.n_heads + key_head]
                .map(|at| outputs(&fused.c_attn, x.clone(), at * dim, dim)),
            QkvProjection::Separate(qkv) => [
                outputs(&qkv.q_proj, x.clone(), head * dim, dim),
                outputs(&qkv.k_proj, x, key_head * dim, dim),
            ],
        };
        let q = positions.queries(q.unsqueeze_dim(1));
        let k = positions.rotation.apply(k.unsqueeze_dim(1));
        [q, k].map(|t| t.squeeze_dim(1))
    }

    fn forward(
        &self,
        x: Tensor<3>,
        positions: &PositionTables,
        padding: Option<&Tensor<2, Bool>>,
        caches: LayerCaches<'_>,
    ) -> Tensor<3> {
        let [q, k, v] = self.project(x);
        let q = positions.queries(caches.split_heads(q, self.n_heads));
        let k = positions
            .rotation
            .apply(caches.split_heads(k, self.n_kv_heads));
        let v = caches.split_heads(v, self.n_kv_heads);
        linear(&self.c_proj, causal_attention(q, k, v, padding, caches))
    }
}

/// Gated feed-forward layer (SwiGLU, arXiv 2002.05202).
#[derive(Module, Debug)]
pub struct Mlp {
    /// What is let through.
    pub w1: Linear,
    /// The gate, before its SiLU.
    pub w2: Linear,
    /// Narrows back.
    pub c_proj: Linear,
}

impl Mlp {
    fn new(config: &QwenConfig, device: &Device) -> Self {
        let (d_model, inner) = (config.hidden_size, config.intermediate_size / 2);
        let linear = |from, to| config.linear(from, to, !config.no_bias, device);
        Self {
            w1: linear(d_model, inner),
            w2: linear(d_model, inner),
            c_proj: linear(inner, d_model),
        }
    }

    /// # Shapes
    /// - x, output: `[batch, seq, d_model]`
    fn forward(&self, x: Tensor<3>) -> Tensor<3> {
        let gate = silu(linear(&self.w2, x.clone()));
        linear(&self.c_proj, linear(&self.w1, x) * gate)
    }
}

/// Pre-norm layer: attention, then a gated feed-forward layer.
#[derive(Module, Debug)]
pub struct Block {
    /// Norm before the attention.
    pub ln_1: RmsNorm,
    /// Causal self-attention.
    pub attn: SelfAttention,
    /// Norm before the feed-forward layer.
    pub ln_2: RmsNorm,
    /// Feed-forward layer.
    pub mlp: Mlp,
}

impl Block {
    pub(super) fn new(config: &QwenConfig, device: &Device) -> Self {
        Self {
            ln_1: config.norm(device),
            attn: SelfAttention::new(config, device),
            ln_2: config.norm(device),
            mlp: Mlp::new(config, device),
        }
    }

    /// # Shapes
    /// - x, output: `[batch, seq, d_model]`
    /// - padding: `[batch, past + seq]`, `true` = hidden
    pub(super) fn forward(
        &self,
        x: Tensor<3>,
        positions: &PositionTables,
        padding: Option<&Tensor<2, Bool>>,
        caches: LayerCaches<'_>,
    ) -> Tensor<3> {
        let normed = self.ln_1.forward(x.clone());
        let x = x + self.attn.forward(normed, positions, padding, caches);
        let normed = self.ln_2.forward(x.clone());
        x + self.mlp.forward(normed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stretch_doubles_with_prompt() {
        let positions = Positions {
            rope: Rope {
                head_dim: 4,
                base: 1e4,
            },
            seq_length: 32,
            dynamic_ntk: true,
            logn: true,
        };
        for (prompt, alpha) in [(1, 1.0), (32, 1.0), (33, 3.0), (64, 3.0), (65, 7.0)] {
            assert_eq!(positions.ntk_alpha(prompt), alpha, "{prompt}");
        }
        let off = Positions {
            dynamic_ntk: false,
            ..positions
        };
        assert_eq!(off.ntk_alpha(500), 1.0);
    }
}

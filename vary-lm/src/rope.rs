use burn::prelude::*;
use burn::tensor::DType;

/// Rotary position embedding (RoFormer, arXiv 2104.09864) of the half-split kind: dimension `i`
/// turns with dimension `i + head_dim / 2`, as in GPT-NeoX, Qwen and Llama's Hugging Face form.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Rope {
    /// Width of a head, even.
    pub head_dim: usize,
    /// Base of the wavelengths.
    pub base: f64,
}

/// Cosines and sines, `[batch, 1, seq, head_dim / 2]` each; `batch` is 1 where all sequences have
/// the same positions.
#[derive(Debug, Clone)]
pub(crate) struct Rotation {
    cos: Tensor<4>,
    sin: Tensor<4>,
}

impl Rope {
    /// The rotation of `positions`, each with the stretch of its base (1 leaves it alone).
    ///
    /// The stretch `alpha` is NTK-aware scaling: `base * alpha^(d / (d - 2))`. Angles are f32, as
    /// in the original code.
    ///
    /// # Shapes
    /// - positions: `batch * seq` of them, where `shape` is `[batch, seq]`
    pub fn rotation(
        &self,
        positions: &[(usize, f64)],
        shape: [usize; 2],
        device: &Device,
        dtype: DType,
    ) -> Rotation {
        let half = self.head_dim / 2;
        let [batch, seq] = shape;
        let mut frequencies = self.frequencies(1.0);
        let mut stretched = 1.0;
        let mut angles = Vec::with_capacity(positions.len() * half);
        for &(position, alpha) in positions {
            if alpha != stretched {
                (frequencies, stretched) = (self.frequencies(alpha), alpha);
            }
            angles.extend(frequencies.iter().map(|w| position as f32 * w));
        }
        let table = |f: fn(f32) -> f32| {
            let values = angles.iter().map(|&angle| f(angle)).collect();
            let data = TensorData::new::<f32, _>(values, [batch, 1, seq, half]);
            Tensor::from_data(data.convert_dtype(dtype), (device, dtype))
        };
        Rotation {
            cos: table(f32::cos),
            sin: table(f32::sin),
        }
    }

    /// Radians per position of each pair of dimensions.
    fn frequencies(&self, alpha: f64) -> Vec<f32> {
        let dim = self.head_dim as f64;
        let base = (self.base * alpha.powf(dim / (dim - 2.0))) as f32;
        let exponent = |i: usize| 2.0 * i as f32 / self.head_dim as f32;
        (0..self.head_dim / 2)
            .map(|i| 1.0 / base.powf(exponent(i)))
            .collect()
    }
}

impl Rotation {
    /// # Shapes
    /// - x, output: `[batch, n_heads, seq, head_dim]`
    pub fn apply(&self, x: Tensor<4>) -> Tensor<4> {
        let [_, _, _, head_dim] = x.dims();
        let low = x.clone().narrow(3, 0, head_dim / 2);
        let high = x.narrow(3, head_dim / 2, head_dim / 2);
        let (cos, sin) = (&self.cos, &self.sin);
        Tensor::cat(
            vec![
                low.clone() * cos.clone() - high.clone() * sin.clone(),
                high * cos.clone() + low * sin.clone(),
            ],
            3,
        )
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn turned(x: [f32; 4], position: usize, alpha: f64) -> Vec<f32> {
        let device = Device::flex();
        let rope = Rope {
            head_dim: 4,
            base: 100.0,
        };
        let x = Tensor::<1>::from_floats(x, &device).reshape([1, 1, 1, 4]);
        let rotation = rope.rotation(&[(position, alpha)], [1, 1], &device, DType::F32);
        rotation.apply(x).into_data().try_to_vec().unwrap()
    }

    #[test]
    fn halves_turn_together() {
        assert_eq!(turned([1.0, 2.0, 3.0, 4.0], 0, 1.0), [1.0, 2.0, 3.0, 4.0]);
        // Frequencies 1 and 0.1 at position 2: pairs (1, 3) and (2, 4).
        let ((s, c), (t, d)) = (2f32.sin_cos(), 0.2f32.sin_cos());
        let expected = [
            c - 3.0 * s,
            2.0 * d - 4.0 * t,
            s + 3.0 * c,
            2.0 * t + 4.0 * d,
        ];
        for (x, y) in turned([1.0, 2.0, 3.0, 4.0], 2, 1.0).iter().zip(expected) {
            assert!((x - y).abs() < 1e-6, "{x} {y}");
        }
    }

    #[test]
    fn stretched_base_keeps_first_frequency() {
        // 100 * 3^2 = 900, whose root is 30.
        let turned = turned([1.0, 1.0, 0.0, 0.0], 3, 3.0);
        let expected = [3f32.cos(), 0.1f32.cos(), 3f32.sin(), 0.1f32.sin()];
        for (x, y) in turned.iter().zip(expected) {
            assert!((x - y).abs() < 1e-6, "{x} {y}");
        }
    }
}

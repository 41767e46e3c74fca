use burn::module::{Module, ModuleMapper, Param};
use burn::prelude::*;
use rand::{Rng, RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use vary_lm::tokenizer::CoordinateTokens;

/// Sets initial parameters with which a small model learns fast; random ones depend on `seed`.
///
/// - Layers that write to the residual stream start at zero, so every block starts as identity.
/// - Positions of patches start as sines and cosines, as in the original transformer.
/// - Embeddings of coordinate tokens start as smooth functions of their value: as they are the
///   output head too, neighbouring values start with neighbouring probabilities.
pub fn initialise<M: Module>(model: M, coordinates: Option<&CoordinateTokens>, seed: u64) -> M {
    let rng = ChaCha8Rng::seed_from_u64(seed);
    let mut start = Start {
        path: vec![],
        coordinates,
        rng,
    };
    model.map(&mut start)
}

struct Start<'a> {
    path: Vec<String>,
    coordinates: Option<&'a CoordinateTokens>,
    rng: ChaCha8Rng,
}

const WRITES_TO_RESIDUAL: [&str; 6] = [
    "attn.proj.weight",
    "mlp.lin2.weight",
    "self_attn.out_proj.weight",
    ".fc2.weight",
    "attn.c_proj.weight",
    "mlp.c_proj.weight",
];

impl ModuleMapper for Start<'_> {
    fn enter_module(&mut self, name: &str, _container: &str) {
        self.path.push(name.to_owned());
    }

    fn exit_module(&mut self, _name: &str, _container: &str) {
        self.path.pop();
    }

    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        let path = self.path.join(".");
        let shape = param.lazy_shape();
        let dims = shape.as_slice().to_vec();
        let values = if WRITES_TO_RESIDUAL.iter().any(|end| path.ends_with(end))
            || path.contains("rel_pos_")
        {
            vec![0.0; dims.iter().product()]
        } else if path.ends_with("pos_embed") {
            sines(dims[1], dims[2], dims[3])
        } else if path.ends_with("embed_tokens.weight") || path.ends_with("wte.weight") {
            self.embeddings(dims[0], dims[1])
        } else if path.ends_with("weight") && D >= 2 {
            let fan_in: usize = if D == 2 {
                dims[0]
            } else {
                dims[1..].iter().product()
            };
            let std = (1.0 / fan_in as f32).sqrt();
            (0..dims.iter().product())
                .map(|_| normal(&mut self.rng) * std)
                .collect()
        } else {
            return param;
        };
        param.map(|tensor| {
            let device = tensor.device();
            let start = Tensor::from_data(TensorData::new(values, dims), &device);
            start.set_require_grad(tensor.is_require_grad())
        })
    }
}

impl Start<'_> {
    fn embeddings(&mut self, rows: usize, d_model: usize) -> Vec<f32> {
        let std = (1.0 / d_model as f32).sqrt();
        let mut table: Vec<f32> = (0..rows * d_model)
            .map(|_| normal(&mut self.rng) * std)
            .collect();
        let Some(coordinates) = self.coordinates else {
            return table;
        };
        let directions = orthonormal(d_model / 2, d_model, &mut self.rng);
        for ids in [coordinates.inner(), coordinates.last()] {
            let features = smooth_features(ids.len(), d_model / 2);
            for (id, features) in ids.iter().zip(features) {
                let row = &mut table[*id as usize * d_model..][..d_model];
                row.fill(0.0);
                for (feature, direction) in features.iter().zip(&directions) {
                    row.iter_mut()
                        .zip(direction)
                        .for_each(|(to, d)| *to += feature * d);
                }
            }
        }
        table
    }
}

/// For each of `n` values in 0 to 1, sines and cosines of half a cycle to 16 cycles, the quicker
/// the weaker; each row has length one.
fn smooth_features(n: usize, width: usize) -> Vec<Vec<f32>> {
    const OCTAVES: std::ops::RangeInclusive<f32> = -1.0..=5.0;
    const DECAY: f32 = 3.0;
    let half = width / 2;
    let at = |i: usize| i as f32 / (half - 1).max(1) as f32;
    let strength: Vec<f32> = (0..half).map(|i| (-DECAY * at(i)).exp2()).collect();
    let norm = strength.iter().map(|s| s * s).sum::<f32>().sqrt();
    (0..n)
        .map(|v| {
            let value = v as f32 / (n - 1).max(1) as f32;
            let mut row = vec![0.0; width];
            for i in 0..half {
                let octave = OCTAVES.start() + (OCTAVES.end() - OCTAVES.start()) * at(i);
                let (sin, cos) = (std::f32::consts::PI * octave.exp2() * value).sin_cos();
                row[i] = sin * strength[i] / norm;
                row[half + i] = cos * strength[i] / norm;
            }
            row
        })
        .collect()
}

/// `n` random directions at right angles to each other, by Gram and Schmidt.
fn orthonormal(n: usize, width: usize, rng: &mut impl Rng) -> Vec<Vec<f32>> {
    let mut basis: Vec<Vec<f32>> = vec![];
    while basis.len() < n {
        let mut v: Vec<f32> = (0..width).map(|_| normal(rng)).collect();
        for b in &basis {
            let along: f32 = v.iter().zip(b).map(|(x, y)| x * y).sum();
            v.iter_mut().zip(b).for_each(|(x, y)| *x -= along * y);
        }
        let length = v.iter().map(|x| x * x).sum::<f32>().sqrt();
        if length > 1e-3 {
            v.iter_mut().for_each(|x| *x /= length);
            basis.push(v);
        }
    }
    basis
}

/// Sines and cosines of column and row, `[height, width, channels]`.
fn sines(height: usize, width: usize, channels: usize) -> Vec<f32> {
    const STRENGTH: f32 = 0.3;
    let quarter = channels / 4;
    let frequency = |i: usize| {
        let octaves = (height.max(width) as f32).log2();
        std::f32::consts::PI * (octaves * i as f32 / (quarter - 1).max(1) as f32).exp2()
    };
    let mut values = Vec::with_capacity(height * width * channels);
    for row in 0..height {
        for col in 0..width {
            let (x, y) = (col as f32 / width as f32, row as f32 / height as f32);
            values.extend((0..channels).map(|c| {
                let wave = frequency(c % quarter.max(1));
                let value = match c / quarter.max(1) {
                    0 => (x * wave).sin(),
                    1 => (x * wave).cos(),
                    2 => (y * wave).sin(),
                    3 => (y * wave).cos(),
                    _ => 0.0,
                };
                value * STRENGTH
            }));
        }
    }
    values
}

/// A normally distributed number, by Box and Muller.
fn normal(rng: &mut impl Rng) -> f32 {
    let (u, v): (f32, f32) = (rng.random(), rng.random());
    (-2.0 * (1.0 - u).ln()).sqrt() * (std::f32::consts::TAU * v).cos()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn neighbouring_coordinates_are_close() {
        let rows = smooth_features(1001, 96);
        let dot =
            |a: usize, b: usize| -> f32 { rows[a].iter().zip(&rows[b]).map(|(x, y)| x * y).sum() };
        assert!((dot(500, 500) - 1.0).abs() < 1e-4);
        assert!(dot(500, 510) > 0.95);
        assert!(dot(500, 510) > dot(500, 600) && dot(500, 600) > dot(500, 900));
    }

    #[test]
    fn directions_are_at_right_angles() {
        let basis = orthonormal(5, 12, &mut ChaCha8Rng::seed_from_u64(1));
        for (i, a) in basis.iter().enumerate() {
            for (j, b) in basis.iter().enumerate() {
                let dot: f32 = a.iter().zip(b).map(|(x, y)| x * y).sum();
                assert!((dot - f32::from(u8::from(i == j))).abs() < 1e-4);
            }
        }
    }
}

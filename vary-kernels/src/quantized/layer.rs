//! Layers with a matrix in bf16, 8 or 4 bits.

use std::sync::Arc;

use burn::module::{Module, Param, Reparameterization, Reparameterizer};
use burn::nn::{Embedding, Linear};
use burn::prelude::*;

use super::Matrix;

/// A packed matrix in place of the tensor of a parameter, which keeps its shape but no memory.
///
/// [`Param::val`](burn::module::Param::val) returns the whole matrix in f32: code that is unaware
/// of packing computes the same, slowly.
#[derive(Module, Debug)]
pub struct Packed {
    #[module(skip)]
    matrix: Arc<Matrix>,
    /// Whether the parameter is the transposed matrix, as in a linear layer.
    #[module(skip)]
    transposed: bool,
}

impl Reparameterization for Packed {
    const NAME: &'static str = "packed";

    fn apply<const D: usize>(&self, base: Tensor<D>) -> Tensor<D> {
        let data = TensorData::new(self.matrix.dequantized(), self.matrix.shape());
        let matrix = Tensor::<2>::from_data(data, &base.device());
        let matrix = if self.transposed {
            matrix.transpose()
        } else {
            matrix
        };
        matrix.reshape(base.dims())
    }
}

/// Whether `device` multiplies with packed matrices directly.
pub fn multiplies(device: &Device) -> bool {
    #[cfg(feature = "flex")]
    return crate::flex::is(device);
    #[cfg(not(feature = "flex"))]
    {
        let _ = device;
        false
    }
}

/// Replaces a parameter by a packed matrix: `[outputs, inputs]` for the `transposed` one of a
/// linear layer, `[rows, cols]` for a table.
///
/// # Panics
/// If the shapes of the matrix and the parameter differ.
pub fn pack<const D: usize>(
    param: Param<Tensor<D>>,
    matrix: Matrix,
    transposed: bool,
) -> Param<Tensor<D>> {
    struct Attach(Option<Packed>);
    impl Reparameterizer for Attach {
        type Reparam = Packed;
        fn reparameterize<const D: usize>(
            &mut self,
            _path: &str,
            param: Param<Tensor<D>>,
        ) -> (Param<Tensor<D>>, Option<Packed>) {
            (param, self.0.take())
        }
    }
    let mut shape = matrix.shape();
    if transposed {
        shape.reverse();
    }
    let (id, expected) = (param.id, param.lazy_shape());
    assert_eq!(expected.as_slice(), shape, "shape of the packed matrix");
    // One value, expanded.
    let base = Tensor::<D>::zeros([1; D], &param.lazy_device()).expand(expected);
    let packed = Packed {
        matrix: Arc::new(matrix),
        transposed,
    };
    param
        .transform_for_load(base, id)
        .apply_reparameterization(Attach(Some(packed)))
}

/// Whether the matrix of a layer is packed.
pub fn is_packed(layer: &Linear) -> bool {
    layer.weight.reparameterization::<Packed>().is_some()
}

/// A linear layer, packed or not.
///
/// # Shapes
/// - x: `[.., inputs]`
/// - output: `[.., outputs]`
pub fn linear<const D: usize>(layer: &Linear, x: Tensor<D>) -> Tensor<D> {
    let packed = layer.weight.reparameterization::<Packed>();
    let Some(packed) = packed.filter(|_| multiplies(&x.device())) else {
        #[cfg(feature = "flex")]
        if let Some(out) = crate::rows::linear(layer, &x) {
            return out;
        }
        return layer.forward(x);
    };
    let bias = layer.bias.as_ref();
    let bias = bias.map(|bias| bias.val().into_data().convert::<f32>());
    // In f32 after the conversion.
    let bias = bias
        .as_ref()
        .map(|bias| bias.as_slice().unwrap_or_default());
    packed.multiply(x, bias)
}

impl Packed {
    /// # Shapes
    /// - x: `[.., inputs]`
    /// - output: `[.., outputs]`
    fn multiply<const D: usize>(&self, x: Tensor<D>, bias: Option<&[f32]>) -> Tensor<D> {
        let (mut shape, device) = (x.dims(), x.device());
        let [outputs, inputs] = self.matrix.shape();
        assert_eq!(
            shape[D - 1],
            inputs,
            "inputs of a layer of {inputs} x {outputs}"
        );
        shape[D - 1] = outputs;
        let x = x.into_data().convert::<f32>();
        let mut out = vec![0.0; shape.iter().product()];
        self.matrix
            .multiply(x.as_slice().unwrap_or_default(), bias, &mut out);
        Tensor::from_data(TensorData::new(out, shape), &device)
    }
}

/// The output head that is a token table too, packed or not.
///
/// One product of two matrices: with a batch axis burn's default `linear` reshapes the transposed
/// table, and a CPU backend copies all of it for that, at every token.
///
/// # Shapes
/// - hidden: `[batch, seq, cols]`
/// - output: `[batch, seq, rows]`
pub fn tied_logits(table: &Embedding, hidden: Tensor<3>) -> Tensor<3> {
    let packed = table.weight.reparameterization::<Packed>();
    let packed = packed.filter(|packed| !packed.transposed && multiplies(&hidden.device()));
    if let Some(packed) = packed {
        return packed.multiply(hidden, None);
    }
    let [batch, seq, cols] = hidden.dims();
    let table = table.weight.val();
    let [rows, _] = table.dims();
    let hidden = hidden.reshape([batch * seq, cols]);
    hidden.matmul(table.transpose()).reshape([batch, seq, rows])
}

/// Rows of a table, packed or not.
///
/// # Shapes
/// - ids: `[batch, seq]`
/// - output: `[batch, seq, cols]`
///
/// # Panics
/// If an id is out of range.
pub fn embedding(table: &Embedding, ids: Tensor<2, Int>) -> Tensor<3> {
    let packed = table.weight.reparameterization::<Packed>();
    let Some(packed) = packed.filter(|packed| !packed.transposed) else {
        return table.forward(ids);
    };
    let ([batch, seq], device) = (ids.dims(), table.weight.lazy_device());
    let [_, cols] = packed.matrix.shape();
    let mut out = Vec::with_capacity(batch * seq * cols);
    for row in ids.into_data().iter::<i64>() {
        out.extend(packed.matrix.row(row as usize));
    }
    Tensor::from_data(TensorData::new(out, [batch, seq, cols]), &device)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use burn::nn::{EmbeddingConfig, LinearConfig};
    use burn::tensor::{Distribution, Tolerance};

    use super::super::Bits;
    use super::*;

    /// Bits of the matrix of a parameter, if it is packed.
    fn packed_bits(param: &Param<Tensor<2>>) -> Option<Bits> {
        Some(param.reparameterization::<Packed>()?.matrix.bits)
    }

    fn packed(layer: &Linear, bits: Bits) -> Linear {
        let weight = layer.weight.val().transpose();
        let shape = weight.dims();
        let values = weight.into_data().try_to_vec().unwrap();
        let matrix = Matrix::new(bits, &values, shape);
        Linear {
            weight: pack(layer.weight.clone(), matrix, true),
            bias: layer.bias.clone(),
        }
    }

    #[test]
    #[cfg(feature = "flex")]
    fn packed_layer_is_near() {
        let device = Device::flex();
        let layer = LinearConfig::new(128, 20).init(&device);
        let x = Tensor::<3>::random([2, 5, 128], Distribution::Normal(0.0, 1.0), &device);
        for (bits, close) in [
            (Bits::Sixteen, 0.02),
            (Bits::Eight, 0.02),
            (Bits::Four, 0.25),
        ] {
            let packed = packed(&layer, bits);
            assert_eq!(packed_bits(&packed.weight), Some(bits));
            assert_eq!(packed.num_params(), layer.num_params());
            let exact = layer.forward(x.clone()).into_data();
            let found = linear(&packed, x.clone()).into_data();
            found.assert_approx_eq::<f32>(&exact, Tolerance::absolute(close));
            // Without the kernel: activations are not rounded.
            let plain = packed.forward(x.clone()).into_data();
            found.assert_approx_eq::<f32>(&plain, Tolerance::absolute(0.02));
        }
        assert_eq!(packed_bits(&layer.weight), None);
    }

    #[test]
    fn packed_table_rows() {
        let device = Device::flex();
        let table = EmbeddingConfig::new(11, 64).init(&device);
        let values = table.weight.val().into_data().try_to_vec().unwrap();
        let matrix = Matrix::new(Bits::Eight, &values, [11, 64]);
        let mut packed = table.clone();
        packed.weight = pack(packed.weight, matrix, false);
        let ids = Tensor::<2, Int>::from_ints([[0, 10, 3], [3, 8, 9]], &device);
        let found = embedding(&packed, ids.clone()).into_data();
        found.assert_approx_eq::<f32>(
            &packed.forward(ids.clone()).into_data(),
            Tolerance::absolute(1e-6),
        );
        found.assert_approx_eq::<f32>(&table.forward(ids).into_data(), Tolerance::absolute(0.02));
    }

    #[test]
    fn packed_table_as_head() {
        let device = Device::flex();
        let table = EmbeddingConfig::new(11, 64).init(&device);
        let values = table.weight.val().into_data().try_to_vec().unwrap();
        let mut packed = table.clone();
        packed.weight = pack(
            packed.weight,
            Matrix::new(Bits::Eight, &values, [11, 64]),
            false,
        );
        let hidden = Tensor::random([2, 3, 64], Distribution::Normal(0.0, 1.0), &device);
        let found = tied_logits(&packed, hidden.clone());
        assert_eq!(found.dims(), [2, 3, 11]);
        let exact = tied_logits(&table, hidden).into_data();
        found
            .into_data()
            .assert_approx_eq::<f32>(&exact, Tolerance::absolute(0.3));
    }
}

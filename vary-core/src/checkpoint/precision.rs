use std::fmt;
use std::str::FromStr;

use burn::prelude::*;
use burn::tensor::DType;
use burn::tensor::quantization::{QuantScheme, QuantValue, ScaleDtype};

use serde::{Deserialize, Serialize};
use vary_kernels::quantized::{Bits, GROUP, multiplies};

use crate::error::{Error, Result};

/// Number of values that share a scale, along the outputs of a matrix, on devices without kernels.
pub(crate) const BLOCK: usize = 32;

/// Precision of the weights in memory, independent of the type in the checkpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum Precision {
    /// 32 bits, on every device.
    #[default]
    F32,
    /// 16 bits with the range of f32: half the memory.
    ///
    /// On Flex it applies to the matrices of the language model and the towers, and to a token
    /// table that is not an output head; [kernels](vary_kernels::quantized) round activations to
    /// bf16 and add products in f32; all else is f32. On other devices it applies to everything, by
    /// burn.
    Bf16,
    /// 8 bits for the matrices of the language model; all else is f32.
    ///
    /// On Flex it also applies to the matrices of the towers and to a token table that is not an
    /// output head; [kernels](vary_kernels::quantized) round activations to 8 bits, with a scale
    /// for every 32 weights of a row, and attention of the vision vocabulary uses bf16 if the CPU
    /// multiplies it (AVX-512). On other devices burn quantizes, with a scale for every 32 values
    /// along the outputs, if the device supports it. Matrices that do not divide into groups are
    /// f32.
    Int8,
    /// 4 bits for the matrices of the language model; all else as in [`Int8`](Self::Int8).
    Int4,
}

impl fmt::Display for Precision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::F32 => "f32",
            Self::Bf16 => "bf16",
            Self::Int8 => "int8",
            Self::Int4 => "int4",
        })
    }
}

impl FromStr for Precision {
    type Err = Error;

    fn from_str(name: &str) -> Result<Self> {
        [Self::F32, Self::Bf16, Self::Int8, Self::Int4]
            .into_iter()
            .find(|precision| precision.to_string() == name)
            .ok_or_else(|| {
                Error::Config(format!(
                    "unknown precision `{name}`; use f32, bf16, int8 or int4"
                ))
            })
    }
}

impl Precision {
    /// Checks that `device` computes with weights of this precision.
    ///
    /// # Errors
    /// [`Error::UnsupportedPrecision`] if it does not.
    pub(crate) fn check(self, device: &Device) -> Result<()> {
        if self != Self::F32 && multiplies(device) {
            return Ok(());
        }
        let dtype = match self.scheme() {
            Some(scheme) => DType::QFloat(scheme),
            None if self == Self::Bf16 => DType::BF16,
            None => DType::F32,
        };
        match device.supports_dtype(dtype) {
            true => Ok(()),
            false => Err(Error::UnsupportedPrecision { precision: self }),
        }
    }

    /// The quantization scheme of matrices, if any.
    pub(crate) fn scheme(self) -> Option<QuantScheme> {
        let value = match self {
            Self::Int8 => QuantValue::Q8S,
            Self::Int4 => QuantValue::Q4S,
            Self::F32 | Self::Bf16 => return None,
        };
        let scheme = QuantScheme::default().with_value(value);
        Some(scheme.per_block([BLOCK as u8], ScaleDtype::F32))
    }

    /// Plan for a model whose quantized matrices are under the paths `quantized`.
    pub fn plan(self, quantized: &'static [&'static str]) -> PrecisionPlan {
        PrecisionPlan {
            precision: self,
            quantized,
            ..PrecisionPlan::default()
        }
    }
}

/// The [`Precision`] of each parameter of a model; the default is f32 for all.
#[derive(Debug, Clone, Copy, Default)]
pub struct PrecisionPlan {
    precision: Precision,
    quantized: &'static [&'static str],
    towers: &'static [&'static str],
    tables: &'static [&'static str],
}

impl PrecisionPlan {
    /// Also packs linear layers under these paths on devices with kernels, in 8 bits with `Int4`.
    #[must_use]
    pub fn towers(mut self, paths: &'static [&'static str]) -> Self {
        self.towers = paths;
        self
    }

    /// Also packs these token tables, like the towers.
    #[must_use]
    pub fn tables(mut self, paths: &'static [&'static str]) -> Self {
        self.tables = paths;
        self
    }

    /// Bits of the parameter at `path`, `[rows, cols]` in the checkpoint, if it is packed on
    /// `device`; `linear` if it is the matrix of a linear layer.
    pub(super) fn packed(
        &self,
        path: &str,
        linear: bool,
        shape: &[usize],
        device: &Device,
    ) -> Option<Bits> {
        let low = match self.precision {
            Precision::Int8 => Bits::Eight,
            Precision::Int4 => Bits::Four,
            Precision::Bf16 => Bits::Sixteen,
            Precision::F32 => return None,
        };
        let high = match low {
            Bits::Four => Bits::Eight,
            low => low,
        };
        let under = |paths: &[&str]| paths.iter().any(|part| path.starts_with(part));
        let bits = match linear {
            true if under(self.quantized) => low,
            true if under(self.towers) => high,
            false if under(self.tables) => high,
            _ => return None,
        };
        let [_, cols] = shape else { return None };
        (cols.is_multiple_of(GROUP) && multiplies(device)).then_some(bits)
    }

    /// The tensor of the parameter at `path` from its values; `linear` if it is the matrix of a
    /// linear layer.
    pub(super) fn tensor<const D: usize>(
        &self,
        path: &str,
        linear: bool,
        data: TensorData,
        device: &Device,
    ) -> Tensor<D> {
        if multiplies(device) {
            // Matrices are packed by kernels; other parameters stay exact.
            return Tensor::from_data(data, (device, DType::F32));
        }
        let blocks = data
            .shape()
            .last()
            .is_some_and(|outputs| outputs.is_multiple_of(BLOCK));
        let chosen = linear && blocks && self.quantized.iter().any(|part| path.starts_with(part));
        if self.precision == Precision::Bf16 {
            return Tensor::from_data(data, (device, DType::BF16));
        }
        let exact = Tensor::from_data(data, (device, DType::F32));
        match self.precision.scheme().filter(|_| chosen) {
            Some(scheme) => exact.quantize_dynamic(&scheme),
            None => exact,
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn precision_names_parse() {
        for precision in [
            Precision::F32,
            Precision::Bf16,
            Precision::Int8,
            Precision::Int4,
        ] {
            assert_eq!(
                precision.to_string().parse::<Precision>().unwrap(),
                precision
            );
        }
        assert!("f64".parse::<Precision>().is_err());
    }
}

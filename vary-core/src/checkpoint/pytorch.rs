use std::path::Path;

use pytorch_reader::{DType, PytorchReader};
use safetensors::Dtype;

use super::entry::{Entry, Location};
use crate::error::{Error, Result};

/// Lists the tensors of a PyTorch file under their own names. Weights in a nested dictionary have
/// its name as a prefix.
pub(super) fn open(path: &Path) -> Result<Vec<(String, Entry)>> {
    let reader = PytorchReader::new(path).map_err(|error| Error::PyTorch {
        path: path.into(),
        reason: error.to_string(),
    })?;
    let entry = |(name, tensor): (String, pytorch_reader::Tensor)| {
        let (dtype, shape) = (dtype(tensor.dtype()), tensor.shape().to_vec());
        (
            name,
            Entry {
                dtype,
                shape,
                location: Location::PyTorch(tensor),
                scale: None,
            },
        )
    };
    Ok(reader.into_tensors().into_iter().map(entry).collect())
}

fn dtype(dtype: DType) -> Dtype {
    match dtype {
        DType::F64 => Dtype::F64,
        DType::F32 => Dtype::F32,
        DType::F16 => Dtype::F16,
        DType::BF16 => Dtype::BF16,
        DType::I64 => Dtype::I64,
        DType::I32 => Dtype::I32,
        DType::I16 => Dtype::I16,
        DType::I8 => Dtype::I8,
        DType::U64 => Dtype::U64,
        DType::U32 => Dtype::U32,
        DType::U16 => Dtype::U16,
        DType::U8 => Dtype::U8,
        DType::Bool => Dtype::BOOL,
    }
}

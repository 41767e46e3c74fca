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
    let size = std::fs::metadata(path)
        .map_err(|e| Error::io(path, e))?
        .len();
    let entry = |(name, tensor): (String, pytorch_reader::Tensor)| {
        let (dtype, shape) = (dtype(tensor.dtype()), tensor.shape().to_vec());
        let bits = shape.iter().try_fold(dtype.bitsize() as u64, |bits, edge| {
            bits.checked_mul(*edge as u64)
        });
        // Values may be repeated by a stride of zero, which no checkpoint needs.
        if bits.is_none_or(|bits| bits / 8 > size) {
            return Err(Error::PyTorch {
                path: path.into(),
                reason: format!("`{name}` {shape:?} is larger than the file's {size} bytes"),
            });
        }
        let location = Location::PyTorch(tensor);
        Ok((
            name,
            Entry {
                dtype,
                shape,
                location,
                scale: None,
            },
        ))
    };
    reader.into_tensors().into_iter().map(entry).collect()
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

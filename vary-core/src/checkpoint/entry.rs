use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::sync::{Arc, Mutex, PoisonError};

use safetensors::Dtype;

use super::{decode, int8};

/// A tensor of a checkpoint: its type, its shape and where its bytes are.
#[derive(Debug, Clone)]
pub(super) struct Entry {
    pub dtype: Dtype,
    pub shape: Vec<usize>,
    pub location: Location,
    /// The scales of a tensor in 8 bits.
    pub scale: Option<Box<Entry>>,
}

/// Where the bytes of a tensor are.
#[derive(Debug, Clone)]
pub(super) enum Location {
    /// At an offset in bytes. The open file outlives a replacement at its path.
    File(Arc<Mutex<File>>, u64),
    Memory(&'static [u8]),
    #[cfg(feature = "pytorch")]
    PyTorch(pytorch_reader::Tensor),
}

impl Entry {
    /// Whether its values are weights.
    pub(super) fn is_weight(&self) -> bool {
        decode::is_weight(self.dtype) || self.scale.is_some()
    }

    /// Reads the values; `transpose` turns `[rows, cols]` into `[cols, rows]`.
    pub(super) fn read(&self, transpose: bool) -> io::Result<Vec<f32>> {
        let mut values = self.read_stored(transpose)?;
        if let Some(scale) = &self.scale {
            let transposed = transpose && self.shape.len() == 2;
            int8::scale(&mut values, &scale.read_stored(false)?, transposed);
        }
        Ok(values)
    }

    fn read_stored(&self, transpose: bool) -> io::Result<Vec<f32>> {
        match &self.location {
            Location::File(file, start) => {
                let mut file = file.lock().unwrap_or_else(PoisonError::into_inner);
                file.seek(SeekFrom::Start(*start))?;
                self.decode(&*file, transpose)
            }
            Location::Memory(bytes) => self.decode(*bytes, transpose),
            #[cfg(feature = "pytorch")]
            Location::PyTorch(tensor) => self.decode(&tensor.read()?[..], transpose),
        }
    }

    /// Reads the bytes as they are stored.
    pub(super) fn read_bytes(&self) -> io::Result<Vec<u8>> {
        let len = self.shape.iter().product::<usize>() * self.dtype.bitsize() / 8;
        match &self.location {
            Location::File(file, start) => {
                let mut file = file.lock().unwrap_or_else(PoisonError::into_inner);
                file.seek(SeekFrom::Start(*start))?;
                let mut bytes = vec![0; len];
                file.read_exact(&mut bytes)?;
                Ok(bytes)
            }
            Location::Memory(bytes) => Ok(bytes.to_vec()),
            #[cfg(feature = "pytorch")]
            Location::PyTorch(tensor) => Ok(tensor.read()?[..].to_vec()),
        }
    }

    fn decode(&self, from: impl Read, transpose: bool) -> io::Result<Vec<f32>> {
        match *self.shape {
            [rows, cols] if transpose => decode::read_transposed(from, self.dtype, [rows, cols]),
            _ => decode::read(from, self.dtype, self.shape.iter().product()),
        }
    }
}

use std::path::Path;
use std::sync::{Arc, Mutex};

use safetensors::tensor::TensorInfo;

use super::entry::{Entry, Location};
use super::header::read_header;
use crate::error::{Error, Result};

/// Lists the tensors of one weight file.
pub(super) fn open_file(path: &Path) -> Result<Vec<(String, Entry)>> {
    let io = |source| Error::io(path, source);
    let mut file = crate::file::open(path).map_err(io)?;
    let size = file.metadata().map_err(io)?.len();
    match path.extension().and_then(|extension| extension.to_str()) {
        Some("safetensors") => {
            let tensors = read_header(path, &mut file, size)?;
            let file = Arc::new(Mutex::new(file));
            let entry = |(name, info): (String, TensorInfo)| {
                let location = Location::File(file.clone(), info.data_offsets.0 as u64);
                let entry = Entry {
                    dtype: info.dtype,
                    shape: info.shape,
                    location,
                    scale: None,
                };
                (name, entry)
            };
            Ok(tensors.into_iter().map(entry).collect())
        }
        Some("bin" | "pth" | "pt") if size == 0 => Err(Error::EmptyFile { path: path.into() }),
        #[cfg(feature = "pytorch")]
        Some("bin" | "pth" | "pt") => super::pytorch::open(path),
        #[cfg(not(feature = "pytorch"))]
        Some("bin" | "pth" | "pt") => Err(Error::UnknownFormat {
            path: path.into(),
            reason: "PyTorch files need the feature `pytorch` of vary-core",
        }),
        _ => Err(Error::UnknownFormat {
            path: path.into(),
            reason: "its name has to end in .safetensors, .bin, .pth, .pt or .index.json",
        }),
    }
}

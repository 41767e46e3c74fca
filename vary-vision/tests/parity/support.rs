//! Reads a case of `fixtures/parity`, or of the folder that `VARY_PARITY_DIR` names.

use std::path::PathBuf;

use burn::prelude::*;
use safetensors::{Dtype, SafeTensors, tensor::TensorView};

/// Folder of a case.
pub fn dir(case: &str) -> PathBuf {
    let root = std::env::var_os("VARY_PARITY_DIR").map_or_else(
        || PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../fixtures/parity")),
        PathBuf::from,
    );
    root.join(case)
}

/// A case's JSON file.
pub fn json(case: &str, file: &str) -> serde_json::Value {
    let path = dir(case).join(file);
    let text = std::fs::read_to_string(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    serde_json::from_str(&text).unwrap()
}

/// The devices every case runs on.
#[allow(deprecated)]
pub fn devices() -> [Device; 2] {
    [Device::flex(), Device::ndarray()]
}

/// A case's safetensors file, held in memory.
pub struct Tensors(Vec<u8>);

impl Tensors {
    pub fn read(case: &str, file: &str) -> Self {
        let path = dir(case).join(file);
        Self(std::fs::read(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display())))
    }

    fn view(&self) -> SafeTensors<'_> {
        SafeTensors::deserialize(&self.0).unwrap()
    }

    pub fn names(&self) -> Vec<String> {
        self.view().names().into_iter().map(str::to_owned).collect()
    }

    pub fn data(&self, name: &str) -> TensorData {
        let file = self.view();
        let tensor = file.tensor(name).unwrap_or_else(|e| panic!("{name}: {e}"));
        let shape = tensor.shape().to_vec();
        match tensor.dtype() {
            Dtype::F32 => TensorData::new(values(&tensor, f32::from_le_bytes), shape),
            Dtype::I64 => TensorData::new(values(&tensor, i64::from_le_bytes), shape),
            Dtype::U8 => TensorData::new(tensor.data().to_vec(), shape),
            other => panic!("{name}: no test reads {other:?}"),
        }
    }

    pub fn float<const D: usize>(&self, name: &str, device: &Device) -> Tensor<D> {
        Tensor::from_data(self.data(name), device)
    }
}

fn values<const N: usize, T>(tensor: &TensorView<'_>, read: fn([u8; N]) -> T) -> Vec<T> {
    tensor
        .data()
        .as_chunks::<N>()
        .0
        .iter()
        .map(|bytes| read(*bytes))
        .collect()
}

/// Fails when two tensors differ anywhere by more than `tolerance`, or in shape.
pub fn assert_close<const D: usize>(
    name: &str,
    got: Tensor<D>,
    expected: TensorData,
    tolerance: f32,
) {
    assert_eq!(
        got.dims().as_slice(),
        &expected.shape()[..],
        "{name}: shape"
    );
    let got: Vec<f32> = got.into_data().try_to_vec().unwrap();
    let expected: Vec<f32> = expected.try_to_vec().unwrap();
    let worst = got
        .iter()
        .zip(&expected)
        .map(|(a, b)| (a - b).abs())
        .fold(0f32, f32::max);
    let finite = got.iter().all(|x| x.is_finite());
    println!("{name}: largest error {worst:.2e} (allowed {tolerance:.0e})");
    assert!(
        finite && worst <= tolerance,
        "{name}: off by {worst:e}, allowed {tolerance:e}"
    );
}

use std::path::PathBuf;

use burn::prelude::*;
use safetensors::{Dtype, SafeTensors};
use serde_json::Value;

#[path = "../../../fixtures/devices.rs"]
mod devices;

pub use devices::devices;

/// The copy of the golden data that the repository keeps.
const BUNDLED: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../fixtures/parity");

/// Folder of a case.
pub fn case_dir(case: &str) -> PathBuf {
    let root = std::env::var_os("VARY_PARITY_DIR").map_or_else(|| BUNDLED.into(), PathBuf::from);
    root.join(case)
}

/// The cases of a family: folders whose names begin with `family`, sorted.
pub fn cases(family: &str) -> Vec<String> {
    let entries = std::fs::read_dir(case_dir("")).unwrap();
    let mut cases: Vec<String> = entries
        .map(|entry| entry.unwrap())
        .filter(|entry| entry.path().is_dir())
        .map(|entry| entry.file_name().into_string().unwrap())
        .filter(|name| name.starts_with(family))
        .collect();
    cases.sort();
    assert!(!cases.is_empty(), "the golden data has no case of {family}");
    cases
}

/// Folder of a case that another case refers to; the bundled one where the data lacks it.
pub fn companion_dir(case: &str) -> PathBuf {
    let dir = case_dir(case);
    if dir.is_dir() {
        dir
    } else {
        PathBuf::from(BUNDLED).join(case)
    }
}

/// A JSON file beside the cases; the bundled one where the data lacks it.
pub fn companion(file: &str) -> Value {
    let path = case_dir(file);
    let path = if path.is_file() {
        path
    } else {
        PathBuf::from(BUNDLED).join(file)
    };
    let text = std::fs::read_to_string(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    serde_json::from_str(&text).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
}

/// A JSON file of a case.
pub fn json(case: &str, file: &str) -> Value {
    let path = case_dir(case).join(file);
    let text = std::fs::read_to_string(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    serde_json::from_str(&text).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
}

/// The items of a JSON list that may not be empty: a test over nothing proves nothing.
pub fn items(value: &Value) -> &[Value] {
    let items = value
        .as_array()
        .unwrap_or_else(|| panic!("not a list: {value}"));
    assert!(!items.is_empty(), "empty list in the golden data");
    items
}

/// A JSON value as a Rust one.
pub fn read<T: serde::de::DeserializeOwned>(value: &Value) -> T {
    T::deserialize(value).unwrap_or_else(|e| panic!("{e}: {value}"))
}

/// A safetensors file, held in memory.
pub struct Tensors(Vec<u8>);

impl Tensors {
    pub fn open(path: &std::path::Path) -> Self {
        Self(std::fs::read(path).unwrap_or_else(|e| panic!("{}: {e}", path.display())))
    }

    pub fn names(&self) -> Vec<String> {
        let file = SafeTensors::deserialize(&self.0).unwrap();
        file.names().into_iter().map(str::to_owned).collect()
    }

    pub fn data(&self, name: &str) -> TensorData {
        let file = SafeTensors::deserialize(&self.0).unwrap();
        let tensor = file.tensor(name).unwrap_or_else(|e| panic!("{name}: {e}"));
        let bytes = tensor.data();
        let shape = tensor.shape().to_vec();
        match tensor.dtype() {
            Dtype::F32 => {
                let values = bytes.as_chunks().0.iter().map(|b| f32::from_le_bytes(*b));
                TensorData::new(values.collect::<Vec<_>>(), shape)
            }
            Dtype::I64 => {
                let values = bytes.as_chunks().0.iter().map(|b| i64::from_le_bytes(*b));
                TensorData::new(values.collect::<Vec<_>>(), shape)
            }
            Dtype::I32 => {
                let values = bytes.as_chunks().0.iter().map(|b| i32::from_le_bytes(*b));
                TensorData::new(values.map(i64::from).collect::<Vec<_>>(), shape)
            }
            Dtype::U8 => TensorData::new(bytes.to_vec(), shape),
            other => panic!("{name}: no test reads {other:?}"),
        }
    }

    pub fn floats(&self, name: &str) -> Vec<f32> {
        self.data(name).try_to_vec().unwrap()
    }

    /// Rows of an integer matrix.
    pub fn rows(&self, name: &str) -> Vec<Vec<i64>> {
        let data = self.data(name);
        let width = data.shape()[1];
        data.try_to_vec::<i64>()
            .unwrap()
            .chunks(width)
            .map(<[i64]>::to_vec)
            .collect()
    }
}

/// Inputs and outputs of a case.
pub fn io(case: &str) -> Tensors {
    Tensors::open(&case_dir(case).join("io.safetensors"))
}

/// A case's weights; its `config.json` lies beside them.
pub fn weights(case: &str) -> PathBuf {
    case_dir(case).join("weights.safetensors")
}

/// The rows of the golden batch `name` without their padding: ids, where the mask is 1.
pub fn prompts(io: &Tensors, name: &str) -> Vec<Vec<u32>> {
    let masks = io.rows(&format!("{name}attention_mask"));
    let unpad = |(ids, mask): (Vec<i64>, Vec<i64>)| {
        let kept = ids.iter().zip(&mask).filter(|(_, m)| **m == 1);
        kept.map(|(id, _)| *id as u32).collect()
    };
    io.rows(&format!("{name}input_ids"))
        .into_iter()
        .zip(masks)
        .map(unpad)
        .collect()
}

/// Values of a tensor.
pub fn floats<const D: usize>(tensor: Tensor<D>) -> Vec<f32> {
    tensor.into_data().try_to_vec().unwrap()
}

/// Compares names and shapes of a full-size model with the list made by the original code.
pub fn assert_official(file: &str, model: &str, ours: Vec<(String, Vec<usize>)>) {
    let official = &companion(file)[model];
    assert_eq!(ours.len(), official.as_object().unwrap().len());
    for (name, shape) in ours {
        let expected: Vec<usize> = read(&official[&name]);
        assert_eq!(shape, expected, "{name}");
    }
}

/// Largest difference of two lists; fails when their lengths differ or a value is not finite.
pub fn worst(name: &str, got: &[f32], expected: &[f32]) -> f32 {
    assert_eq!(got.len(), expected.len(), "{name}: number of values");
    assert!(got.iter().all(|v| v.is_finite()), "{name}: not finite");
    got.iter()
        .zip(expected)
        .map(|(a, b)| (a - b).abs())
        .fold(0.0, f32::max)
}

/// Fails when two lists differ anywhere by more than `tolerance`.
pub fn assert_close(name: &str, got: &[f32], expected: &[f32], tolerance: f32) {
    let worst = worst(name, got, expected);
    println!("{name}: largest error {worst:.2e} (allowed {tolerance:.0e})");
    assert!(
        worst <= tolerance,
        "{name}: off by {worst:e}, allowed {tolerance:e}"
    );
}

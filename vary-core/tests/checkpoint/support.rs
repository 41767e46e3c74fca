//! A small module with every kind of layer, and hand-made checkpoint files for it.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use burn::module::Param;
use burn::nn::conv::{Conv2d, Conv2dConfig};
use burn::nn::{Embedding, EmbeddingConfig, LayerNorm, LayerNormConfig, Linear, LinearConfig};
use burn::prelude::*;
use safetensors::Dtype;
use safetensors::tensor::TensorView;
use vary_core::checkpoint::{CheckpointFiles, KeyMap, LoadReport, load};
use vary_core::{Error, Result};

#[path = "../../../fixtures/devices.rs"]
mod devices;

pub use devices::devices;

#[derive(Module, Debug)]
pub struct Layer {
    pub attn: Linear,
    pub square: Linear,
    pub norm: LayerNorm,
}

/// Official names differ by prefix (`tower`), number (`conv_0`), segment (`attn`) and tie.
#[derive(Module, Debug)]
pub struct Tower {
    pub embed: Embedding,
    pub conv_0: Conv2d,
    pub layers: Vec<Layer>,
    pub pos_embed: Param<Tensor<4>>,
    pub table: Param<Tensor<2>>,
}

#[derive(Module, Debug)]
pub struct Model {
    pub tower: Tower,
    pub projector: Linear,
}

const ROWS: &[(&str, &str)] = &[
    ("conv_0.", "conv.0."),
    ("layers.*.attn.", "layers.*.self_attn.out_proj."),
];

pub fn key_map() -> KeyMap {
    KeyMap::new()
        .part("tower", &["model.tower", "model.tower_2"], ROWS)
        .part("projector", &["model.mm_projector"], &[])
        .tie("lm_head.weight", "model.tower.embed.weight")
        .ignore("position_ids")
}

pub fn model(device: &Device) -> Model {
    model_with_layers(2, device)
}

pub fn model_with_layers(layers: usize, device: &Device) -> Model {
    let layer = |_| Layer {
        attn: LinearConfig::new(4, 6).init(device),
        square: LinearConfig::new(5, 5).with_bias(false).init(device),
        norm: LayerNormConfig::new(4).init(device),
    };
    Model {
        tower: Tower {
            embed: EmbeddingConfig::new(7, 4).init(device),
            conv_0: Conv2dConfig::new([3, 4], [2, 2]).init(device),
            layers: (0..layers).map(layer).collect(),
            pos_embed: Param::from_tensor(Tensor::zeros([1, 2, 3, 4], device)),
            table: Param::from_tensor(Tensor::zeros([2, 3], device)),
        },
        projector: LinearConfig::new(4, 9).init(device),
    }
}

/// A tensor of a checkpoint: f32 values counting up from a start of its own.
pub type Tensors = BTreeMap<String, (Vec<usize>, Vec<f32>)>;

/// The tensors of an official file for [`model`], written by hand and independent of the key map.
pub fn official() -> Tensors {
    let mut shapes: Vec<(String, Vec<usize>)> = [
        ("lm_head.weight", vec![7, 4]),
        ("model.mm_projector.bias", vec![9]),
        ("model.mm_projector.weight", vec![9, 4]),
        ("model.tower.conv.0.bias", vec![4]),
        ("model.tower.conv.0.weight", vec![4, 3, 2, 2]),
        ("model.tower.embed.weight", vec![7, 4]),
        ("model.tower.pos_embed", vec![1, 2, 3, 4]),
        ("model.tower.table", vec![2, 3]),
    ]
    .map(|(name, shape)| (name.to_string(), shape))
    .into();
    for i in 0..2 {
        for (name, shape) in [
            ("self_attn.out_proj.weight", vec![6, 4]),
            ("self_attn.out_proj.bias", vec![6]),
            ("square.weight", vec![5, 5]),
            ("norm.weight", vec![4]),
            ("norm.bias", vec![4]),
        ] {
            shapes.push((format!("model.tower.layers.{i}.{name}"), shape));
        }
    }
    shapes.sort();
    let mut tensors = Tensors::new();
    for (i, (name, shape)) in shapes.into_iter().enumerate() {
        let len: usize = shape.iter().product();
        let values = (0..len).map(|j| (100 * i + j) as f32 / 8.0).collect();
        tensors.insert(name, (shape, values));
    }
    let tied = tensors["model.tower.embed.weight"].clone();
    tensors.insert("lm_head.weight".into(), tied);
    tensors
}

/// A safetensors file by the format's reference implementation.
pub fn bytes_of(tensors: &Tensors) -> Vec<u8> {
    let stored: BTreeMap<&str, (Dtype, &[usize], Vec<u8>)> = tensors
        .iter()
        .map(|(name, (shape, values))| {
            let bytes = values.iter().flat_map(|x| x.to_le_bytes()).collect();
            (name.as_str(), (Dtype::F32, shape.as_slice(), bytes))
        })
        .collect();
    bytes_of_stored(&stored)
}

pub fn bytes_of_stored(stored: &BTreeMap<&str, (Dtype, &[usize], Vec<u8>)>) -> Vec<u8> {
    let views = stored.iter().map(|(name, (dtype, shape, bytes))| {
        (
            *name,
            TensorView::new(*dtype, shape.to_vec(), bytes).unwrap(),
        )
    });
    safetensors::serialize(views, None).unwrap()
}

/// Writes a file into `dir` and returns its path.
pub fn put(dir: &Path, name: &str, bytes: impl AsRef<[u8]>) -> PathBuf {
    let path = dir.join(name);
    std::fs::write(&path, bytes).unwrap();
    path
}

/// Loads the model from a file with these tensors.
pub fn load_tensors(tensors: &Tensors) -> Result<Model> {
    load_bytes(bytes_of(tensors))
}

pub fn load_bytes(bytes: Vec<u8>) -> Result<Model> {
    let dir = tempfile::tempdir().unwrap();
    let path = put(dir.path(), "model.safetensors", bytes);
    load(
        model(&Device::flex()),
        &CheckpointFiles::open(path)?,
        &key_map(),
    )
}

/// The report of a load that has to fail with [`Error::Mismatch`].
pub fn report(result: Result<Model>) -> LoadReport {
    match result {
        Err(Error::Mismatch { report, .. }) => *report,
        other => panic!("expected a mismatch, got {other:?}"),
    }
}

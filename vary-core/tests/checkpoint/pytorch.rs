use std::path::{Path, PathBuf};

use burn::nn::{Linear, LinearConfig};
use burn::prelude::*;
use vary_core::Error;
use vary_core::checkpoint::{CheckpointFiles, KeyMap, load};

use crate::support::put;

#[derive(Module, Debug)]
struct Block {
    fc: Linear,
}

#[derive(Module, Debug)]
struct Pair {
    first: Block,
    third: Block,
}

fn data(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/checkpoint/data")
        .join(name)
}

fn pair() -> Pair {
    let block = || Block {
        fc: LinearConfig::new(2, 3).init(&Device::flex()),
    };
    Pair {
        first: block(),
        third: block(),
    }
}

fn map() -> KeyMap {
    KeyMap::new()
        .part("first", &["model.blocks.0"], &[])
        .part("third", &["model.blocks.2"], &[])
        .ignore("position_ids")
}

#[test]
fn pytorch_types_and_strides() {
    let whole = CheckpointFiles::open(data("state.bin")).unwrap();
    let nested = CheckpointFiles::open(data("nested.pth")).unwrap();
    for files in [whole, nested.under(&["state_dict"]).unwrap()] {
        let loaded = load(pair(), &files, &map()).unwrap();
        let values = |tensor: Tensor<2>| tensor.into_data().try_into_vec::<f32>().unwrap();
        // `ramp(3, 2)` as [in, out]; the other is stored transposed: `ramp(2, 3).t()`.
        assert_eq!(
            values(loaded.first.fc.weight.val()),
            [0.0, 2.0, 4.0, 1.0, 3.0, 5.0]
        );
        assert_eq!(
            values(loaded.third.fc.weight.val()),
            [0.0, 1.0, 2.0, 3.0, 4.0, 5.0]
        );
        for block in [loaded.first, loaded.third] {
            let bias = block.fc.bias.unwrap().val().into_data();
            assert_eq!(bias.try_into_vec::<f32>().unwrap(), [0.0, 1.0, 2.0]);
        }
    }
}

#[test]
fn pytorch_nesting_prefix() {
    let nested = CheckpointFiles::open(data("nested.pth")).unwrap();
    let error = load(pair(), &nested, &map()).unwrap_err();
    assert!(
        error
            .to_string()
            .contains("state_dict.model.blocks.0.fc.weight"),
        "{error}"
    );
}

#[test]
fn bad_pytorch_files_fail() {
    let dir = tempfile::tempdir().unwrap();
    let bytes = std::fs::read(data("state.bin")).unwrap();
    for cut in [1, 30, bytes.len() / 2, bytes.len() - 1] {
        let path = put(dir.path(), "cut.bin", &bytes[..cut]);
        let error = CheckpointFiles::open(&path).unwrap_err();
        assert!(
            matches!(error, Error::PyTorch { .. }),
            "cut at {cut}: {error}"
        );
        assert!(error.to_string().contains("cut.bin"), "{error}");
    }
    let path = put(dir.path(), "text.bin", "no weights here");
    assert!(matches!(
        CheckpointFiles::open(path),
        Err(Error::PyTorch { .. })
    ));
}

/// Ten gigabytes by a stride of zero.
#[test]
fn repeated_values_are_refused() {
    let error = CheckpointFiles::open(data("stride0.bin")).unwrap_err();
    assert!(
        error.to_string().contains("larger than the file"),
        "{error}"
    );
}

#[test]
fn pytorch_shards() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::copy(
        data("state.bin"),
        dir.path().join("pytorch_model-1-of-1.bin"),
    )
    .unwrap();
    let files = CheckpointFiles::open(data("state.bin")).unwrap();
    let listed: serde_json::Map<_, _> = files
        .shapes()
        .map(|(name, _)| (name.to_string(), "pytorch_model-1-of-1.bin".into()))
        .collect();
    let index = serde_json::json!({ "weight_map": listed }).to_string();
    put(dir.path(), "pytorch_model.bin.index.json", index);
    load(pair(), &CheckpointFiles::open(dir.path()).unwrap(), &map()).unwrap();
}

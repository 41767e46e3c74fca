//! Writing checkpoints of another form.

use std::fs;
use std::path::Path;

use safetensors::tensor::TensorView;
use safetensors::{Dtype, SafeTensors};
use vary_core::Error;
use vary_core::checkpoint::{CheckpointFiles, StoredType, convert};

fn bytes(values: &[f32]) -> Vec<u8> {
    values.iter().flat_map(|x| x.to_le_bytes()).collect()
}

/// A file with two weights and a tensor of integers.
fn source(dir: &Path, values: &[f32]) -> CheckpointFiles {
    let (weights, ids) = (bytes(values), 7i64.to_le_bytes());
    let view = |dtype, shape, data| TensorView::new(dtype, shape, data).unwrap();
    let path = dir.join("source.safetensors");
    let tensors = [
        ("b.weight", view(Dtype::F32, vec![values.len()], &weights)),
        (
            "a.weight",
            view(Dtype::F32, vec![1, values.len()], &weights),
        ),
        ("position_ids", view(Dtype::I64, vec![1], &ids)),
    ];
    safetensors::serialize_to_file(tensors, None, &path).unwrap();
    CheckpointFiles::open(path).unwrap()
}

fn names(dir: &Path) -> Vec<String> {
    let mut names: Vec<String> = fs::read_dir(dir)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

#[test]
fn convert_keeps_tensors() {
    let dir = tempfile::tempdir().unwrap();
    let values = [1.0, -0.5, 3.0e-5];
    let files = source(dir.path(), &values);
    let out = dir.path().join("out.safetensors");
    convert(&files, &out, None).unwrap();
    let copy = fs::read(&out).unwrap();
    let copy = SafeTensors::deserialize(&copy).unwrap();
    assert_eq!(copy.tensor("a.weight").unwrap().data(), bytes(&values));
    assert_eq!(copy.tensor("a.weight").unwrap().shape(), [1, 3]);
    assert_eq!(
        copy.tensor("position_ids").unwrap().data(),
        7i64.to_le_bytes()
    );
    assert_eq!(copy.len(), 3);

    convert(&files, &out, Some(StoredType::Bf16)).unwrap();
    let half = fs::read(&out).unwrap();
    let half = SafeTensors::deserialize(&half).unwrap();
    let weight = half.tensor("b.weight").unwrap();
    assert_eq!((weight.dtype(), weight.data().len()), (Dtype::BF16, 6));
    let ids = half.tensor("position_ids").unwrap();
    assert_eq!(ids.dtype(), Dtype::I64, "no weight, left as it is");
}

#[cfg(feature = "pytorch")]
#[test]
fn convert_pytorch() {
    let data = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/checkpoint/data");
    let files = CheckpointFiles::open(data.join("state.bin")).unwrap();
    let dir = tempfile::tempdir().unwrap();
    let out = dir.path().join("model.safetensors");
    convert(&files, &out, None).unwrap();
    let copy = CheckpointFiles::open(&out).unwrap();
    let listed = |files: &CheckpointFiles| -> Vec<(String, String, Vec<usize>)> {
        let tensor = |(name, dtype, shape): (&str, String, &[usize])| {
            (name.to_string(), dtype, shape.to_vec())
        };
        files.tensors().map(tensor).collect()
    };
    assert_eq!(listed(&copy), listed(&files));
}

#[test]
fn convert_refuses_nonfinite() {
    let dir = tempfile::tempdir().unwrap();
    let files = source(dir.path(), &[1.0, f32::NAN]);
    let found = files.non_finite().unwrap();
    assert_eq!(found.len(), 2);
    assert!(
        found[0].to_string().contains("a.weight: 1 NaN"),
        "{}",
        found[0]
    );
    let out = dir.path().join("out.safetensors");
    let error = convert(&files, &out, None).unwrap_err();
    assert!(error.to_string().contains("b.weight"), "{error}");
    // What the smaller type can't hold.
    let files = source(dir.path(), &[1.0e6]);
    let error = convert(&files, &out, Some(StoredType::F16)).unwrap_err();
    assert!(matches!(error, Error::NonFinite { .. }), "{error}");
    assert_eq!(names(dir.path()), ["source.safetensors"]);
}

/// Runs this test again in a shell that limits the size of files, which a full disk looks like.
#[cfg(unix)]
#[test]
fn full_disk_leaves_nothing() {
    const CHILD: &str = "VARY_TEST_FULL_DISK";
    if let Some(dir) = std::env::var_os(CHILD) {
        let dir = Path::new(&dir);
        let files = CheckpointFiles::open(dir.join("source.safetensors")).unwrap();
        let out = dir.join("out.safetensors");
        let error = convert(&files, &out, None).unwrap_err();
        assert!(matches!(error, Error::Io { .. }), "{error}");
        assert!(error.to_string().contains("out.safetensors"), "{error}");
        assert_eq!(names(dir), ["source.safetensors"]);
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    source(dir.path(), &vec![1.0; 1 << 20]);
    let name = "convert::full_disk_leaves_nothing";
    // Without the trap the system kills the process.
    let script = "trap '' XFSZ; ulimit -f 1000; exec \"$0\" --exact \"$1\"";
    let status = std::process::Command::new("sh")
        .args(["-c", script])
        .arg(std::env::current_exe().unwrap())
        .arg(name)
        .env(CHILD, dir.path())
        .status()
        .unwrap();
    assert!(status.success());
}

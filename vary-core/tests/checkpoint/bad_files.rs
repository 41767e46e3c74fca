use proptest::prelude::*;
use vary_core::checkpoint::CheckpointFiles;
use vary_core::{Error, Result};

use crate::support::{bytes_of, load_bytes, official, put};

fn open(name: &str, bytes: &[u8]) -> Result<CheckpointFiles> {
    let dir = tempfile::tempdir().unwrap();
    CheckpointFiles::open(put(dir.path(), name, bytes))
}

fn refused(bytes: &[u8]) -> Error {
    open("model.safetensors", bytes).unwrap_err()
}

/// A file with this header, of whatever truth, and `data` zero bytes.
fn with_header(header: &str, data: usize) -> Vec<u8> {
    let mut bytes = (header.len() as u64).to_le_bytes().to_vec();
    bytes.extend(header.as_bytes());
    bytes.resize(bytes.len() + data, 0);
    bytes
}

fn tensor(shape: &str, from: &str, to: &str) -> String {
    format!(r#"{{"dtype":"F32","shape":{shape},"data_offsets":[{from},{to}]}}"#)
}

#[test]
fn empty_file_fails() {
    for name in ["model.safetensors", "pytorch_model.bin", "sam.pth"] {
        let error = open(name, b"").unwrap_err();
        assert!(matches!(error, Error::EmptyFile { .. }), "{error}");
        assert!(error.to_string().contains(name), "{error}");
    }
}

#[test]
fn truncated_file_fails() {
    let bytes = bytes_of(&official());
    let header = 8 + u64::from_le_bytes(bytes[..8].try_into().unwrap()) as usize;
    let cuts = [
        1,
        7,
        8,
        9,
        header / 2,
        header - 1,
        header,
        header + 1,
        bytes.len() - 1,
    ];
    for cut in cuts {
        match refused(&bytes[..cut]) {
            Error::Truncated { needed, found, .. } => {
                assert_eq!(found, cut as u64);
                assert!(needed > found && needed <= bytes.len() as u64);
            }
            other => panic!("cut at {cut}: {other}"),
        }
    }
    assert!(open("model.safetensors", &bytes).is_ok());
}

#[test]
fn trailing_bytes_fail() {
    let mut bytes = bytes_of(&official());
    bytes.extend([0; 5]);
    let error = refused(&bytes);
    assert!(matches!(error, Error::BadHeader { .. }));
    assert!(error.to_string().contains("5 bytes after"), "{error}");
}

#[test]
fn false_header_length_fails() {
    for length in [u64::MAX, 1 << 40, 100_000_001] {
        let mut bytes = bytes_of(&official());
        bytes[..8].copy_from_slice(&length.to_le_bytes());
        assert!(matches!(refused(&bytes), Error::BadHeader { .. }));
    }
    // Possible, but not in this file.
    let mut bytes = bytes_of(&official());
    bytes[..8].copy_from_slice(&99_999_999_u64.to_le_bytes());
    assert!(matches!(
        refused(&bytes),
        Error::Truncated {
            needed: 100_000_007,
            ..
        }
    ));
    // A length of zero leaves no header.
    bytes[..8].copy_from_slice(&[0; 8]);
    assert!(matches!(refused(&bytes), Error::UnknownFormat { .. }));
}

#[test]
fn bad_offsets_name_tensor() {
    let a = |shape: &str, from: &str, to: &str| format!(r#"{{"a":{}}}"#, tensor(shape, from, to));
    let two = |first: &str, second: &str| {
        let (a, b) = (tensor("[2]", "0", "8"), tensor("[2]", first, second));
        format!(r#"{{"b":{b},"a":{a}}}"#)
    };
    let max = usize::MAX.to_string();
    let huge = a("[4294967296, 4294967296, 4]", "0", "0");
    let no_type = r#"{"a":{"shape":[],"data_offsets":[0,4]}}"#;
    let other_type = r#"{"a":{"dtype":"F31","shape":[],"data_offsets":[0,4]}}"#;
    let (one, other) = (tensor("[1]", "0", "4"), tensor("[1]", "4", "8"));
    let twice = format!(r#"{{"a":{one},"a":{other}}}"#);
    for (header, name, reason) in [
        (a("[2]", "8", "0"), "a", "end before"),
        (a("[2]", "4", "12"), "a", "belong to no tensor"),
        (two("4", "12"), "b", "overlap"),
        (two("0", "8"), "b", "overlap"),
        (two("12", "20"), "b", "belong to no tensor"),
        (a("[3]", "0", "8"), "a", "does not take 8 bytes"),
        (a("[2]", "0", &max), "a", "does not take"),
        (a(&format!("[{max}, 3]"), "0", "8"), "a", "does not take"),
        (huge, "a", "does not take"),
        (a("[-1]", "0", "8"), "a", "invalid value"),
        (a("[2]", "-8", "0"), "a", "invalid value"),
        (a("[1e30]", "0", "8"), "a", "invalid"),
        (other_type.into(), "a", "F31"),
        (no_type.into(), "a", "dtype"),
        (r#"{"a":7}"#.into(), "a", "invalid type"),
        (twice, "a", "listed twice"),
    ] {
        match refused(&with_header(&header, 8)) {
            Error::BadTensor {
                tensor,
                reason: found,
                ..
            } => {
                assert_eq!(tensor, name, "{header}");
                assert!(found.contains(reason), "{header}: {found}");
            }
            other => panic!("{header}: {other}"),
        }
    }
    let beyond = a("[4]", "0", "16");
    assert!(matches!(
        refused(&with_header(&beyond, 8)),
        Error::Truncated { .. }
    ));
    assert!(open("model.safetensors", &with_header(&a("[2]", "0", "8"), 8)).is_ok());
}

#[test]
fn malformed_header_fails() {
    let nested = format!(r#"{{"a":{}}}"#, "[".repeat(100_000));
    for header in [
        "{",
        r#"{"a":"#,
        r#"{"__metadata__":{"a":1}}"#,
        "{}x",
        &nested,
    ] {
        let error = refused(&with_header(header, 0));
        assert!(matches!(error, Error::BadHeader { .. }), "{error}");
    }
    for header in ["[]", "7", "", " {}"] {
        let error = refused(&with_header(header, 0));
        assert!(
            matches!(error, Error::UnknownFormat { .. }),
            "{header}: {error}"
        );
    }
    let mut bytes = with_header(r#"{"a?":{}}"#, 0);
    bytes[8 + 3] = 0xff;
    assert!(matches!(refused(&bytes), Error::BadHeader { .. }));
}

#[test]
fn other_formats_are_named() {
    for (start, hint) in [
        (
            &b"version https://git-lfs.github.com/spec/v1\noid sha256:0"[..],
            "git lfs pull",
        ),
        (b"PK\x03\x04\x00\x00\x00\x00", "zip"),
        (b"\x80\x02}q\x00X\x00\x00", "pickle"),
        (b"<!DOCTYPE html><html>", "web page"),
    ] {
        let error = refused(start);
        assert!(matches!(error, Error::UnknownFormat { .. }), "{error}");
        assert!(error.to_string().contains(hint), "{error}");
    }
    assert!(open("model.safetensors", b"\x89PNG\r\n\x1a\n................").is_err());
    for name in ["model.gguf", "model", "model.json"] {
        let error = open(name, &bytes_of(&official())).unwrap_err();
        assert!(matches!(error, Error::UnknownFormat { .. }), "{error}");
    }
}

#[test]
fn missing_weights_fail() {
    let dir = tempfile::tempdir().unwrap();
    put(dir.path(), "config.json", "{}");
    let error = CheckpointFiles::open(dir.path()).unwrap_err();
    assert!(matches!(error, Error::NoWeights { .. }));
    assert!(error.to_string().contains("model.safetensors"), "{error}");
    let error = CheckpointFiles::open(dir.path().join("gone.safetensors")).unwrap_err();
    assert!(matches!(error, Error::Io { .. }));
    assert!(error.to_string().contains("gone.safetensors"), "{error}");
}

#[test]
#[cfg(unix)]
fn truncated_while_open_fails() {
    use burn::prelude::*;
    let dir = tempfile::tempdir().unwrap();
    let path = put(dir.path(), "model.safetensors", bytes_of(&official()));
    let files = CheckpointFiles::open(&path).unwrap();
    let file = std::fs::OpenOptions::new().write(true).open(&path).unwrap();
    file.set_len(std::fs::metadata(&path).unwrap().len() - 4)
        .unwrap();
    let model = crate::support::model(&Device::flex());
    let error = vary_core::checkpoint::load(model, &files, &crate::support::key_map()).unwrap_err();
    assert!(matches!(error, Error::Io { .. }), "{error}");
}

#[test]
#[cfg(not(feature = "pytorch"))]
fn pytorch_needs_feature() {
    let error = open("pytorch_model.bin", b"PK\x03\x04").unwrap_err();
    assert!(error.to_string().contains("feature `pytorch`"), "{error}");
}

proptest! {
    #[test]
    fn damage_anywhere_never_panics(
        at: prop::sample::Index,
        flipped in 1_u8..,
        cut in prop::option::of(any::<prop::sample::Index>()),
    ) {
        let mut bytes = bytes_of(&official());
        let at = at.index(bytes.len());
        bytes[at] ^= flipped;
        if let Some(cut) = cut {
            bytes.truncate(cut.index(bytes.len()));
            prop_assert!(load_bytes(bytes).is_err());
        } else {
            // Damage to a value is no damage to the form.
            let _ = load_bytes(bytes);
        }
    }
}

use std::collections::BTreeMap;

use burn::module::Param;
use burn::prelude::*;
use safetensors::Dtype;
use vary_core::Error;
use vary_core::checkpoint::{
    CheckpointFiles, KeyMap, SaveOptions, StoredType, load, names_and_shapes, save,
};

use crate::support::{
    Tensors, bytes_of_stored, key_map, load_bytes, load_tensors, model, model_with_layers,
    official, report,
};

#[test]
fn misspelled_key_names_nearest() {
    let mut tensors = official();
    let moved = tensors.remove("model.tower.pos_embed").unwrap();
    tensors.insert("model.tower.pos_embedding".into(), moved);
    let report = report(load_tensors(&tensors));
    assert_eq!((report.missing.len(), report.unexpected.len()), (1, 1));
    assert_eq!(report.missing[0].name, "model.tower.pos_embed");
    assert_eq!(
        report.missing[0].nearest.as_deref(),
        Some("model.tower.pos_embedding")
    );
    assert_eq!(
        report.unexpected[0].nearest.as_deref(),
        Some("model.tower.pos_embed")
    );
}

#[test]
fn all_mismatches_reported() {
    let mut tensors = official();
    tensors.remove("model.mm_projector.bias").unwrap();
    tensors.remove("model.tower.layers.1.norm.bias").unwrap();
    tensors.insert("optimizer.step".into(), (vec![1], vec![3.0]));
    // As many values, in the layout of burn.
    tensors
        .get_mut("model.tower.layers.0.self_attn.out_proj.weight")
        .unwrap()
        .0 = vec![4, 6];
    let error = load_tensors(&tensors).unwrap_err();
    let text = error.to_string();
    for part in [
        "model.safetensors does not fit the model",
        "2 missing",
        "model.mm_projector.bias",
        "model.tower.layers.1.norm.bias",
        "1 not in the model",
        "optimizer.step",
        "1 with another shape",
        "model.tower.layers.0.self_attn.out_proj.weight: [6, 4] expected, [4, 6] found",
    ] {
        assert!(text.contains(part), "{part} not in {text}");
    }
}

#[test]
fn layer_count_differs() {
    let dir = tempfile::tempdir().unwrap();
    let device = Device::flex();
    let path = dir.path().join("model.safetensors");
    save(&model(&device), &key_map(), &path, &SaveOptions::default()).unwrap();
    let files = CheckpointFiles::open(&path).unwrap();
    let few = report(load(model_with_layers(1, &device), &files, &key_map()));
    assert_eq!((few.missing.len(), few.unexpected.len()), (0, 5));
    let many = report(load(model_with_layers(3, &device), &files, &key_map()));
    assert_eq!((many.missing.len(), many.unexpected.len()), (5, 0));
}

#[test]
fn mixed_prefixes_fail() {
    let mut tensors = official();
    let table = tensors["model.tower.table"].clone();
    tensors.insert("model.tower_2.table".into(), table);
    let report = report(load_tensors(&tensors));
    assert_eq!(report.unexpected[0].name, "model.tower_2.table");
    assert!(report.missing.is_empty());
}

#[test]
fn tied_keys_must_match() {
    let mut tensors = official();
    tensors.get_mut("lm_head.weight").unwrap().1[5] += 0.125;
    let other_prefix = |(name, tensor): (&String, &_)| {
        (
            name.replace("model.tower.", "model.tower_2."),
            Clone::clone(tensor),
        )
    };
    for tensors in [tensors.clone(), tensors.iter().map(other_prefix).collect()] {
        assert_eq!(report(load_tensors(&tensors)).untied, ["lm_head.weight"]);
    }
    tensors.insert("lm_head.weight".into(), (vec![1, 4], vec![0.0; 4]));
    let report = report(load_tensors(&tensors));
    assert_eq!(report.misshapen[0].name, "lm_head.weight");
}

#[test]
fn wrong_types_fail() {
    let tensors = official();
    for (dtype, size) in [(Dtype::I32, 4), (Dtype::F64, 8), (Dtype::U8, 1)] {
        let stored: BTreeMap<_, _> = tensors
            .iter()
            .map(|(name, (shape, values))| {
                let (dtype, size) = if name.ends_with("table") {
                    (dtype, size)
                } else {
                    (Dtype::F32, 4)
                };
                (
                    name.as_str(),
                    (dtype, shape.as_slice(), vec![0; size * values.len()]),
                )
            })
            .collect();
        let report = report(load_bytes(bytes_of_stored(&stored)));
        assert_eq!(report.wrong_type.len(), 1);
        assert_eq!(report.wrong_type[0].name, "model.tower.table");
        assert_eq!(report.wrong_type[0].found, dtype.to_string());
    }
}

#[test]
fn nonfinite_values_counted() {
    let mut tensors = official();
    let spoil = |tensors: &mut Tensors, name: &str, i: usize, value| {
        tensors.get_mut(name).unwrap().1[i] = value;
    };
    spoil(&mut tensors, "model.tower.table", 0, f32::NAN);
    spoil(&mut tensors, "model.tower.table", 5, f32::NAN);
    spoil(
        &mut tensors,
        "model.mm_projector.weight",
        7,
        f32::NEG_INFINITY,
    );
    let error = load_tensors(&tensors).unwrap_err();
    let text = error.to_string();
    assert!(
        text.contains("model.tower.table: 2 NaN, 0 infinite"),
        "{text}"
    );
    assert!(
        text.contains("model.mm_projector.weight: 0 NaN, 1 infinite"),
        "{text}"
    );
    let Error::NonFinite { tensors, .. } = error else {
        panic!("{text}")
    };
    assert_eq!(tensors.len(), 2);
}

#[test]
fn unloadable_values_not_saved() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("model.safetensors");
    let mut loaded = load_tensors(&official()).unwrap();
    loaded.tower.table = loaded.tower.table.map(|table| table.mul_scalar(1e6));
    let half = SaveOptions::default().stored(StoredType::F16);
    let error = save(&loaded, &key_map(), &path, &half).unwrap_err();
    assert!(matches!(error, Error::NonFinite { .. }), "{error}");
    assert!(error.to_string().contains("model.tower.table"), "{error}");
    assert_eq!(std::fs::read_dir(&dir).unwrap().count(), 0);
    save(&loaded, &key_map(), &path, &SaveOptions::default()).unwrap();

    let nowhere = dir.path().join("nowhere/model.safetensors");
    let error = save(&loaded, &key_map(), nowhere, &half).unwrap_err();
    assert!(matches!(error, Error::Io { .. }), "{error}");
}

#[derive(Module, Debug)]
struct Counter {
    steps: Param<Tensor<1, Int>>,
}

#[test]
fn unsupported_modules_fail() {
    let device = Device::flex();
    let map = KeyMap::new()
        .part("tower.embed", &["x"], &[])
        .part("projector", &["x"], &[]);
    let error = names_and_shapes(&model(&device), &map).unwrap_err();
    let Error::AmbiguousKeys { names } = error else {
        panic!("{error}")
    };
    assert_eq!(names, ["x.weight"]);

    let map = KeyMap::new().tie("projector.bias", "tower.table");
    let error = names_and_shapes(&model(&device), &map).unwrap_err();
    assert!(error.to_string().contains("projector.bias"), "{error}");

    let counter = Counter {
        steps: Param::initialized(burn::module::ParamId::new(), Tensor::zeros([1], &device)),
    };
    let error = names_and_shapes(&counter, &KeyMap::new()).unwrap_err();
    assert!(
        matches!(error, Error::UnsupportedParameter { .. }),
        "{error}"
    );

    let adapted = model(&device)
        .projector
        .apply_lora(burn::module::Lora::new(2, 4.0));
    let error = names_and_shapes(&adapted, &KeyMap::new()).unwrap_err();
    assert!(error.to_string().contains("materialize"), "{error}");
    let merged = names_and_shapes(&adapted.materialize(), &KeyMap::new()).unwrap();
    assert_eq!(merged.len(), 2);
}

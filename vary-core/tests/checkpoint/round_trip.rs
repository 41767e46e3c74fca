use std::collections::BTreeMap;

use burn::module::ParamId;
use burn::prelude::*;
use burn::tensor::TensorData;
use safetensors::{Dtype, SafeTensors};
use vary_core::Error;
use vary_core::checkpoint::{
    CheckpointFiles, KeyMap, SaveOptions, StoredType, load, names_and_shapes, save,
};

use crate::support::{
    Model, bytes_of, bytes_of_stored, devices, key_map, load_bytes, load_tensors, model, official,
    put,
};

fn plain() -> SaveOptions {
    SaveOptions::default().metadata(BTreeMap::new())
}

#[test]
fn values_match_pytorch_layout() {
    let tensors = official();
    let dir = tempfile::tempdir().unwrap();
    let path = put(dir.path(), "model.safetensors", bytes_of(&tensors));
    for device in devices() {
        let files = CheckpointFiles::open(&path).unwrap();
        let model = load(model(&device), &files, &key_map()).unwrap();
        let check = |name: &str, found: TensorData| {
            let (shape, values) = &tensors[name];
            found.assert_eq(&TensorData::new(values.clone(), shape.clone()), true);
        };
        let layer = &model.tower.layers[1];
        check(
            "model.mm_projector.weight",
            model.projector.weight.val().transpose().into_data(),
        );
        check(
            "model.tower.layers.1.self_attn.out_proj.weight",
            layer.attn.weight.val().transpose().into_data(),
        );
        check(
            "model.tower.layers.1.square.weight",
            layer.square.weight.val().transpose().into_data(),
        );
        check(
            "model.tower.layers.1.norm.weight",
            layer.norm.gamma.val().into_data(),
        );
        let beta = layer.norm.beta.as_ref().unwrap();
        check("model.tower.layers.1.norm.bias", beta.val().into_data());
        check(
            "model.tower.conv.0.weight",
            model.tower.conv_0.weight.val().into_data(),
        );
        check(
            "model.tower.embed.weight",
            model.tower.embed.weight.val().into_data(),
        );
        check(
            "model.tower.pos_embed",
            model.tower.pos_embed.val().into_data(),
        );
        check("model.tower.table", model.tower.table.val().into_data());
    }
}

#[test]
fn save_is_byte_equal() {
    let original = bytes_of(&official());
    let dir = tempfile::tempdir().unwrap();
    let path = put(dir.path(), "in.safetensors", &original);
    for device in devices() {
        let files = CheckpointFiles::open(&path).unwrap();
        let model = load(model(&device), &files, &key_map()).unwrap();
        let saved = dir.path().join("out.safetensors");
        save(&model, &key_map(), &saved, &plain()).unwrap();
        assert!(std::fs::read(&saved).unwrap() == original);
    }
    let names: Vec<_> = std::fs::read_dir(&dir)
        .unwrap()
        .map(|f| f.unwrap().file_name())
        .collect();
    assert_eq!(names.len(), 2, "temporary files left: {names:?}");
}

#[test]
fn save_over_loaded_file() {
    let dir = tempfile::tempdir().unwrap();
    let path = put(dir.path(), "model.safetensors", bytes_of(&official()));
    let files = CheckpointFiles::open(&path).unwrap();
    let mut loaded = load(model(&Device::flex()), &files, &key_map()).unwrap();
    loaded.tower.table = loaded.tower.table.map(|table| table + 1.0);
    save(&loaded, &key_map(), &path, &SaveOptions::default()).unwrap();

    let reread = CheckpointFiles::open(&path).unwrap();
    let reread = load(model(&Device::flex()), &reread, &key_map()).unwrap();
    reread
        .tower
        .table
        .val()
        .into_data()
        .assert_eq(&loaded.tower.table.val().into_data(), true);
    let old = load(model(&Device::flex()), &files, &key_map()).unwrap();
    let moved = reread.tower.table.val() - old.tower.table.val();
    assert_eq!(moved.into_data().try_into_vec::<f32>().unwrap(), [1.0; 6]);
}

#[test]
fn reference_reader_agrees() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("model.safetensors");
    let loaded = load_tensors(&official()).unwrap();
    save(&loaded, &key_map(), &path, &SaveOptions::default()).unwrap();
    let bytes = std::fs::read(&path).unwrap();
    assert_eq!(bytes.len() % 4, 0);
    let (_, header) = SafeTensors::read_metadata(&bytes).unwrap();
    assert_eq!(header.metadata().as_ref().unwrap()["format"], "pt");
    let file = SafeTensors::deserialize(&bytes).unwrap();
    assert_eq!(file.len(), official().len());
    for (name, (shape, values)) in official() {
        let view = file.tensor(&name).unwrap();
        assert_eq!((view.dtype(), view.shape()), (Dtype::F32, &shape[..]));
        let expected: Vec<u8> = values.iter().flat_map(|x| x.to_le_bytes()).collect();
        assert!(view.data() == expected, "{name}");
    }
}

#[test]
fn half_types_round_trip() {
    let (loaded, dir) = (
        load_tensors(&official()).unwrap(),
        tempfile::tempdir().unwrap(),
    );
    let data: usize = official().values().map(|(_, values)| values.len()).sum();
    for stored in [StoredType::F16, StoredType::Bf16] {
        let path = dir.path().join("half.safetensors");
        save(
            &loaded,
            &key_map(),
            &path,
            &SaveOptions::default().stored(stored),
        )
        .unwrap();
        let bytes = std::fs::read(&path).unwrap();
        let header = u64::from_le_bytes(bytes[..8].try_into().unwrap()) as usize;
        assert_eq!(bytes.len() - 8 - header, 2 * data);

        let half = load_bytes(bytes).unwrap();
        let data = half.projector.weight.val().into_data();
        assert_eq!(data.dtype(), burn::tensor::DType::F32);
        let found = data.try_into_vec::<f32>().unwrap();
        let exact = loaded
            .projector
            .weight
            .val()
            .into_data()
            .try_into_vec::<f32>()
            .unwrap();
        for (x, y) in found.iter().zip(exact) {
            assert!((x - y).abs() <= y.abs() / 256.0, "{x} for {y}");
        }
        // What is stored is exact from now on.
        let again = dir.path().join("again.safetensors");
        save(
            &half,
            &key_map(),
            &again,
            &SaveOptions::default().stored(stored),
        )
        .unwrap();
        assert!(std::fs::read(again).unwrap() == std::fs::read(path).unwrap());
    }
}

#[test]
fn embedded_bytes_load() {
    let bytes: &'static [u8] = bytes_of(&official()).leak();
    let files = CheckpointFiles::from_bytes("embedded", bytes).unwrap();
    let loaded = load(model(&Device::flex()), &files, &key_map()).unwrap();
    let expected = load_tensors(&official()).unwrap();
    let data = |model: &Model| model.projector.weight.val().into_data();
    data(&loaded).assert_eq(&data(&expected), true);
    let error = CheckpointFiles::from_bytes("embedded", &bytes[..99]).unwrap_err();
    assert!(error.to_string().contains("embedded is cut"), "{error}");
}

#[test]
fn alternative_prefix_loads() {
    let renamed = official()
        .into_iter()
        .map(|(name, tensor)| (name.replace("model.tower.", "model.tower_2."), tensor))
        .collect();
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("model.safetensors");
    save(
        &load_tensors(&renamed).unwrap(),
        &key_map(),
        &path,
        &plain(),
    )
    .unwrap();
    assert!(std::fs::read(path).unwrap() == bytes_of(&official()));
}

#[test]
fn optional_and_ignored_keys() {
    let mut tensors = official();
    tensors.remove("lm_head.weight");
    tensors.insert("model.tower.position_ids".into(), (vec![2], vec![0.0, 1.0]));
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("model.safetensors");
    save(
        &load_tensors(&tensors).unwrap(),
        &key_map(),
        &path,
        &plain(),
    )
    .unwrap();
    assert!(std::fs::read(path).unwrap() == bytes_of(&official()));

    // Buffers are integers more often than not.
    let ids = BTreeMap::from([("position_ids", (Dtype::I64, &[1][..], vec![0; 8]))]);
    let path = put(dir.path(), "ids.safetensors", bytes_of_stored(&ids));
    let files = CheckpointFiles::open(path).unwrap();
    load(Vec::<Model>::new(), &files, &key_map()).unwrap();
}

#[test]
fn load_single_tower() {
    let dir = tempfile::tempdir().unwrap();
    let path = put(dir.path(), "model.safetensors", bytes_of(&official()));
    let files = CheckpointFiles::open(path).unwrap();
    let map = KeyMap::new();
    let projector = files.under(&["nowhere", "model.mm_projector."]).unwrap();
    let loaded = load(model(&Device::flex()).projector, &projector, &map).unwrap();
    let whole = load(model(&Device::flex()), &files, &key_map())
        .unwrap()
        .projector;
    loaded
        .weight
        .val()
        .into_data()
        .assert_eq(&whole.weight.val().into_data(), true);

    let error = files.under(&["model.mm", "tower"]).unwrap_err();
    assert!(matches!(error, Error::NoSuchPrefix { .. }));
    assert!(error.to_string().contains("model.mm or tower"), "{error}");
}

#[test]
fn names_and_shapes_lazy() {
    let device = Device::flex();
    let expected: Vec<_> = official()
        .into_iter()
        .map(|(name, (shape, _))| (name, shape))
        .collect();
    let fresh = model(&device);
    assert_eq!(names_and_shapes(&fresh, &key_map()).unwrap(), expected);
    assert!(!fresh.projector.weight.is_initialized());

    let huge = burn::nn::LinearConfig::new(1 << 20, 1 << 20).init(&device);
    let shapes = names_and_shapes(&huge, &KeyMap::new()).unwrap();
    assert_eq!(shapes[1], ("weight".to_string(), vec![1 << 20, 1 << 20]));
}

#[test]
fn parameters_keep_ids() {
    let fresh = model(&Device::flex());
    let ids: [ParamId; 2] = [fresh.projector.weight.id, fresh.tower.table.id];
    let fresh = Model {
        tower: fresh.tower.no_grad(),
        ..fresh
    };
    let dir = tempfile::tempdir().unwrap();
    let path = put(dir.path(), "model.safetensors", bytes_of(&official()));
    let loaded = load(fresh, &CheckpointFiles::open(path).unwrap(), &key_map()).unwrap();
    assert_eq!([loaded.projector.weight.id, loaded.tower.table.id], ids);
}

#[test]
fn qwen2_key_table() {
    use vary_lm::qwen::{QWEN2_KEYS, QwenConfig};
    let config = QwenConfig {
        separate_qkv: true,
        num_key_value_heads: Some(2),
        tie_word_embeddings: true,
        ..QwenConfig::tiny(50)
    };
    let map = KeyMap::new()
        .part("lm_head.", &[], &[])
        .part("", &["model."], QWEN2_KEYS);
    let model = config.init(&Device::flex());
    let names = names_and_shapes(&model, &map).unwrap();
    let shape = |name: &str| {
        let found = names.iter().find(|(key, _)| key == name);
        found
            .unwrap_or_else(|| panic!("{name}: {names:?}"))
            .1
            .clone()
    };
    assert_eq!(shape("model.embed_tokens.weight"), [50, 32]);
    assert_eq!(shape("model.layers.1.self_attn.k_proj.weight"), [16, 32]);
    assert_eq!(shape("model.layers.1.self_attn.q_proj.bias"), [32]);
    assert_eq!(shape("model.layers.0.self_attn.o_proj.weight"), [32, 32]);
    assert_eq!(shape("model.layers.0.mlp.gate_proj.weight"), [32, 32]);
    assert_eq!(
        shape("model.layers.0.post_attention_layernorm.weight"),
        [32]
    );
    assert_eq!(shape("model.norm.weight"), [32]);
    // Embedding, norm, and twelve of each layer; no output head.
    assert_eq!(names.len(), 2 + 2 * 12);

    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("model.safetensors");
    save(&model, &map, &path, &SaveOptions::default()).unwrap();
    let files = CheckpointFiles::open(&path).unwrap();
    let again = load(config.init(&Device::flex()), &files, &map).unwrap();
    let weight = |model: &vary_lm::qwen::Qwen| model.h[1].mlp.w2.weight.val().into_data();
    assert_eq!(weight(&again), weight(&model));
}

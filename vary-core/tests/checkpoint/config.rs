use vary_core::Error;
use vary_core::checkpoint::read_config_json;

use crate::support::put;

#[derive(Debug, serde::Deserialize)]
struct Config {
    hidden_size: usize,
    vision: Vision,
}

#[derive(Debug, serde::Deserialize)]
struct Vision {
    depth: usize,
}

fn field_of(text: &str) -> (String, String) {
    let dir = tempfile::tempdir().unwrap();
    put(dir.path(), "config.json", text);
    match read_config_json::<Config>(dir.path()) {
        Err(error @ Error::ConfigField { .. }) => {
            let message = error.to_string();
            let Error::ConfigField { field, .. } = error else {
                unreachable!()
            };
            (field, message)
        }
        other => panic!("expected a bad field, got {other:?}"),
    }
}

#[test]
fn config_is_read() {
    let dir = tempfile::tempdir().unwrap();
    put(
        dir.path(),
        "config.json",
        r#"{"hidden_size": 3, "vision": {"depth": 2, "other": 1}}"#,
    );
    let config: Config = read_config_json(dir.path()).unwrap();
    assert_eq!((config.hidden_size, config.vision.depth), (3, 2));
}

#[test]
fn bad_config_names_field() {
    let (field, message) = field_of(r#"{"hidden_size": 3, "vision": {"depth": "two"}}"#);
    assert_eq!(field, "vision.depth");
    assert!(
        message.contains("config.json") && message.contains("two"),
        "{message}"
    );
    let (_, message) = field_of(r#"{"vision": {"depth": 2}}"#);
    assert!(message.contains("hidden_size"), "{message}");
    let (field, _) = field_of(r#"{"hidden_size": -3, "vision": {"depth": 2}}"#);
    assert_eq!(field, "hidden_size");
    for text in [
        "",
        "{",
        "[]",
        r#"{"hidden_size": 3, "vision": {"depth": 2}} {}"#,
    ] {
        field_of(text);
    }
}

#[test]
fn missing_config_names_file() {
    let dir = tempfile::tempdir().unwrap();
    let error = read_config_json::<Config>(dir.path()).unwrap_err();
    assert!(matches!(error, Error::Io { .. }));
    assert!(error.to_string().contains("config.json"), "{error}");
}

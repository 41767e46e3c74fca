use std::path::PathBuf;

use serde_json::Value;

/// The copy of the golden data that the repository keeps.
const BUNDLED: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../fixtures/parity");

/// Folder of a case.
pub fn case_dir(case: &str) -> PathBuf {
    let root = std::env::var_os("VARY_PARITY_DIR").map_or_else(|| BUNDLED.into(), PathBuf::from);
    root.join(case)
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

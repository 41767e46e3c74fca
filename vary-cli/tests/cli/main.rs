//! Runs the program `vary`.
#![allow(clippy::unwrap_used, clippy::panic)]

#[cfg(target_os = "linux")]
mod hostile;
mod pdf;
mod read;
mod rest;

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// The program, with the settings of nobody.
pub fn vary() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_vary"));
    command.env("XDG_CONFIG_HOME", "/nonexistent");
    for name in [
        "VARY_MODEL",
        "VARY_DEVICE",
        "VARY_PRECISION",
        "VARY_CONFIG",
        "VARY_LOG",
    ] {
        command.env_remove(name);
    }
    command
}

/// Runs the program.
pub fn run(args: &[&str]) -> Output {
    vary().args(args).output().unwrap()
}

/// Its standard output; it has to succeed.
pub fn text(args: &[&str]) -> String {
    let output = run(args);
    assert!(output.status.success(), "{args:?}: {}", error(&output));
    String::from_utf8(output.stdout).unwrap()
}

/// Its standard error.
pub fn error(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// An image that is shipped with the examples.
pub fn asset(name: &str) -> String {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR"));
    path(&dir.join("../examples/assets").join(name))
}

/// A path as an argument.
pub fn path(path: &Path) -> String {
    PathBuf::from(path).into_os_string().into_string().unwrap()
}

//! Exit codes, and errors in one line.

use std::io::ErrorKind;
use std::process::ExitCode;
use std::sync::OnceLock;

use anyhow::{Context, Result};
use vary_core::pipeline::CancellationToken;

/// What a shell gives to a program that Ctrl-C ended.
const INTERRUPTED: u8 = 130;

/// The work was interrupted; what was done is there.
#[derive(Debug)]
pub struct Interrupted;

impl std::fmt::Display for Interrupted {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("interrupted")
    }
}

impl std::error::Error for Interrupted {}

/// The exit code of the program; an error is printed in one line.
pub fn code(result: Result<()>) -> ExitCode {
    let Err(error) = result else {
        return ExitCode::SUCCESS;
    };
    if is_closed_pipe(&error) {
        // Whoever reads has enough, such as `head`.
        return ExitCode::SUCCESS;
    }
    eprintln!("error: {}", one_line(&error));
    match error.is::<Interrupted>() {
        true => ExitCode::from(INTERRUPTED),
        false => ExitCode::FAILURE,
    }
}

fn is_closed_pipe(error: &anyhow::Error) -> bool {
    let mut causes = error
        .chain()
        .filter_map(|cause| cause.downcast_ref::<std::io::Error>());
    causes.any(|cause| cause.kind() == ErrorKind::BrokenPipe)
}

/// An error with its causes; a cause that a message includes already is not repeated.
pub fn one_line(error: &anyhow::Error) -> String {
    let mut text = error.to_string();
    for cause in error.chain().skip(1).map(ToString::to_string) {
        if !text.contains(&cause) {
            text = format!("{text}: {cause}");
        }
    }
    shown(&text.replace('\n', " "))
}

/// A text, such as the name of a file, without characters that control a terminal.
pub fn shown(text: &str) -> String {
    let escape = |c: char| match c.is_control() {
        true => c.escape_default().to_string(),
        false => c.to_string(),
    };
    text.chars().map(escape).collect()
}

/// Cancelled by Ctrl-C: the program ends with what is done. A second Ctrl-C ends it at once.
pub fn cancellation() -> Result<CancellationToken> {
    static TOKEN: OnceLock<CancellationToken> = OnceLock::new();
    if let Some(token) = TOKEN.get() {
        return Ok(token.clone());
    }
    let token = TOKEN.get_or_init(CancellationToken::default).clone();
    let handled = token.clone();
    ctrlc::set_handler(move || {
        if handled.is_cancelled() {
            std::process::exit(INTERRUPTED.into());
        }
        handled.cancel();
    })
    .context("Ctrl-C can't be handled")?;
    Ok(token)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn causes_are_printed_once() {
        let error = anyhow::anyhow!("no\nspace").context("disk: no\nspace");
        assert_eq!(
            one_line(&error.context("cannot write a\u{1b}")),
            "cannot write a\\u{1b}: disk: no space"
        );
    }
}

use std::collections::HashMap;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;

use crate::{Error, Result};

/// Longest token in bytes. Qwen's longest has 128; finding a token's merge takes time that grows
/// with the square of its length.
const MAX_LEN: usize = 1024;

const ADVICE: &str = "the file is damaged or of another kind; download the original again";

struct Line {
    /// Counted from 1.
    number: usize,
    token: Vec<u8>,
    rank: u32,
}

/// The tokens of a `.tiktoken` file, which has lines of `base64 rank`, in the order of their ranks.
/// Lines may be in any order, and empty ones are skipped, as in the original.
///
/// # Errors
/// [`Error::Tokenizer`] when a line is malformed, ranks have gaps, something occurs twice, or a
/// byte has no token.
pub(super) fn read(data: &[u8], file: &str) -> Result<Vec<Vec<u8>>> {
    let wrong = |line: usize, reason: String| {
        Error::tokenizer(
            format!("{file}, line {line}"),
            format!("{reason}; {ADVICE}"),
        )
    };
    let mut entries = vec![];
    for (text, number) in data.split(|&b| b == b'\n').zip(1..) {
        if !text.trim_ascii().is_empty() {
            entries.push(parse(text, number).map_err(|reason| wrong(number, reason))?);
        }
    }
    if entries.is_empty() {
        let reason = format!("no tokens; {ADVICE}");
        return Err(Error::tokenizer(file, reason));
    }

    entries.sort_by_key(|line| line.rank);
    let mut lines = HashMap::with_capacity(entries.len());
    let mut before = 0;
    for (line, expected) in entries.iter().zip(0..) {
        let rank = line.rank;
        if rank < expected {
            let reason = format!("rank {rank} is already that of line {before}");
            return Err(wrong(line.number, reason));
        }
        if rank > expected {
            let reason = format!("no line has rank {expected}; the next rank is {rank}, here");
            return Err(wrong(line.number, reason));
        }
        if let Some(other) = lines.insert(line.token.as_slice(), line.number) {
            let reason = format!(
                "the token {} is already in line {other}",
                shown(&line.token)
            );
            return Err(wrong(line.number, reason));
        }
        before = line.number;
    }
    if let Some(byte) = (0..=u8::MAX).find(|b| !lines.contains_key([*b].as_slice())) {
        let reason = format!("no token for the byte {byte:#04x}; {ADVICE}");
        return Err(Error::tokenizer(file, reason));
    }
    Ok(entries.into_iter().map(|line| line.token).collect())
}

fn parse(text: &[u8], number: usize) -> Result<Line, String> {
    let text = std::str::from_utf8(text).map_err(|_| "is not UTF-8".to_string())?;
    let mut fields = text.split_ascii_whitespace();
    let (Some(code), Some(rank), None) = (fields.next(), fields.next(), fields.next()) else {
        let text = shown(text.as_bytes());
        return Err(format!("{text} is not a token in base64 and its rank"));
    };
    let token = BASE64_STANDARD
        .decode(code)
        .map_err(|e| format!("the token {} is not base64: {e}", shown(code.as_bytes())))?;
    if token.len() > MAX_LEN {
        let len = token.len();
        return Err(format!(
            "the token has {len} bytes, more than {MAX_LEN} allowed"
        ));
    }
    let rank = rank
        .parse()
        .map_err(|_| format!("the rank {} is not a whole number", shown(rank.as_bytes())))?;
    Ok(Line {
        number,
        token,
        rank,
    })
}

/// The beginning of `bytes` for an error, printable.
fn shown(bytes: &[u8]) -> String {
    const LEN: usize = 32;
    let start = &bytes[..bytes.len().min(LEN)];
    let dots = if bytes.len() > LEN { "..." } else { "" };
    format!("`{}{dots}`", start.escape_ascii())
}

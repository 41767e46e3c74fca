use crate::error::{Error, Result};

/// Longest name that Hugging Face allows.
const MAX_NAME: usize = 96;

/// Checks that `name` is `owner/name`, by Hugging Face's rules (`validate_repo_id` of
/// `huggingface_hub`); it becomes a part of an address and the name of a directory.
pub(super) fn check_name(name: &str) -> Result<()> {
    let reason = match name.split_once('/') {
        None => Some("it has no owner"),
        Some((_, rest)) if rest.contains('/') => Some("it has more than one `/`"),
        Some((owner, rest)) if owner.is_empty() || rest.is_empty() => Some("a half of it is empty"),
        Some(_) if name.len() > MAX_NAME => Some("it is longer than 96 characters"),
        Some(_) if !name.chars().all(|c| is_plain(c) || c == '/') => {
            Some("only letters, digits, `-`, `_` and `.` are allowed")
        }
        Some(_) if name.contains("--") || name.contains("..") => {
            Some("`--` and `..` are not allowed")
        }
        Some((owner, rest)) if [owner, rest].into_iter().any(has_bad_end) => {
            Some("no half may start or end with `-` or `.`")
        }
        Some(_) => None,
    };
    refuse(reason, "name", name)
}

/// Checks that `revision` may be a branch, tag or commit; it becomes a part of a path.
pub(super) fn check_revision(revision: &str) -> Result<()> {
    let part_is_bad = |part: &str| part.is_empty() || has_bad_end(part) || part.contains("..");
    let reason = match revision {
        "" => Some("it is empty; the newest is `main`"),
        _ if !revision.chars().all(|c| is_plain(c) || c == '/') => {
            Some("only letters, digits, `-`, `_`, `.` and `/` are allowed")
        }
        _ if revision.split('/').any(part_is_bad) => Some("it is no branch, tag or commit"),
        _ => None,
    };
    refuse(reason, "revision", revision)
}

/// Whether this is the full name of a commit, which always means the same files.
pub(super) fn is_commit(revision: &str) -> bool {
    matches!(revision.len(), 40 | 64) && is_hex(revision)
}

/// Whether `id` is a number in lower-case hexadecimal, as commits, blobs and hashes are.
pub(super) fn is_hex(id: &str) -> bool {
    !id.is_empty() && id.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'))
}

fn is_plain(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.')
}

fn has_bad_end(part: &str) -> bool {
    part.starts_with(['-', '.']) || part.ends_with(['-', '.'])
}

fn refuse(reason: Option<&str>, what: &'static str, value: &str) -> Result<()> {
    match reason {
        None => Ok(()),
        Some(reason) => Err(Error::HubName {
            what,
            value: value.into(),
            reason: reason.into(),
        }),
    }
}

use crate::error::{Error, Result};

/// Longest name that Hugging Face allows.
const MAX_NAME: usize = 96;

/// Checks that `name` is `owner/name`, by Hugging Face's rules (`validate_repo_id` of
/// `huggingface_hub`); it becomes a part of an address and the name of a directory.
pub(super) fn check_name(name: &str) -> Result<()> {
    let is_name = name.len() <= MAX_NAME
        && name.split('/').count() == 2
        && name.split('/').all(is_part)
        && !name.contains("--");
    refuse(is_name, "name", name)
}

/// Checks that `revision` may be a branch, tag or commit; it becomes a part of a path.
pub(super) fn check_revision(revision: &str) -> Result<()> {
    refuse(revision.split('/').all(is_part), "revision", revision)
}

/// Whether this is the full name of a commit, which always means the same files.
pub(super) fn is_commit(revision: &str) -> bool {
    revision.len() == 40
        && revision
            .bytes()
            .all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'))
}

fn is_part(part: &str) -> bool {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    !part.is_empty()
        && part.chars().all(is_plain)
        && !part.contains("..")
        && !part.starts_with(['-', '.'])
        && !part.ends_with(['-', '.'])
}

fn refuse(is_right: bool, what: &'static str, value: &str) -> Result<()> {
    match is_right {
        true => Ok(()),
        false => Err(Error::HubName {
            what,
            value: value.into(),
        }),
    }
}

//! Paths that data files name.

use std::path::{Path, PathBuf};

use crate::{Error, Result};

/// `relative` below `folder`, refused if it could name something outside.
///
/// Annotation files come from the network, and a path in one must not make a reader open any file
/// of the machine. Refused are: an empty path and `.`, a NUL byte, absolute paths of Unix and
/// Windows, drive prefixes (`C:x.jpg`), and any `..` part, even one that a later part would undo.
/// Both `/` and `\` count as separators on every system, so that a data set is accepted or refused
/// on all of them.
///
/// Only the text of the path is looked at, not the disk: a symbolic link inside `folder` is
/// followed, because large sets are often laid out with links. Whoever may place links in
/// `folder` is trusted.
///
/// # Errors
/// [`Error::Outside`] with what is wrong with the path.
pub fn inside(folder: &Path, relative: &str) -> Result<PathBuf> {
    match fault(relative) {
        None => Ok(folder.join(relative)),
        Some(why) => Err(Error::Outside {
            relative: relative.to_owned(),
            folder: folder.to_owned(),
            why,
        }),
    }
}

fn fault(relative: &str) -> Option<&'static str> {
    let is_separator = |c| c == '/' || c == '\\';
    let bytes = relative.as_bytes();
    if relative.starts_with(is_separator) {
        return Some("is absolute");
    }
    if bytes.len() >= 2 && bytes[0].is_ascii_alphabetic() && bytes[1] == b':' {
        return Some("begins with a drive");
    }
    if relative.contains('\0') {
        return Some("has a NUL byte");
    }
    // Windows ignores dots and spaces at the end of a name, so that `.. ` climbs like `..`.
    let climbs =
        |part: &str| part.starts_with("..") && part.trim_end_matches(['.', ' ']).is_empty();
    if relative.split(is_separator).any(climbs) {
        return Some("climbs with `..`");
    }
    if relative
        .split(is_separator)
        .all(|part| part.is_empty() || part == ".")
    {
        return Some("names no file");
    }
    None
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn ordinary_paths_are_joined() {
        let folder = Path::new("data");
        for good in [
            "a.jpg",
            "images/v1/patch8/b.jpg",
            "./a.jpg",
            "..a.jpg",
            "ünï/写真 1.jpg",
        ] {
            assert_eq!(inside(folder, good).unwrap(), folder.join(good));
        }
    }

    #[test]
    fn leaving_paths_are_refused() {
        let bad = [
            ("../x.jpg", "climbs"),
            ("a/../../x.jpg", "climbs"),
            ("a/../x.jpg", "climbs"),
            ("a\\..\\x.jpg", "climbs"),
            ("..", "climbs"),
            (".. /x.jpg", "climbs"),
            ("/etc/passwd", "absolute"),
            ("\\\\server\\share\\x.jpg", "absolute"),
            ("C:\\x.jpg", "drive"),
            ("c:x.jpg", "drive"),
            ("", "names no file"),
            ("./.", "names no file"),
            ("a\0.jpg", "NUL"),
        ];
        for (path, why) in bad {
            let message = inside(Path::new("data"), path).unwrap_err().to_string();
            assert!(message.contains(why), "{path:?}: {message}");
            assert!(message.contains("data"), "{message}");
        }
    }
}

use std::path::{Component, Path, PathBuf};

use image::RgbImage;
use vary_vision::preprocess::{DecodeOptions, decode, open};

use crate::{Error, Result};

/// As the original reads them: it does not turn pictures upright by their EXIF data.
fn options() -> DecodeOptions {
    DecodeOptions {
        apply_orientation: false,
        ..DecodeOptions::default()
    }
}

/// A path inside `folder`, or nothing if it leads out of it.
pub(super) fn inside(folder: &Path, path: &str) -> Option<PathBuf> {
    let normal = |part| matches!(part, Component::Normal(_) | Component::CurDir);
    // A backslash is a separator elsewhere.
    let path = path.replace('\\', "/");
    let stays = !path.is_empty() && Path::new(&path).components().all(normal);
    (stays && !path.contains(':')).then(|| folder.join(path))
}

pub(super) fn read(path: &Path, origin: &str) -> Result<RgbImage> {
    open(path, &options()).map_err(|source| Error::Picture {
        origin: origin.into(),
        source,
    })
}

pub(super) fn read_bytes(bytes: &[u8], origin: &str) -> Result<RgbImage> {
    decode(bytes, &options()).map_err(|source| Error::Picture {
        origin: origin.into(),
        source,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_stay_in_their_folder() {
        let folder = Path::new("pictures");
        for path in ["a.png", "b/c.png", "./d.png", "e..f/g.png"] {
            assert!(inside(folder, path).is_some(), "{path}");
        }
        for path in [
            "",
            "../a.png",
            "b/../../a.png",
            "/etc/a.png",
            "c:\\a.png",
            "..\\a.png",
        ] {
            assert!(inside(folder, path).is_none(), "{path}");
        }
    }
}

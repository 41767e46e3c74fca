use std::collections::HashMap;
use std::path::Path;

use serde::Deserialize;

use super::bbox;
use super::detection::DetectionSet;
use super::detection::SetOptions;
use super::detection::{Builder, narrow};
use super::images::Images;
use super::report::Issue;
use crate::json::{Flag, Numbers, each_under, read_head};
use crate::{Error, Result};

/// `images` and `categories`, which must be known before the annotations make sense.
#[derive(Deserialize)]
struct Head {
    images: Vec<Image>,
    categories: Vec<Category>,
}

#[derive(Deserialize)]
struct Image {
    id: u64,
    file_name: String,
    width: u32,
    height: u32,
}

#[derive(Deserialize)]
struct Category {
    id: u64,
    name: String,
}

#[derive(Deserialize)]
struct Annotation {
    id: Option<u64>,
    image_id: u64,
    category_id: u64,
    bbox: Numbers,
    #[serde(default)]
    iscrowd: Flag,
}

impl DetectionSet {
    /// Opens a file of the form "Object Detection" of <https://cocodataset.org/#format-data>, such
    /// as `instances_train2017.json`, with its images below `images_dir`.
    ///
    /// Read are `images[]` (`id`, `file_name`, `width`, `height`), `categories[]` (`id`, `name`)
    /// and `annotations[]` (`image_id`, `category_id`, `bbox` as `[x, y, width, height]` in
    /// pixels, and if given `id` and `iscrowd`); everything else is skipped. Ids are whole numbers
    /// from 0. The top-level keys may come in any order: the file is gone through twice, as COCO
    /// itself puts `categories` last.
    ///
    /// # Errors
    /// [`Error::Io`]; [`Error::Json`] for a wrong type, a missing field or broken JSON, with the
    /// field (Python's `NaN` isn't JSON and is refused so; `null` counts as NaN);
    /// [`Error::DuplicateId`] for two images or two categories with one id; [`Error::Record`]
    /// for a path that leads out of `images_dir`; [`Error::TooMany`] from 65537 categories on;
    /// [`Error::EmptySet`] when no image is left.
    pub fn open_coco(
        json: impl AsRef<Path>,
        images_dir: impl AsRef<Path>,
        options: &SetOptions,
    ) -> Result<Self> {
        open(json.as_ref(), images_dir.as_ref(), options, |_, name| name)
    }

    /// Opens a file of Objects365, such as `zhiyuan_objv2_train.json`, whose form is COCO's.
    ///
    /// Its `file_name`s are like `images/v1/patch8/objects365_v1_00420917.jpg`, while its archives
    /// unpack to `patch8/objects365_v1_00420917.jpg` and many copies have all files in one folder.
    /// All three layouts are taken: the longest of these endings of the path under which one of
    /// the file's first 32 images lies in `images_dir` is used for all, or the path as written
    /// if none is there. `isfake` (a drawing of the object), `isreflected` and `licenses` are
    /// skipped.
    ///
    /// # Errors
    /// As [`Self::open_coco`].
    pub fn open_objects365(
        json: impl AsRef<Path>,
        images_dir: impl AsRef<Path>,
        options: &SetOptions,
    ) -> Result<Self> {
        let images_dir = images_dir.as_ref();
        let mut layout = None;
        open(json.as_ref(), images_dir, options, |images, name| {
            let parts = *layout.get_or_insert_with(|| find_layout(images, images_dir));
            ending(name, parts)
        })
    }
}

/// How many parts of the paths in `images` lead to files in `folder`.
fn find_layout(images: &[Image], folder: &Path) -> usize {
    let is_there = |parts: usize| {
        let mut names = images
            .iter()
            .take(32)
            .map(|image| ending(&image.file_name, parts));
        names.any(|name| crate::path::inside(folder, name).is_ok_and(|path| path.is_file()))
    };
    [usize::MAX, 2, 1]
        .into_iter()
        .find(|&parts| is_there(parts))
        .unwrap_or(usize::MAX)
}

/// The last `parts` parts of a path.
fn ending(path: &str, parts: usize) -> &str {
    match path.rmatch_indices('/').nth(parts.saturating_sub(1)) {
        Some((slash, _)) => &path[slash + 1..],
        None => path,
    }
}

/// Files and declared sizes of the images.
fn found(
    file: &Path,
    folder: &Path,
    listed: &[Image],
    mut locate: impl for<'a> FnMut(&[Image], &'a str) -> &'a str,
) -> Result<Images> {
    let mut images = Images::new(folder);
    for (i, image) in listed.iter().enumerate() {
        // The whole path is looked at even if only its ending is used.
        crate::path::inside(folder, &image.file_name)
            .and_then(|_| {
                let name = locate(listed, &image.file_name);
                images.push(name, Some((image.width, image.height)))
            })
            .map_err(|source| Error::Record {
                file: file.to_owned(),
                record: format!("images[{i}]"),
                source: Box::new(source),
            })?;
    }
    Ok(images)
}

fn open(
    file: &Path,
    folder: &Path,
    options: &SetOptions,
    locate: impl for<'a> FnMut(&[Image], &'a str) -> &'a str,
) -> Result<DetectionSet> {
    let head: Head = read_head::<_, Annotation>(file, "annotations")?;
    let images = found(file, folder, &head.images, locate)?;
    let image_of = index(file, "images", head.images.iter().map(|image| image.id))?;
    let class_of = index(
        file,
        "categories",
        head.categories.iter().map(|class| class.id),
    )?;
    // The largest number of both that a box can hold; checked here, so that narrowing can't fail.
    narrow::<u32>(image_of.len(), file, "images", u32::MAX as usize)?;
    narrow::<u16>(
        class_of.len().saturating_sub(1),
        file,
        "categories",
        1 << 16,
    )?;
    let classes = head
        .categories
        .into_iter()
        .map(|category| category.name)
        .collect();
    drop(head.images);

    let mut builder = Builder::new(file, images);
    each_under(file, "annotations", |i, annotation: Annotation| {
        builder.add(
            image_of
                .get(&annotation.image_id)
                .map(|&i| i as u32)
                .ok_or(Issue::UnknownImage),
            class_of
                .get(&annotation.category_id)
                .map(|&i| i as u16)
                .ok_or(Issue::UnknownCategory),
            annotation.iscrowd.0,
            |images, image| {
                let size = images.size(image as usize).unwrap_or((0, 0));
                bbox::from_pixels(annotation.bbox.0, size)
            },
            || match annotation.id {
                Some(id) => format!("annotations[{i}] (id {id})"),
                None => format!("annotations[{i}]"),
            },
        );
    })?;
    builder.finish(classes, options)
}

/// From id to index; each id may be there once.
pub(super) fn index(
    file: &Path,
    list: &'static str,
    ids: impl Iterator<Item = u64>,
) -> Result<HashMap<u64, usize>> {
    let mut index = HashMap::new();
    for (i, id) in ids.enumerate() {
        if let Some(first) = index.insert(id, i) {
            return Err(Error::DuplicateId {
                file: file.to_owned(),
                id: id.to_string(),
                first: format!("{list}[{first}]"),
                second: format!("{list}[{i}]"),
            });
        }
    }
    Ok(index)
}

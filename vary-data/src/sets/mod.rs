//! Detection and referring-expression sets as they are published: COCO, Objects365, OpenImages
//! and RefCOCO.
//!
//! What is read, and by what:
//!
//! | Form | Read by |
//! |---|---|
//! | COCO "Object Detection" JSON, <https://cocodataset.org/#format-data> | [`DetectionSet::open_coco`] |
//! | Objects365 JSON (the same form; see there for its folders) | [`DetectionSet::open_objects365`] |
//! | OpenImages `*-annotations-bbox.csv` with `class-descriptions-boxable.csv` | [`DetectionSet::open_open_images`] |
//! | RefCOCO as a JSON list of records | [`GroundingSet::open`] |
//! | RefCOCO as MDETR's `finetune_refcoco_train.json` | [`GroundingSet::open`] |
//!
//! Boxes come out one way for all sets: `[x1, y1, x2, y2]` in fractions of the picture's width and
//! height, `0 <= x1 < x2 <= 1` and `0 <= y1 < y2 <= 1`. Boxes over the edge are clipped; boxes
//! that can't be used are dropped. Both are counted in the set's [`SetReport`], with the first few
//! records of each kind. What makes the file as a whole doubtful (a wrong type, a missing column,
//! two pictures with one id, a path that leaves the folder) is an error that names the record.
//!
//! Opening a set doesn't open its pictures (records without a size excepted, see
//! [`GroundingSet::open`]). `check_images` looks at their headers; damage behind the header shows
//! when a picture is decoded.
//!
//! Texts are UTF-8 with or without a byte order mark; lines may end in CRLF.

mod bbox;
mod coco;
mod detection;
mod grounding;
mod images;
mod json;
mod open_images;
mod report;

pub use detection::{AnnotatedImage, DetectionSet, Object};
pub use grounding::{GroundingSet, Referred};
pub use report::{Found, Issue, Place, SetReport};

/// How a [`DetectionSet`] is read.
#[derive(Debug, Clone, Default)]
pub struct SetOptions {
    /// Keep pictures that have no usable object. By default they are dropped and counted.
    pub keep_empty: bool,
}

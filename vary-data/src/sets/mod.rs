//! Detection and referring-expression sets as they are published: COCO, Objects365, OpenImages
//! and RefCOCO.
//!
//! What is read, and by what:
//!
//! | Form | Read by |
//! |---|---|
//! | COCO "Object Detection" JSON, <https://cocodataset.org/#format-data> | [coco] |
//! | Objects365 JSON (the same form; see there for its folders) | [objects365] |
//! | OpenImages `*-annotations-bbox.csv`, `class-descriptions-boxable.csv` | [open_images] |
//! | RefCOCO as a JSON list of records | [`GroundingSet::open`] |
//! | RefCOCO as MDETR's `finetune_refcoco_train.json` | [`GroundingSet::open`] |
//!
//! [coco]: DetectionSet::open_coco
//! [objects365]: DetectionSet::open_objects365
//! [open_images]: DetectionSet::open_open_images
//!
//! Boxes come out one way for all sets: `[x1, y1, x2, y2]` in fractions of the image's width and
//! height, `0 <= x1 < x2 <= 1` and `0 <= y1 < y2 <= 1`. Boxes over the edge are clipped; boxes
//! that can't be used are dropped. Both are counted in the set's [`SetReport`], with the first few
//! records of each kind. What makes the file as a whole doubtful (a wrong type, a missing column,
//! two images with one id, a path that leaves the folder) is an error that names the record.
//!
//! Opening a set doesn't open its images (records without a size excepted, see
//! [`GroundingSet::open`]). `check_images` reads their headers; damage behind the header shows
//! when an image is decoded.
//!
//! Texts are UTF-8 with or without a byte order mark; lines may end in CRLF.

mod bbox;
mod coco;
mod detection;
mod grounding;
mod images;
mod open_images;
pub(crate) mod report;

pub use detection::{AnnotatedImage, DetectionSet, Object, SetOptions};
pub use grounding::{GroundingSet, Referred};
pub use report::{Found, Issue, Place, SetReport};

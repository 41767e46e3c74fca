//! Training data for Vary, without tensors: images, text and boxes, read from disk or drawn.
//! `vary-core` and `vary-vocab-train` make prompts, labels and tensors from them.
//!
//! ```
//! use vary_data::sets::{DetectionSet, SetOptions};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let folder = tempfile::tempdir()?;
//! let json = folder.path().join("instances.json");
//! std::fs::write(&json, r#"{
//!     "images": [{"id": 1, "file_name": "a.jpg", "width": 200, "height": 100}],
//!     "categories": [{"id": 7, "name": "cat"}],
//!     "annotations": [{"image_id": 1, "category_id": 7, "bbox": [50, 25, 100, 50]}]}"#)?;
//!
//! let set = DetectionSet::open_coco(&json, folder.path(), &SetOptions::default())?;
//! let image = set.get(0).ok_or("no image")?;
//! let object = image.objects[0];
//! assert_eq!(set.classes()[object.class], "cat");
//! assert_eq!(object.bbox, [0.25, 0.25, 0.75, 0.75]); // fractions of the image
//! println!("{}", set.report()); // what was kept, clipped and dropped
//! # Ok(())
//! # }
//! ```
//!
//! # Features
//!
//! None is on by default.
//!
//! | feature | module | data |
//! | --- | --- | --- |
//! | (always) | [`sets`] | COCO, Objects365, OpenImages, referring expressions |
//! | `pdf` | [`pdf`](pdf/index.html) | pages of PDF files with text and word boxes |
//! | `typeset` | [`typeset`](typeset/index.html) | pages typeset by typst, scans of them |
//! | `charts` | [`drawn`](drawn/index.html) | charts and forms with questions and answers |
//! | `scenes` | [`scenes`](scenes/index.html) | sprites on backgrounds, with boxes |
//! | `lines` | [`lines`](lines/index.html) | text lines of PDF files and pages; includes `pdf` |
//! | `texts` | [`texts`](texts/index.html) | text with its characters' boxes; includes `scenes` |
//!
//! Drawn data are a pure function of the configuration, a seed and an index.

#![cfg_attr(docsrs, feature(doc_cfg))]

#[cfg(any(feature = "charts", feature = "texts"))]
mod calendar;
#[cfg(feature = "charts")]
pub mod drawn;
mod error;
mod file;
mod json;
#[cfg(feature = "lines")]
pub mod lines;
mod page;
pub mod path;
#[cfg(feature = "pdf")]
pub mod pdf;
mod question;
#[cfg(any(feature = "charts", feature = "lines", feature = "scenes"))]
mod random;
mod record;
#[cfg(feature = "scenes")]
pub mod scenes;
pub mod sets;
mod split;
#[cfg(feature = "texts")]
pub mod texts;
#[cfg(feature = "typeset")]
pub mod typeset;

pub use error::{Error, Result};
pub use page::{Page, Word};
pub use question::Question;
pub use record::{PageRecord, WordRecord, read_page, write_page};
pub use split::Split;

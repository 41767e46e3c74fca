//! Boxes as text and boxes in pixels.
//!
//! The language model writes boxes as text with integers from 0 to 1000; users see
//! [`Detection`]s in pixels of their own picture. [`format_answer`] writes such text,
//! [`parse_answer`] reads it back, whatever the model made of it. A [`ScoreMap`] turns raw scores
//! into probabilities, [`nms`] leaves out what an answer tells twice, and [`fuse`] makes one list of
//! what several answers tell.

mod bbox;
mod fuse;
mod nms;
mod parse;
mod score_map;
mod text;

pub use bbox::{BoundingBox, Detection, MIN_SCORE};
pub use fuse::fuse;
pub use nms::nms;
pub use parse::{ParsedAnswer, ParsedBox, parse_answer};
pub use score_map::ScoreMap;
pub use text::{COORD_MAX, format_answer, group_by_label};

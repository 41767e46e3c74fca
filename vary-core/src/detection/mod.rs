//! Boxes as text and boxes in pixels.
//!
//! The language model writes boxes as text with integers from 0 to 1000; users see [`Detection`]s
//! in pixels of the original image. [`format_answer`] writes such text; [`parse_answer`] reads it
//! back, with the deviations that models make, and [`AnswerParser`] does so incrementally. A
//! [`CalibrationMap`] turns raw scores into probabilities; [`nms`] removes duplicates.

mod bbox;
mod calibration_map;
mod draw;
mod nms;
mod parse;
mod text;

pub use bbox::{BoundingBox, Detection, MIN_SCORE};
pub use calibration_map::CalibrationMap;
pub use nms::nms;
pub use parse::{AnswerParser, ParsedAnswer, ParsedBox, parse_answer};
pub use text::{COORD_MAX, format_answer, group_by_label};

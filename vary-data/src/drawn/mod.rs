//! Charts and forms, drawn with questions and their answers.
//!
//! An image is a pure function of the configuration, a seed and an index. All its texts are
//! measured before anything is drawn: a layout in which one would be cut or overlap another is
//! dropped and another one tried.
//!
//! ```
//! use vary_data::drawn::{DrawnConfig, chart};
//!
//! # fn main() -> vary_data::Result<()> {
//! let drawn = chart(1, 0, &DrawnConfig::new(640, 480)?)?;
//! for question in &drawn.questions {
//!     println!("{} {}", question.text, question.answers[0]);
//! }
//! assert_eq!(drawn.page.image.dimensions(), (640, 480));
//! # Ok(())
//! # }
//! ```
//!
//! Pies and lines use the platform's sines and arcs: between machines single pixels may differ and,
//! rarely, whether a layout that barely fits is kept.

mod area;
mod charts;
mod config;
mod forms;
mod number;
mod raster;
mod sheet;
#[cfg(test)]
mod tests;
mod text;

pub use charts::chart;
pub use config::{Drawn, DrawnConfig};
pub use forms::form;
pub use text::Fonts;

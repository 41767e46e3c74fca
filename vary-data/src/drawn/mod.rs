//! Charts and forms, drawn with questions and their answers.
//!
//! An image is a pure function of the configuration, a seed and an index. All its texts are
//! measured before anything is drawn: a layout in which one would be cut or overlap another is
//! dropped and another one tried.
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

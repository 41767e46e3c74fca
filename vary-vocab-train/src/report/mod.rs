//! Reports of an evaluation: the summary with the best and worst answers, as JSON and as a page.

mod builder;
mod case;
mod display;
mod escape;
mod html;
mod svg;

use std::path::Path;

use serde::{Deserialize, Serialize};
use vary_core::checkpoint::{write_atomic, write_json};
use vary_core::eval::TaskSummary;
use vary_core::{Error, Result};

pub use builder::ReportBuilder;
pub use case::Case;

/// The results of an evaluation and the answers that illustrate them. Displays as a table for the
/// terminal.
///
/// Its JSON can be read back; the images are not part of it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Report {
    /// Model and data set, in one line.
    pub title: String,
    /// The tasks, in the order in which they were first added.
    pub tasks: Vec<TaskReport>,
    /// The records of the data set that were skipped, each with the reason.
    #[serde(default)]
    pub skipped: Vec<String>,
}

/// The results of one task, with examples.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TaskReport {
    /// The results.
    #[serde(flatten)]
    pub summary: TaskSummary,
    /// The best answers, best first.
    pub best: Vec<Case>,
    /// The worst answers, worst first; none of them is among the best.
    pub worst: Vec<Case>,
}

impl Report {
    /// Writes `report.json` and `report.html` into `dir`, which is created if needed. Each file is
    /// written atomically.
    ///
    /// # Errors
    /// [`Error::Io`] with the path of the file.
    pub fn save(&self, dir: impl AsRef<Path>) -> Result<()> {
        let dir = dir.as_ref();
        std::fs::create_dir_all(dir).map_err(|source| Error::Io {
            path: dir.into(),
            source,
        })?;
        write_json(dir.join("report.json"), self)?;
        write_atomic(&dir.join("report.html"), self.to_html().as_bytes())
    }

    /// The report as a page that needs no other file, with the images of the best and worst answers
    /// unless the report was read from JSON.
    pub fn to_html(&self) -> String {
        html::page(self)
    }
}

use serde::{Deserialize, Serialize};

/// Which fonts, backgrounds and surfaces a picture may show. What belongs to one part never shows
/// in the other, so that numbers on held-out pictures tell what a model makes of the unseen.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "snake_case")]
pub enum Part {
    /// For training and for choosing checkpoints.
    #[default]
    Train,
    /// For the final report.
    HeldOut,
}

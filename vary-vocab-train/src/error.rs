//! What can go wrong while data are drawn and a vocabulary is trained.

/// Result of this crate.
pub type Result<T> = std::result::Result<T, Error>;

/// Error of this crate.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The sprites cannot be read.
    #[error("the sprite atlas is damaged: {0}; draw it again with the example draw_atlas")]
    Atlas(String),
    /// An embedded font cannot be read.
    #[error("the font {0} is damaged; make it again as assets/fonts/README.md says")]
    Font(&'static str),
    /// A scene configuration has a value out of range.
    #[error("scene setting `{field}` {problem}")]
    SceneConfig {
        /// Name of the setting.
        field: &'static str,
        /// What is wrong with it and what is allowed.
        problem: String,
    },
}

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
    /// A setting of drawn scenes or texts is out of range.
    #[error("setting `{field}` {problem}")]
    Setting {
        /// Name of the setting.
        field: &'static str,
        /// What is wrong with it and what is allowed.
        problem: String,
    },
}

/// Checks that a setting is from `low` to `high`.
pub(crate) fn within(field: &'static str, value: f32, low: f32, high: f32) -> Result<()> {
    match (low..=high).contains(&value) {
        true => Ok(()),
        false => Err(Error::Setting {
            field,
            problem: format!("is {value}, not in {low}..={high}"),
        }),
    }
}

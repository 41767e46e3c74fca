/// Result of this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What can go wrong in this crate.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// An invalid configuration of a model.
    #[error("language model config: {0}")]
    Config(String),

    /// A file that cannot be read or written.
    #[error("{}: {source}", path.display())]
    Io {
        /// The file.
        path: std::path::PathBuf,
        /// The operating system's reason.
        source: std::io::Error,
    },

    /// Invalid data of a tokenizer, or a text it cannot handle.
    #[error("tokenizer {what}: {reason}")]
    Tokenizer {
        /// The file or the step that failed.
        what: String,
        /// What is wrong with it.
        reason: String,
    },

    /// A token the model needs is not in the vocabulary.
    #[error(
        "the tokenizer has no token `{token}` among its {vocab_size}; use the tokenizer that the \
         checkpoint was trained with"
    )]
    MissingToken {
        /// The name looked for.
        token: String,
        /// Number of tokens in the vocabulary.
        vocab_size: usize,
    },

    /// An id outside the vocabulary.
    #[error(
        "token id {id} is not in the tokenizer's vocabulary of {vocab_size}; tokenizer and \
         checkpoint do not belong together"
    )]
    UnknownId {
        /// The id.
        id: u32,
        /// Number of tokens in the vocabulary.
        vocab_size: usize,
    },

    /// Invalid logits.
    #[error("logits of new token {step}: {reason}; the weights or the computation are broken")]
    Logits {
        /// Number of the new token they were to choose, from 0.
        step: usize,
        /// What is wrong with them.
        reason: String,
    },

    /// A generation option out of range.
    #[error("option `{name}` is {value}, but must be {expected}")]
    Option {
        /// The option.
        name: &'static str,
        /// Its value.
        value: String,
        /// The range.
        expected: &'static str,
    },
}

impl Error {
    pub(crate) fn io(path: &std::path::Path, source: std::io::Error) -> Self {
        Self::Io {
            path: path.into(),
            source,
        }
    }

    pub(crate) fn tokenizer(what: impl ToString, reason: impl ToString) -> Self {
        Self::Tokenizer {
            what: what.to_string(),
            reason: reason.to_string(),
        }
    }

    pub(crate) fn option(name: &'static str, value: impl ToString, expected: &'static str) -> Self {
        Self::Option {
            name,
            value: value.to_string(),
            expected,
        }
    }
}

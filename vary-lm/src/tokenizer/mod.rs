//! Text to token ids and back, on the `tokenizers` crate.

mod build;
mod bytes;
mod check;
mod coordinates;
mod decode;
mod dir;
mod opt_files;
mod save;
mod tiktoken;

use std::fmt;
use std::path::Path;
use std::sync::Arc;

use tokenizers::DecoderWrapper;

use crate::{Error, Result};

pub use build::TokenizerBuilder;
pub use coordinates::{Coordinate, CoordinateTokens};
pub use decode::DecodeStream;
pub use tiktoken::synthetic_tiktoken;

/// Name of the token that begins and ends OPT's texts.
pub const EOS: &str = "</s>";
/// Name of the token that ends Qwen's texts.
pub const END_OF_TEXT: &str = "<|endoftext|>";
/// Name of the token that begins a message of a chat with Qwen.
pub const IM_START: &str = "<|im_start|>";
/// Name of the token that ends a message of a chat with Qwen; answers stop at it.
pub const IM_END: &str = "<|im_end|>";
/// Name of the token that pads batches.
pub const PAD: &str = "<pad>";
/// Name of the token whose embedding an image feature replaces.
pub const IMAGE_PATCH: &str = "<imgpad>";
/// Name of the token before the image.
pub const IMAGE_START: &str = "<img>";
/// Name of the token after the image.
pub const IMAGE_END: &str = "</img>";

/// Ids of the tokens around and in place of an image.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ImageTokens {
    /// `<imgpad>`: one for every image feature.
    pub patch: u32,
    /// `<img>`
    pub start: u32,
    /// `</img>`
    pub end: u32,
}

/// A byte-level tokenizer. Clones are cheap and share the vocabulary.
#[derive(Clone)]
pub struct Tokenizer {
    inner: Arc<tokenizers::Tokenizer>,
    /// See [`vocab_size`](Self::vocab_size).
    ids: usize,
}

/// Reads a file that may be from anyone.
fn read_file(path: &Path) -> std::io::Result<Vec<u8>> {
    // A pipe without a writer would keep the caller waiting, and a device may have no end.
    if !std::fs::metadata(path)?.is_file() {
        let kind = std::io::ErrorKind::InvalidInput;
        return Err(std::io::Error::new(kind, "not a regular file"));
    }
    std::fs::read(path)
}

impl fmt::Debug for Tokenizer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tokenizer")
            .field("vocab_size", &self.vocab_size())
            .finish_non_exhaustive()
    }
}

impl Tokenizer {
    /// Reads a `tokenizer.json`.
    ///
    /// # Errors
    /// [`Error::Io`] when the file cannot be read, [`Error::Tokenizer`] when it is not a byte-level
    /// BPE tokenizer or has parts that those do not have.
    pub fn from_file(path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref();
        let json = read_file(path).map_err(|e| Error::io(path, e))?;
        Self::parse(&json, path.display())
    }

    /// Reads the contents of a `tokenizer.json`.
    ///
    /// # Errors
    /// [`Error::Tokenizer`] when it is not a byte-level tokenizer.
    pub fn from_bytes(json: impl AsRef<[u8]>) -> Result<Self> {
        Self::parse(json.as_ref(), "data")
    }

    /// Reads OPT's `vocab.json` and `merges.txt` and adds Vary's image tokens after the last id.
    ///
    /// White space next to an image token is dropped, and decoding puts one blank there, as in the
    /// original tokenizer.
    ///
    /// # Errors
    /// [`Error::Io`], [`Error::Tokenizer`] when a file is malformed, [`Error::MissingToken`]
    /// without `</s>` or `<pad>`.
    pub fn from_opt_files(vocab: impl AsRef<Path>, merges: impl AsRef<Path>) -> Result<Self> {
        opt_files::read(vocab.as_ref(), merges.as_ref())
    }

    /// Reads Qwen-1's `qwen.tiktoken` and adds its special tokens after the last rank, those of
    /// images among them. Ids are exactly the original's.
    ///
    /// Nothing is put in front of texts. White space next to special tokens is kept, unlike OPT's.
    ///
    /// # Errors
    /// [`Error::Io`]; [`Error::Tokenizer`], with the line, when the file is malformed.
    pub fn from_tiktoken(path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref();
        let data = read_file(path).map_err(|e| Error::io(path, e))?;
        tiktoken::build(&data, &path.to_string_lossy())
    }

    /// Reads the contents of a file as [`from_tiktoken`](Self::from_tiktoken) does.
    ///
    /// # Errors
    /// [`Error::Tokenizer`], with the line, when it is malformed.
    pub fn from_tiktoken_bytes(data: impl AsRef<[u8]>) -> Result<Self> {
        tiktoken::build(data.as_ref(), "data")
    }

    fn parse(json: &[u8], what: impl ToString) -> Result<Self> {
        let refused = |e: &dyn fmt::Display| {
            Error::tokenizer(what.to_string(), format!("not a valid tokenizer.json: {e}"))
        };
        let checked = check::check(json).map_err(|e| refused(&e))?;
        let inner = tokenizers::Tokenizer::from_bytes(checked.json).map_err(|e| refused(&e))?;
        let other = |added: &&check::Added| inner.token_to_id(&added.content) != Some(added.id);
        if let Some(added) = checked.added.iter().find(other) {
            let (content, id) = (&added.content, added.id);
            return Err(refused(&format!(
                "the added token `{content}` does not get its id {id}"
            )));
        }
        if !matches!(inner.get_decoder(), Some(DecoderWrapper::ByteLevel(_))) {
            let reason = "not a byte-level tokenizer (its decoder must be `ByteLevel`)";
            return Err(Error::tokenizer(what, reason));
        }
        Ok(Self {
            inner: Arc::new(inner),
            ids: checked.ids,
        })
    }

    /// The content of a `tokenizer.json` that [`from_file`](Self::from_file) and Hugging Face's
    /// libraries read; [`save`](Self::save) writes it to a directory.
    ///
    /// # Errors
    /// [`Error::Tokenizer`] when the tokenizer cannot be serialized.
    pub fn to_json(&self) -> Result<String> {
        let json = self.inner.to_string(false);
        json.map_err(|e| Error::tokenizer("serialization", e))
    }

    /// Ids of `text`; names of special tokens in it become those tokens. `add_bos` puts the token
    /// in front that the tokenizer file asks for (`</s>` for OPT), if any.
    ///
    /// # Errors
    /// [`Error::Tokenizer`] when the vocabulary does not cover the text.
    pub fn encode(&self, text: &str, add_bos: bool) -> Result<Vec<u32>> {
        let encoding = self.inner.encode_fast(text, add_bos);
        Ok(encoding
            .map_err(|e| Error::tokenizer("encoding", e))?
            .get_ids()
            .to_vec())
    }

    /// Id of the token whose text is exactly `text`; special tokens go by their name.
    pub fn token_to_id(&self, text: &str) -> Option<u32> {
        let added = self
            .inner
            .get_added_vocabulary()
            .get_vocab()
            .get(text)
            .copied();
        added.or_else(|| self.inner.token_to_id(&bytes::name(text)))
    }

    /// Like [`token_to_id`](Self::token_to_id), for a token that the caller needs.
    ///
    /// # Errors
    /// [`Error::MissingToken`] when there is no such token.
    pub fn require(&self, text: &str) -> Result<u32> {
        self.token_to_id(text).ok_or_else(|| Error::MissingToken {
            token: text.into(),
            vocab_size: self.vocab_size(),
        })
    }

    /// Ids of the image tokens.
    ///
    /// # Errors
    /// [`Error::MissingToken`] when the tokenizer lacks one of them.
    pub fn image_tokens(&self) -> Result<ImageTokens> {
        Ok(ImageTokens {
            patch: self.require(IMAGE_PATCH)?,
            start: self.require(IMAGE_START)?,
            end: self.require(IMAGE_END)?,
        })
    }

    /// Number of ids: the largest plus one, added tokens included. Embedding tables may have more
    /// rows.
    pub fn vocab_size(&self) -> usize {
        self.ids
    }
}

#[cfg(test)]
mod tests;

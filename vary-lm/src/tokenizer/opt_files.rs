use std::path::Path;
use std::sync::Arc;

use tokenizers::AddedToken;
use tokenizers::models::bpe::BPE;
use tokenizers::pre_tokenizers::byte_level::ByteLevel;
use tokenizers::processors::template::TemplateProcessing;

use super::{EOS, IMAGE_END, IMAGE_PATCH, IMAGE_START, PAD, Tokenizer, check, read_file};
use crate::{Error, Result};

/// See [`Tokenizer::from_opt_files`].
pub(super) fn read(vocab: &Path, merges: &Path) -> Result<Tokenizer> {
    // Opened here first because errors of `BPE` do not name the file.
    for path in [vocab, merges] {
        read_file(path).map_err(|e| Error::io(path, e))?;
    }
    let (vocab_name, merges_name) = (vocab.to_string_lossy(), merges.to_string_lossy());
    let model = BPE::from_file(&vocab_name, &merges_name)
        .build()
        .map_err(|e| Error::tokenizer(format!("{vocab_name} with {merges_name}"), e))?;
    let mut inner = tokenizers::Tokenizer::new(model);
    for name in [EOS, PAD] {
        if inner.token_to_id(name).is_none() {
            let vocab_size = inner.get_vocab_size(true);
            return Err(Error::MissingToken {
                token: name.into(),
                vocab_size,
            });
        }
    }
    inner.with_pre_tokenizer(Some(ByteLevel::default().add_prefix_space(false)));
    Tokenizer::finish(inner, &[EOS, PAD])
}

impl Tokenizer {
    /// Adds the decoder, special tokens, which decoding may skip, and the image tokens.
    pub(super) fn with_tokens(mut inner: tokenizers::Tokenizer, specials: &[&str]) -> Result<Self> {
        let failed = |e: tokenizers::Error| Error::tokenizer("assembly", e);
        inner.with_decoder(Some(ByteLevel::default()));
        let specials = specials.iter().map(|name| AddedToken::from(*name, true));
        inner.add_special_tokens(specials).map_err(failed)?;
        let image = [IMAGE_PATCH, IMAGE_START, IMAGE_END].map(|name| {
            AddedToken::from(name, false)
                .normalized(false)
                .lstrip(true)
                .rstrip(true)
        });
        inner.add_tokens(image).map_err(failed)?;
        let largest = inner.get_vocab(true).into_values().max().unwrap_or(0);
        check::in_range(largest).map_err(|e| Error::tokenizer("vocabulary", e))?;
        Ok(Self {
            inner: Arc::new(inner),
            ids: largest as usize + 1,
        })
    }

    /// Adds what Vary needs on every OPT tokenizer: those tokens, and `</s>` in front of texts.
    pub(super) fn finish(inner: tokenizers::Tokenizer, specials: &[&str]) -> Result<Self> {
        let tokenizer = Self::with_tokens(inner, specials)?;
        let bos = tokenizer.require(EOS)?;
        let template = TemplateProcessing::builder()
            .try_single(format!("{EOS} $A"))
            .map_err(|e| Error::tokenizer("assembly", e))?
            .special_tokens(vec![(EOS, bos)])
            .build()
            .map_err(|e| Error::tokenizer("assembly", e))?;
        let Self { mut inner, ids } = tokenizer;
        Arc::make_mut(&mut inner).with_post_processor(Some(template));
        Ok(Self { inner, ids })
    }
}

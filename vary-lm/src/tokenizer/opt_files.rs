use std::path::Path;

use tokenizers::models::bpe::BPE;
use tokenizers::pre_tokenizers::byte_level::ByteLevel;

use super::{EOS, PAD, Tokenizer};
use crate::{Error, Result};

/// See [`Tokenizer::from_opt_files`].
pub(super) fn read(vocab: &Path, merges: &Path) -> Result<Tokenizer> {
    // Opened here first because the errors of `BPE` do not name the file.
    for path in [vocab, merges] {
        std::fs::File::open(path).map_err(|e| Error::io(path, e))?;
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

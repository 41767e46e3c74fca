use vary_lm::tokenizer::Tokenizer;

use super::{Template, with_image};
use crate::Result;
use crate::model::VaryTinyConfig;

/// Token ids of a question about one picture, as Vary-tiny+ is asked: the tokenizer's BOS, then
/// [`Template::V1`] around the picture's place and the question, up to where the answer begins.
///
/// Training and inference both ask with this function, so that they can't differ.
///
/// # Errors
/// [`Error::Lm`](crate::Error::Lm) when the tokenizer does not cover the text.
pub fn prompt_ids(
    tokenizer: &Tokenizer,
    config: &VaryTinyConfig,
    question: &str,
) -> Result<Vec<u32>> {
    let question = with_image(config.image_token_len, question);
    Ok(tokenizer.encode(&Template::V1.ask(&question), true)?)
}

use vary_lm::tokenizer::{END_OF_TEXT, EOS, IM_END, IM_START, Tokenizer};

use super::{Template, image_tokens};
use crate::model::{Family, ModelConfig};
use crate::{Error, Result};

/// Token ids of a conversation about `images` pictures, up to where the next answer begins: for
/// Vary-tiny the tokenizer's BOS and [`Template::V1`], for Vary-toy [`Template::MPT`].
///
/// `turns` are questions with their answers, the last one's still to come. The pictures stand before
/// the first question, each followed by a line break.
///
/// Training and inference both ask in these forms, so that they can't differ.
///
/// # Errors
/// [`Error::SpecialToken`] when a question brings a token that the template is made of, and
/// [`Error::Lm`] when the tokenizer does not cover the text.
pub fn prompt_ids(
    tokenizer: &Tokenizer,
    config: &ModelConfig,
    images: usize,
    turns: &[(&str, Option<&str>)],
) -> Result<Vec<u32>> {
    let (template, marks) = match config.family() {
        Family::VaryTiny => (Template::V1, &[EOS][..]),
        Family::VaryToy => (Template::MPT, &[IM_START, IM_END, END_OF_TEXT][..]),
    };
    // The tokenizer would take them for what they say, and the question for several turns.
    for (question, _) in turns {
        if let Some(mark) = marks.iter().find(|mark| question.contains(**mark)) {
            return Err(Error::SpecialToken {
                token: mark.to_string(),
            });
        }
    }
    let picture = image_tokens(config.image_place().len) + "\n";
    let first = turns
        .first()
        .map(|(question, _)| picture.repeat(images) + question);
    let text = template.prompt(turns.iter().enumerate().map(|(i, &(question, answer))| {
        let question = first.as_deref().filter(|_| i == 0).unwrap_or(question);
        (question, answer)
    }));
    // Qwen's tokenizer has no BOS to add.
    Ok(tokenizer.encode(&text, true)?)
}

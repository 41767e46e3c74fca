use vary_lm::tokenizer::{END_OF_TEXT, EOS, IM_END, IM_START, Tokenizer};

use super::Template;
use super::message::with_images;
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
/// [`Error::SpecialToken`] when a question or an answer names a token that parts turns or holds a
/// picture, and [`Error::Lm`] when the tokenizer does not cover the text.
pub fn prompt_ids(
    tokenizer: &Tokenizer,
    config: &ModelConfig,
    images: usize,
    turns: &[(&str, Option<&str>)],
) -> Result<Vec<u32>> {
    let family = config.family();
    let template = Template::of(family);
    for (question, answer) in turns {
        for text in [Some(*question), *answer].into_iter().flatten() {
            if let Some(token) = special_token(family, text) {
                let token = token.to_string();
                return Err(Error::SpecialToken { token });
            }
        }
    }
    let len = config.image_place().len;
    let first = turns
        .first()
        .map(|(question, _)| with_images(images, len, question));
    let text = template.prompt(turns.iter().enumerate().map(|(i, &(question, answer))| {
        let question = first.as_deref().filter(|_| i == 0).unwrap_or(question);
        (question, answer)
    }));
    // Qwen's tokenizer has no BOS to add.
    Ok(tokenizer.encode(&text, true)?)
}

/// A token of prompts that `text` names: the tokenizer would take it for what it says, and the text for
/// several turns or a picture.
pub(crate) fn special_token(family: Family, text: &str) -> Option<&'static str> {
    let turns = match family {
        Family::VaryTiny => &[EOS][..],
        Family::VaryToy => &[IM_START, IM_END, END_OF_TEXT][..],
    };
    let pictures = ["<img>", "<imgpad>", "</img>"];
    let mut all = turns.iter().copied().chain(pictures);
    all.find(|token| text.contains(token))
}

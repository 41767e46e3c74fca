use vary_lm::tokenizer::Tokenizer;

use super::PromptVariant;
use super::message::with_images;
use crate::model::{Family, ModelConfig};
use crate::{Error, Result};

/// Token ids of a conversation about `views` images or tiles, up to where the next answer begins,
/// in the family's [`Template`](super::Template), in one of its variants.
///
/// `turns` are questions with their answers, the last one's still to come. The image placeholders
/// stand before the first question, each followed by a line break: one for each view, or one for
/// all ([`PromptStyle::one_placeholder`](super::PromptStyle)). Training and inference both ask in
/// this form.
///
/// # Errors
/// [`Error::SpecialToken`] when a question or an answer names a token that separates turns or holds
/// an image, and [`Error::Lm`] when the tokenizer does not cover the text.
pub fn prompt_ids(
    tokenizer: &Tokenizer,
    config: &ModelConfig,
    variant: PromptVariant,
    views: usize,
    turns: &[(&str, Option<&str>)],
) -> Result<Vec<u32>> {
    let family = config.family();
    for (question, answer) in turns {
        for text in [Some(*question), *answer].into_iter().flatten() {
            if let Some(token) = special_token(family, text) {
                let token = token.to_string();
                return Err(Error::SpecialToken { token });
            }
        }
    }
    let len = config.info().image_placeholder.len;
    let (placeholders, len) = match family.prompt_style().one_placeholder {
        true => (views.min(1), views * len),
        false => (views, len),
    };
    let first = turns
        .first()
        .map(|(question, _)| with_images(placeholders, len, question));
    let turns = turns.iter().enumerate().map(|(i, &(question, answer))| {
        let question = first.as_deref().filter(|_| i == 0).unwrap_or(question);
        (question, answer)
    });
    let text = family.template(variant).prompt(turns);
    // Qwen's tokenizer has no BOS to add.
    Ok(tokenizer.encode(&text, true)?)
}

/// A token of prompts that `text` names: the tokenizer would read it as the token, and the text as
/// several turns or an image.
pub(crate) fn special_token(family: Family, text: &str) -> Option<&'static str> {
    let turns = family.prompt_style().turn_tokens;
    let images = ["<img>", "<imgpad>", "</img>"];
    let mut all = turns.iter().copied().chain(images);
    all.find(|token| text.contains(token))
}

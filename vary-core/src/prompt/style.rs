use vary_lm::tokenizer::{END_OF_TEXT, EOS, IM_END, IM_START};

use super::{Labelled, Message, PromptVariant, Template, got, labels};
use crate::Result;
use crate::model::Family;

/// How a family of models is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct PromptStyle {
    /// The text around questions and answers.
    pub template: Template,
    /// Tokens that separate turns. No question may name one.
    pub turn_tokens: &'static [&'static str],
    /// Whether the tokenizer puts a BOS before the text of a training conversation.
    pub adds_bos: bool,
    /// Whether the questions for objects end with a full stop.
    pub detection_full_stop: bool,
    /// Whether all images of a question are in one placeholder, one after the other.
    pub one_placeholder: bool,
    /// Whether it has the tasks of GOT-OCR2.0: regions, tiles and pages, and no boxes in answers.
    pub reads_regions: bool,
}

impl Family {
    /// How models of this family are asked.
    pub fn prompt_style(self) -> PromptStyle {
        match self {
            Self::VaryTiny => PromptStyle {
                template: Template::V1,
                turn_tokens: &[EOS],
                adds_bos: true,
                detection_full_stop: false,
                one_placeholder: false,
                reads_regions: false,
            },
            Self::VaryToy => PromptStyle {
                template: Template::MPT,
                turn_tokens: &[IM_START, IM_END, END_OF_TEXT],
                adds_bos: false,
                detection_full_stop: true,
                one_placeholder: false,
                reads_regions: false,
            },
            Self::GotOcr2 => PromptStyle {
                detection_full_stop: false,
                one_placeholder: true,
                reads_regions: true,
                ..Self::VaryToy.prompt_style()
            },
        }
    }

    /// The text around questions and answers in a variant; families other than GOT-OCR2.0 have
    /// one.
    pub(crate) fn template(self, variant: PromptVariant) -> Template {
        match self {
            Self::GotOcr2 => got::template(variant),
            _ => self.prompt_style().template,
        }
    }

    /// Tokenizes a conversation about `images` images of `image_len` tokens, with the labels that
    /// models of this family learn from; see [`labels`]. With
    /// [`one_placeholder`](PromptStyle::one_placeholder) a single `<image>` stands for all of them.
    ///
    /// # Errors
    /// Those of `encode`, and [`Error::Conversation`](crate::Error::Conversation).
    pub fn label(
        self,
        messages: &[Message],
        images: usize,
        image_len: usize,
        max_len: Option<usize>,
        encode: impl Fn(&str) -> Result<Vec<u32>>,
    ) -> Result<Labelled> {
        match self {
            Self::VaryTiny => labels::answers(&Template::V1, messages, image_len, max_len, encode),
            Self::VaryToy => labels::mpt(messages, image_len, max_len, encode),
            Self::GotOcr2 => labels::mpt(messages, images * image_len, max_len, encode),
        }
    }
}

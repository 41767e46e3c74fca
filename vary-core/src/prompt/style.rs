use vary_lm::tokenizer::{END_OF_TEXT, EOS, IM_END, IM_START};

use super::Template;
use crate::model::Family;

/// How a family of models is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct PromptStyle {
    /// The text around questions and answers.
    pub template: Template,
    /// Tokens that separate turns. No question may name one.
    pub turn_tokens: &'static [&'static str],
    /// Whether the questions for objects end with a full stop.
    pub detection_full_stop: bool,
}

impl Family {
    /// How models of this family are asked.
    pub fn prompt_style(self) -> PromptStyle {
        match self {
            Self::VaryTiny => PromptStyle {
                template: Template::V1,
                turn_tokens: &[EOS],
                detection_full_stop: false,
            },
            Self::VaryToy => PromptStyle {
                template: Template::MPT,
                turn_tokens: &[IM_START, IM_END, END_OF_TEXT],
                detection_full_stop: true,
            },
        }
    }
}

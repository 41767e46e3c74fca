use serde::{Deserialize, Serialize};

/// Stands for the picture in the text of a training conversation.
pub const IMAGE: &str = "<image>";

/// Who says a [`Message`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Speaker {
    /// The user.
    #[serde(alias = "user")]
    Human,
    /// The model.
    #[serde(alias = "assistant")]
    Gpt,
}

/// One turn of a training conversation, in the JSON form of the original data sets:
/// `{"from": "human", "value": "<image>\nWhat is this?"}`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Message {
    /// Who says it.
    pub from: Speaker,
    /// What is said; [`IMAGE`] stands for the picture.
    pub value: String,
}

impl Message {
    /// A message of the user.
    pub fn human(value: impl Into<String>) -> Self {
        Self {
            from: Speaker::Human,
            value: value.into(),
        }
    }

    /// A message of the model.
    pub fn gpt(value: impl Into<String>) -> Self {
        Self {
            from: Speaker::Gpt,
            value: value.into(),
        }
    }

    /// What is said, with the picture as `image`, the text of its tokens.
    pub(super) fn text(&self, image: &str) -> String {
        self.value.replace(IMAGE, image)
    }
}

/// The text of a picture's tokens: `<img>`, `n` times `<imgpad>`, `</img>`. The model replaces the
/// embeddings of the pads by the picture's.
pub fn image_tokens(n: usize) -> String {
    format!("<img>{}</img>", "<imgpad>".repeat(n))
}

/// A question about `images` pictures of `n` tokens, as Vary-toy and Vary-tiny+ are asked: each
/// picture with a line break, the question.
pub fn with_images(images: usize, n: usize, question: &str) -> String {
    let picture = image_tokens(n) + "\n";
    picture.repeat(images) + question
}

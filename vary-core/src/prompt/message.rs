use serde::{Deserialize, Serialize};

/// Stands for the image in the text of a training conversation.
pub const IMAGE: &str = "<image>";

/// Who sends a [`Message`].
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
    /// Who sends it.
    pub from: Speaker,
    /// The content; [`IMAGE`] stands for the image.
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

    /// The content, with the text `image` for the image.
    pub(super) fn text(&self, image: &str) -> String {
        self.value.replace(IMAGE, image)
    }
}

/// The text of an image placeholder: `<img>`, `n` times `<imgpad>`, `</img>`. The model replaces
/// the embeddings of the pads by the image tokens.
pub fn image_tokens(n: usize) -> String {
    format!("<img>{}</img>", "<imgpad>".repeat(n))
}

/// A question about `images` images of `n` tokens, as Vary-toy and Vary-tiny+ are asked: each
/// image with a line break, the question.
pub fn with_images(images: usize, n: usize, question: &str) -> String {
    let image = image_tokens(n) + "\n";
    image.repeat(images) + question
}

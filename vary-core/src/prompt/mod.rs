//! Prompts, and which tokens of a conversation are learned.
//!
//! [`Task`] is a question of the paper, [`Template`] wraps questions and answers in the text that a
//! model was trained on, and the functions of [`labels`] tokenise whole conversations for training.

mod got;
mod ids;
pub mod labels;
mod message;
mod region;
mod style;
mod task;
mod template;

pub use got::{PromptVariant, Shown};
pub use ids::prompt_ids;
pub(crate) use ids::special_token;
pub use labels::{IGNORE_INDEX, Labelled};
pub use message::{IMAGE, Message, Speaker, image_tokens, with_images};
pub use region::{FrameColor, Region};
pub use style::PromptStyle;
pub use task::{SHORT_ANSWER, Task};
pub use template::{Role, Template};

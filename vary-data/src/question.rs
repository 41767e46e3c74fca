/// A question about an image, with its answers.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Question {
    /// The question.
    pub text: String,
    /// Answers that are right, the best one first; never empty.
    pub answers: Vec<String>,
}

impl Question {
    /// A question with its answers; those that repeat an earlier one are left out.
    pub fn new<A: Into<String>>(
        text: impl Into<String>,
        answers: impl IntoIterator<Item = A>,
    ) -> Self {
        let mut kept: Vec<String> = Vec::new();
        for answer in answers.into_iter().map(Into::into) {
            if !kept.contains(&answer) {
                kept.push(answer);
            }
        }
        Self {
            text: text.into(),
            answers: kept,
        }
    }
}

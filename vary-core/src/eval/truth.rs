use serde::{Deserialize, Serialize};

use super::GroundTruth;
use crate::detection::{BoundingBox, parse_answer};
use crate::prompt::Task;

/// The correct answer to a question.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Truth {
    /// Every object that the question asks for.
    Objects(Vec<GroundTruth>),
    /// The one object that the question asks for, in pixels.
    Object(BoundingBox),
    /// The accepted texts, any of them.
    Text(Vec<String>),
}

impl Truth {
    /// Parses the reference answer of a data set, in the models' own format, about an image of
    /// `width` x `height` pixels. A reference that consists of boxes is [`Objects`](Self::Objects),
    /// or an [`Object`](Self::Object) if it is a single box that the question asks to
    /// [locate](Task::Locate) or that has no label; anything else is [`Text`](Self::Text).
    ///
    /// ```
    /// # use vary_core::eval::Truth;
    /// let question = "Detect an object: the cat.";
    /// let cat = Truth::parse(question, "cat: [000, 100, 500, 1000].", 640, 480);
    /// assert!(matches!(cat, Truth::Object(bbox) if bbox.x2 == 320.0));
    /// let text = Truth::parse("Who wrote it?", "Ada", 640, 480);
    /// assert_eq!(text, Truth::Text(vec!["Ada".into()]));
    /// ```
    pub fn parse(question: &str, reference: &str, width: u32, height: u32) -> Self {
        let parsed = parse_answer(reference);
        if parsed.boxes.is_empty() || !parsed.unparsed.is_empty() {
            return Self::Text(vec![reference.to_owned()]);
        }
        let pixels = |coords| BoundingBox::from_thousandths(coords, width, height);
        let form = Task::Locate("").to_string();
        let locates = question
            .trim()
            .starts_with(form.trim_end_matches(['.', ' ']));
        match &parsed.boxes[..] {
            [only] if locates || only.label.is_empty() => Self::Object(pixels(only.coords)),
            boxes => {
                let truths = boxes
                    .iter()
                    .map(|b| GroundTruth::new(&b.label, pixels(b.coords)));
                Self::Objects(truths.collect())
            }
        }
    }
}

use std::fmt;

use super::{Region, Shown, got};
use crate::model::Family;
use crate::{Error, Result};

/// What follows a question that is answered briefly (Vary-toy, arXiv 2401.12503, table 1: DocVQA).
pub const SHORT_ANSWER: &str = "Answer using a single word or phrase.";

/// A question that the models were trained on (Vary-toy, arXiv 2401.12503, section 3.1 and table
/// 1), or any other. `to_string` returns its text in the wording of Vary-tiny+.
///
/// ```
/// # use vary_core::prompt::Task;
/// assert_eq!(Task::Locate("a dog").to_string(), "Detect an object: a dog.");
/// assert_eq!(Task::Ask("What is the total?").to_string(), "What is the total?");
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Task<'a> {
    /// All text of the image.
    Ocr,
    /// The text of a part of the image that has a name, such as "the title".
    OcrOf(&'a str),
    /// All text of the image, with its markup.
    Markdown,
    /// The text of a region (GOT-OCR2.0).
    OcrIn(Region),
    /// The text of a region, with its markup (GOT-OCR2.0).
    MarkdownIn(Region),
    /// Every object of the image. The paper uses it for images with up to 30 boxes.
    DetectAll,
    /// The objects of these classes.
    DetectClasses(&'a [&'a str]),
    /// The one object that a phrase refers to, such as "the left woman".
    Locate(&'a str),
    /// A sentence about the image.
    Describe,
    /// Any question or instruction, also another wording of the tasks above.
    Ask(&'a str),
}

impl Task<'_> {
    /// The text of the question for a family of models. Vary-toy's detection prompts end with a
    /// full stop, Vary-tiny+'s do not. GOT-OCR2.0 has questions of its own for reading; this is
    /// the one about a single image, and [`question_about`](Self::question_about) knows all.
    pub fn question(&self, family: Family) -> String {
        if family.prompt_style().reads_regions
            && let Some(question) = got::whole(self)
        {
            return question;
        }
        let text = self.to_string();
        let detects = matches!(self, Self::DetectAll | Self::DetectClasses(_));
        match detects && family.prompt_style().detection_full_stop {
            true => text + ".",
            false => text,
        }
    }

    /// The text of the question about what is shown.
    ///
    /// # Errors
    /// [`Error::Unsupported`] for a task that the family does not have, [`Error::Region`].
    pub fn question_about(&self, family: Family, shown: &Shown) -> Result<String> {
        let style = family.prompt_style();
        if style.reads_regions
            && let Some(question) = got::question(self, shown)?
        {
            return Ok(question);
        }
        let unsupported = |what| Err(Error::Unsupported { what });
        match self {
            _ if shown.tiled && !style.reads_regions => {
                unsupported("this model does not see images in tiles")
            }
            Self::OcrIn(_) | Self::MarkdownIn(_) => {
                unsupported("this model does not read regions: crop the image")
            }
            Self::Ask(_) => Ok(self.question(family)),
            _ if style.reads_regions => {
                unsupported("this model has no such task: it reads, and answers questions")
            }
            _ => Ok(self.question(family)),
        }
    }

    /// Checks that something is asked.
    ///
    /// # Errors
    /// [`Error::EmptyQuestion`].
    pub fn check(&self) -> Result<()> {
        let empty = |what, fix| Err(Error::EmptyQuestion { what, fix });
        match self {
            Self::DetectClasses(names)
                if names.is_empty() || names.iter().any(|name| name.trim().is_empty()) =>
            {
                empty(
                    "the list of classes, or one of them,",
                    "name what to look for, or ask for all objects",
                )
            }
            Self::Locate(phrase) if phrase.trim().is_empty() => {
                empty("the phrase", "name the object to find")
            }
            Self::OcrOf(part) if part.trim().is_empty() => empty(
                "the name of the part",
                "name the part to read, or read the whole image",
            ),
            Self::Ask(question) if question.trim().is_empty() => {
                empty("the question", "ask something")
            }
            _ => Ok(()),
        }
    }
}

impl fmt::Display for Task<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ocr => f.write_str("Provide the OCR results of this image."),
            Self::OcrOf(part) => write!(f, "Provide the OCR results of {}.", part.trim()),
            Self::OcrIn(_) => f.write_str("Provide the OCR results of the region."),
            Self::MarkdownIn(_) => f.write_str("Convert the region to markdown format."),
            Self::Markdown => f.write_str("Convert the image to markdown format."),
            Self::DetectAll => f.write_str("Detect all objects in this image"),
            Self::DetectClasses(classes) => {
                let names: Vec<&str> = classes.iter().map(|name| name.trim()).collect();
                write!(f, "Detect {} in this image", names.join(", "))
            }
            Self::Locate(phrase) => {
                let phrase = phrase.trim();
                write!(
                    f,
                    "Detect an object: {}.",
                    phrase.strip_suffix('.').unwrap_or(phrase)
                )
            }
            Self::Describe => f.write_str("Describe the content of this image in a sentence."),
            Self::Ask(question) => f.write_str(question),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn locate_has_one_stop() {
        assert_eq!(
            Task::Locate(" a dog. ").to_string(),
            "Detect an object: a dog."
        );
        assert_eq!(
            Task::Locate("a dog").to_string(),
            "Detect an object: a dog."
        );
    }

    #[test]
    fn classes_are_listed() {
        assert_eq!(
            Task::DetectClasses(&["bow tie", "tuba"]).to_string(),
            "Detect bow tie, tuba in this image"
        );
    }
}

use std::fmt;

/// A question that Vary-tiny+ was trained on (paper section 3.1; the code for [`Task::Locate`] and
/// [`Task::Markdown`] is Vary-toy's table 1). `to_string` gives its text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Task<'a> {
    /// All text of the picture.
    Ocr,
    /// All text of the picture, with its markup.
    Markdown,
    /// Every object of the picture. The paper uses it up to 30 boxes.
    DetectAll,
    /// The objects of these classes.
    DetectClasses(&'a [&'a str]),
    /// The one object that a phrase refers to, such as "the left woman".
    Locate(&'a str),
}

impl fmt::Display for Task<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ocr => f.write_str("Provide the OCR results of this image."),
            Self::Markdown => f.write_str("Convert the image to markdown format."),
            Self::DetectAll => f.write_str("Detect all objects in this image"),
            Self::DetectClasses(classes) => {
                write!(f, "Detect {} in this image", classes.join(", "))
            }
            Self::Locate(phrase) => {
                let phrase = phrase.trim();
                write!(
                    f,
                    "Detect an object: {}.",
                    phrase.strip_suffix('.').unwrap_or(phrase)
                )
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn locate_ends_with_one_stop() {
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

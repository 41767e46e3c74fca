use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde::de::DeserializeOwned;
use vary_data::path::inside;

use super::order::mix;
use super::records::{bad_record, origin};
use super::{Conversation, Dataset, read_image};
use crate::prompt::{IMAGE, Message, SHORT_ANSWER};
use crate::{Error, Result};

/// Questions about images with short answers: DocVQA and ChartQA. The annotations, which are small
/// beside their images, are kept in memory.
pub struct Questions {
    path: PathBuf,
    /// What follows every question, table 1 of Vary-toy (arXiv 2401.12503).
    instruction: &'static str,
    questions: Vec<Question>,
}

/// A question about an image with its correct answers.
struct Question {
    image: PathBuf,
    question: String,
    answers: Vec<String>,
}

impl Questions {
    /// Opens DocVQA's annotations (`train_v1.0.json` and the like: an object with the list `data`
    /// of `question`, `image`, `answers`), whose images are in the folder `images`. Each epoch
    /// takes another of a question's answers.
    ///
    /// # Errors
    /// [`Error::ConfigField`] naming the field, [`Error::Record`] for an image outside the folder
    /// and for a question without answers, as the test split has them; [`Error::EmptySet`];
    /// [`Error::Io`].
    pub fn open_docvqa(json: impl AsRef<Path>, images: impl AsRef<Path>) -> Result<Self> {
        #[derive(Deserialize)]
        struct File {
            data: Vec<Entry>,
        }
        #[derive(Deserialize)]
        struct Entry {
            question: String,
            image: String,
            #[serde(default)]
            answers: Vec<String>,
        }
        let json = json.as_ref();
        let file: File = read(json)?;
        let mut set = Self::new(json, SHORT_ANSWER);
        for entry in file.data {
            let image = (entry.image, ["image", "answers"]);
            set.add(images.as_ref(), image, entry.question, entry.answers)?;
        }
        set.filled()
    }

    /// Opens ChartQA's annotations (`train_human.json`, `train_augmented.json`: a list of
    /// `imgname`, `query`, `label`), whose images are in the folder `images`.
    ///
    /// # Errors
    /// As [`open_docvqa`](Self::open_docvqa).
    pub fn open_chartqa(json: impl AsRef<Path>, images: impl AsRef<Path>) -> Result<Self> {
        #[derive(Deserialize)]
        struct Entry {
            imgname: String,
            query: String,
            label: String,
        }
        let json = json.as_ref();
        let file: Vec<Entry> = read(json)?;
        let mut set = Self::new(json, "Answer using a single-word or phrase.");
        for entry in file {
            let image = (entry.imgname, ["imgname", "label"]);
            set.add(images.as_ref(), image, entry.query, vec![entry.label])?;
        }
        set.filled()
    }

    fn new(path: &Path, instruction: &'static str) -> Self {
        Self {
            path: path.into(),
            instruction,
            questions: vec![],
        }
    }

    /// Adds a question; `fields` are those of image and answers, for messages.
    fn add(
        &mut self,
        images: &Path,
        (image, fields): (String, [&str; 2]),
        question: String,
        answers: Vec<String>,
    ) -> Result<()> {
        let bad = |field: &str, reason: String| {
            bad_record(&self.path, self.questions.len(), field, reason)
        };
        let image = inside(images, &image).map_err(|e| bad(fields[0], e.to_string()))?;
        if answers.is_empty() {
            let reason = "there are none: is this the test split?".into();
            return Err(bad(fields[1], reason));
        }
        self.questions.push(Question {
            image,
            question,
            answers,
        });
        Ok(())
    }

    fn filled(self) -> Result<Self> {
        match self.questions.is_empty() {
            true => Err(Error::EmptySet { path: self.path }),
            false => Ok(self),
        }
    }
}

impl Dataset for Questions {
    fn len(&self) -> usize {
        self.questions.len()
    }

    fn get(&self, index: usize, epoch: u64) -> Result<Conversation> {
        let origin = origin(&self.path, index);
        let Question {
            image,
            question,
            answers,
        } = &self.questions[index];
        // Another of the answers in every epoch.
        let chosen = mix(index as u64).wrapping_add(epoch) % answers.len() as u64;
        Ok(Conversation {
            images: vec![read_image(image, &origin)?],
            messages: vec![
                Message::human(format!("{IMAGE}\n{question} {}", self.instruction)),
                Message::gpt(answers[chosen as usize].clone()),
            ],
            accepted: answers.clone(),
            origin,
        })
    }
}

/// Reads a whole file; the path of a wrong field has the record's number in it.
fn read<T: DeserializeOwned>(path: &Path) -> Result<T> {
    let text = crate::file::read_text(path).map_err(|e| Error::io(path, e))?;
    crate::checkpoint::parse_config_json(path, &text)
}

use std::fs;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde::de::DeserializeOwned;
use vary_data::path::inside;

use super::order::mix;
use super::records::{bad_record, origin};
use super::{Conversation, Dataset, read_picture};
use crate::prompt::{IMAGE, Message};
use crate::{Error, Result};

/// A question about a picture with the answers that are right.
struct Question {
    picture: PathBuf,
    question: String,
    answers: Vec<String>,
}

/// Questions of one annotation file, which is small beside its pictures.
struct Questions {
    path: PathBuf,
    /// What follows every question, table 1 of Vary-toy (arXiv 2401.12503).
    instruction: &'static str,
    questions: Vec<Question>,
}

impl Questions {
    fn get(&self, index: usize, epoch: u64) -> Result<Conversation> {
        let origin = origin(&self.path, index);
        let Question {
            picture,
            question,
            answers,
        } = &self.questions[index];
        // Another of the answers in every epoch.
        let chosen = mix(index as u64).wrapping_add(epoch) % answers.len() as u64;
        Ok(Conversation {
            pictures: vec![read_picture(picture, &origin)?],
            messages: vec![
                Message::human(format!("{IMAGE}\n{question} {}", self.instruction)),
                Message::gpt(answers[chosen as usize].clone()),
            ],
            accepted: answers.clone(),
            origin,
        })
    }
}

/// DocVQA's annotations (`train_v1.0.json` and the like: an object with the list `data` of
/// `question`, `image`, `answers`). One of a question's answers is drawn in every epoch.
pub struct DocVqa(Questions);

impl DocVqa {
    /// Opens the file `json`, whose pictures are in the folder `images`.
    ///
    /// # Errors
    /// [`Error::Record`] naming record and field, also for a question without answers, as the test
    /// split has them; [`Error::EmptySet`]; [`Error::Io`].
    pub fn open(json: impl AsRef<Path>, images: impl AsRef<Path>) -> Result<Self> {
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
        let entries = file.data.into_iter();
        let entries = entries.map(|entry| (entry.image, entry.question, entry.answers));
        let set = questions(json, images.as_ref(), entries, ["image", "answers"])?;
        Ok(Self(Questions {
            instruction: "Answer using a single word or phrase.",
            ..set
        }))
    }
}

impl Dataset for DocVqa {
    fn len(&self) -> usize {
        self.0.questions.len()
    }

    fn get(&self, index: usize, epoch: u64) -> Result<Conversation> {
        self.0.get(index, epoch)
    }
}

/// ChartQA's annotations (`train_human.json`, `train_augmented.json`: a list of `imgname`, `query`,
/// `label`).
pub struct ChartQa(Questions);

impl ChartQa {
    /// Opens the file `json`, whose pictures are in the folder `images`.
    ///
    /// # Errors
    /// As [`DocVqa::open`].
    pub fn open(json: impl AsRef<Path>, images: impl AsRef<Path>) -> Result<Self> {
        #[derive(Deserialize)]
        struct Entry {
            imgname: String,
            query: String,
            label: String,
        }
        let json = json.as_ref();
        let file: Vec<Entry> = read(json)?;
        let entries = file.into_iter();
        let entries = entries.map(|entry| (entry.imgname, entry.query, vec![entry.label]));
        let set = questions(json, images.as_ref(), entries, ["imgname", "label"])?;
        Ok(Self(Questions {
            instruction: "Answer using a single-word or phrase.",
            ..set
        }))
    }
}

impl Dataset for ChartQa {
    fn len(&self) -> usize {
        self.0.questions.len()
    }

    fn get(&self, index: usize, epoch: u64) -> Result<Conversation> {
        self.0.get(index, epoch)
    }
}

/// Reads a whole file; an error names the record in the field's path.
fn read<T: DeserializeOwned>(path: &Path) -> Result<T> {
    let text = fs::read(path).map_err(|e| Error::io(path, e))?;
    crate::checkpoint::parse_config_json(path, &text)
}

fn questions(
    path: &Path,
    images: &Path,
    entries: impl Iterator<Item = (String, String, Vec<String>)>,
    [image_field, answer_field]: [&str; 2],
) -> Result<Questions> {
    let question =
        |(number, (image, question, answers)): (usize, (String, String, Vec<String>))| {
            let bad = |field: &str, reason: String| bad_record(path, number, field, reason);
            let picture = inside(images, &image).map_err(|e| bad(image_field, e.to_string()))?;
            if answers.is_empty() {
                let reason = "there are none: is this the test split?".into();
                return Err(bad(answer_field, reason));
            }
            Ok(Question {
                picture,
                question,
                answers,
            })
        };
    let questions: Vec<Question> = entries.enumerate().map(question).collect::<Result<_>>()?;
    match questions.is_empty() {
        true => Err(Error::EmptySet { path: path.into() }),
        false => Ok(Questions {
            path: path.into(),
            instruction: "",
            questions,
        }),
    }
}

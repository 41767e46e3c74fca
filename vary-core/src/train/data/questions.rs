use std::fs;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::order::mix;
use super::records::{bad_record, origin};
use super::{Conversation, Dataset, pictures};
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
            pictures: vec![pictures::read(picture, &origin)?],
            messages: vec![
                Message::human(format!("{IMAGE}\n{question}")),
                Message::gpt(answers[chosen as usize].clone()),
            ],
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
        questions(json, images.as_ref(), entries, "image", "answers").map(Self)
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
        questions(json, images.as_ref(), entries, "imgname", "label").map(Self)
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
    image_field: &str,
    answer_field: &str,
) -> Result<Questions> {
    let question =
        |(number, (image, question, answers)): (usize, (String, String, Vec<String>))| {
            let bad = |field: &str, reason: String| bad_record(path, number, field, reason);
            let picture = pictures::inside(images, &image).ok_or_else(|| {
                let reason = format!("`{image}` leads out of the folder of pictures");
                bad(image_field, reason)
            })?;
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
            questions,
        }),
    }
}

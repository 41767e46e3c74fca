use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail, ensure};
use rand::RngExt;
use vary_core::Error;
use vary_core::model::Family;
use vary_core::prompt::{IMAGE, Message, SHORT_ANSWER, Task};
use vary_core::train::data::{Conversation, Dataset, read_image};
use vary_data::{PageRecord, Question, read_page};

use crate::sets::epoch_rng;

/// A folder of pages as the programs of `vary-data` write them: an image (`.png`) and a record of
/// the same name (`.json`) for each, at any depth. Each epoch draws what is asked: the text
/// (Vary-toy, arXiv 2401.12503, table 1: PDF OCR), the Markdown where the record has it, or one of
/// its questions.
pub(crate) struct Pages {
    /// Records.
    files: Vec<PathBuf>,
    /// Decides the wording of what is asked.
    family: Family,
    seed: u64,
    left_out: Vec<String>,
}

/// Files of a folder of pages that are no page.
const OF_FOLDER: [&str; 2] = ["manifest.json", "options.json"];

impl Pages {
    /// # Errors
    /// A folder that can't be read, or has no page.
    pub fn open(folder: &Path, family: Family, seed: u64) -> anyhow::Result<Self> {
        let mut pages = Self {
            files: vec![],
            family,
            seed,
            left_out: vec![],
        };
        pages.find(folder)?;
        pages.files.sort();
        let name = folder.display();
        ensure!(
            !pages.files.is_empty(),
            "{name} has no pages: a .png and a .json of the same name for each"
        );
        for file in &pages.files {
            let record = read(file)?;
            for question in record.questions {
                if question.answers.is_empty() {
                    bail!("{}: `{}` has no answer", file.display(), question.text);
                }
            }
        }
        Ok(pages)
    }

    fn find(&mut self, folder: &Path) -> anyhow::Result<()> {
        let name = || folder.display().to_string();
        for entry in fs::read_dir(folder).with_context(name)? {
            let entry = entry.with_context(name)?;
            // Of the entry, not of what a link leads to: that could be a folder above.
            let (path, kind) = (entry.path(), entry.file_type().with_context(name)?);
            let hidden = path
                .file_name()
                .is_some_and(|n| n.as_encoded_bytes()[0] == b'.');
            if hidden {
                continue;
            }
            if kind.is_dir() {
                self.find(&path)?;
            } else if path.extension().is_some_and(|e| e == "json") {
                match path.with_extension("png").is_file() {
                    true => self.files.push(path),
                    // What the program for PDFs writes beside its pages.
                    false
                        if path
                            .file_name()
                            .is_some_and(|n| OF_FOLDER.iter().any(|of| n == *of)) => {}
                    false => self
                        .left_out
                        .push(format!("{} has no .png", path.display())),
                }
            }
        }
        Ok(())
    }
}

fn read(path: &Path) -> vary_core::Result<PageRecord> {
    read_page(path).map_err(|error| match error {
        vary_data::Error::Io { path, source } => Error::Io { path, source },
        vary_data::Error::Json {
            file,
            field,
            source,
        } => Error::Record {
            path: file,
            record: 0,
            field,
            reason: source.to_string(),
        },
        other => Error::Config(other.to_string()),
    })
}

impl Dataset for Pages {
    fn len(&self) -> usize {
        self.files.len()
    }

    fn get(&self, index: usize, epoch: u64) -> vary_core::Result<Conversation> {
        let file = &self.files[index];
        let origin = file.display().to_string();
        let record = read(file)?;
        let image = read_image(&file.with_extension("png"), &origin)?;
        let mut rng = epoch_rng(self.seed, epoch, index);
        // Question, answer, and all that are right.
        let mut tasks = vec![(Task::Ocr.question(self.family), record.text, vec![])];
        if let Some(text) = record.markdown {
            tasks.push((Task::Markdown.question(self.family), text, vec![]));
        }
        if !record.questions.is_empty() {
            let asked = rng.random_range(0..record.questions.len());
            let Question { text, answers } = &record.questions[asked];
            if let Some(answer) = answers.first() {
                let instructed = format!("{text} {SHORT_ANSWER}");
                tasks.push((instructed, answer.clone(), answers.clone()));
            }
        }
        let chosen = rng.random_range(0..tasks.len());
        let (question, answer, accepted) = tasks.swap_remove(chosen);
        Ok(Conversation {
            images: vec![image],
            messages: vec![
                Message::human(format!("{IMAGE}\n{question}")),
                Message::gpt(answer),
            ],
            accepted,
            origin,
        })
    }

    fn left_out(&self) -> &[String] {
        &self.left_out
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn pages_ask_everything() {
        let dir = tempfile::tempdir().unwrap();
        let sub = dir.path().join("sub");
        fs::create_dir(&sub).unwrap();
        image::RgbImage::new(4, 4).save(sub.join("a.png")).unwrap();
        let record = r##"{"text": "T 1", "markdown": "# T\n1", "words": [],
            "questions": [{"text": "How many?", "answers": ["1", "one"]}]}"##;
        fs::write(sub.join("a.json"), record).unwrap();
        for of_folder in OF_FOLDER {
            fs::write(dir.path().join(of_folder), "{}").unwrap();
        }
        fs::write(dir.path().join("b.json"), "{}").unwrap();
        let pages = Pages::open(dir.path(), Family::GotOcr2, 1).unwrap();
        assert_eq!((pages.len(), pages.left_out().len()), (1, 1));
        let asked: BTreeSet<(String, String)> = (0..30)
            .map(|epoch| {
                let [question, answer] = &pages.get(0, epoch).unwrap().messages[..] else {
                    unreachable!()
                };
                (question.value.clone(), answer.value.clone())
            })
            .collect();
        let answers: Vec<&str> = asked.iter().map(|(_, answer)| answer.as_str()).collect();
        assert_eq!(asked.len(), 3, "{asked:?}");
        assert!(["T 1", "# T\n1", "1"].iter().all(|a| answers.contains(a)));
        assert!(
            asked.contains(&("<image>\nOCR: ".into(), "T 1".into())),
            "{asked:?}"
        );
    }

    #[test]
    fn bad_folders_are_refused() {
        let dir = tempfile::tempdir().unwrap();
        let message = |dir: &Path| {
            Pages::open(dir, Family::VaryToy, 1)
                .err()
                .unwrap()
                .to_string()
        };
        assert!(message(dir.path()).contains("no pages"));
        image::RgbImage::new(4, 4)
            .save(dir.path().join("a.png"))
            .unwrap();
        fs::write(dir.path().join("a.json"), r#"{"text": 5}"#).unwrap();
        let text = message(dir.path());
        assert!(
            text.contains("a.json") && text.contains("field `text`"),
            "{text}"
        );
    }
}

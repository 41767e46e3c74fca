//! Questions about one's own pictures with their answers. To be replaced by the reader of training
//! conversations.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use image::RgbImage;
use serde::Deserialize;
use vary_core::pipeline::{DecodeOptions, open};
use vary_core::prompt::{IMAGE, Message, Speaker};

/// A question about a picture and its right answer.
#[derive(Debug, PartialEq)]
pub(crate) struct Case {
    /// Where it comes from, for error messages.
    pub origin: String,
    path: PathBuf,
    pub question: String,
    pub reference: String,
}

impl Case {
    /// Decodes the picture.
    pub fn picture(&self) -> Result<RgbImage> {
        open(&self.path, &DecodeOptions::default()).with_context(|| self.origin.clone())
    }
}

#[derive(Deserialize)]
struct Record {
    image: String,
    conversations: Vec<Message>,
}

/// The first question of each record of a JSON file in the form of the LLaVA data sets, without the
/// mark of the picture.
pub(crate) fn read_cases(json: &Path, images: &Path) -> Result<Vec<Case>> {
    let name = json.display();
    let text = fs::read(json).with_context(|| format!("cannot read {name}"))?;
    let records: Vec<Record> = serde_json::from_slice(&text)
        .with_context(|| format!("{name} is no list of records with image and conversations"))?;
    let case = |(i, record): (usize, Record)| {
        let origin = format!("{name}, record {i} ({})", record.image);
        let [question, answer, ..] = &record.conversations[..] else {
            bail!("{origin}: a question and an answer are needed")
        };
        if (question.from, answer.from) != (Speaker::Human, Speaker::Gpt) {
            bail!("{origin}: does not start with human and gpt");
        }
        Ok(Case {
            path: images.join(&record.image),
            question: question.value.replace(IMAGE, "").trim().to_owned(),
            reference: answer.value.trim().to_owned(),
            origin,
        })
    };
    records.into_iter().enumerate().map(case).collect()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn read(json: &str) -> Result<Vec<Case>> {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("data.json");
        fs::write(&file, json).unwrap();
        read_cases(&file, Path::new("pictures"))
    }

    #[test]
    fn takes_the_first_question() {
        let cases = read(
            r#"[{"id": 1, "image": "a.png", "conversations": [
                {"from": "human", "value": "<image>\nWho?"}, {"from": "gpt", "value": "Ada "},
                {"from": "human", "value": "When?"}, {"from": "gpt", "value": "1843"}]}]"#,
        );
        let cases = cases.unwrap();
        assert_eq!(cases.len(), 1);
        assert_eq!((&*cases[0].question, &*cases[0].reference), ("Who?", "Ada"));
        assert_eq!(cases[0].path, Path::new("pictures/a.png"));
    }

    #[test]
    fn says_which_record_is_wrong() {
        let text = |json| read(json).unwrap_err().to_string();
        assert!(text("{}").contains("no list of records"));
        let half = r#"[{"image": "b.png", "conversations": [{"from": "human", "value": "?"}]}]"#;
        assert!(text(half).contains("record 0 (b.png): a question and an answer"));
        let turned = r#"[{"image": "b.png", "conversations": [
            {"from": "gpt", "value": "?"}, {"from": "gpt", "value": "?"}]}]"#;
        assert!(text(turned).contains("human and gpt"));
    }
}

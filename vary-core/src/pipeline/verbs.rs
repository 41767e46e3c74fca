//! Short forms of [`Pipeline::answer`], with its default options.

use super::{Answer, AnswerOptions, AsImage, AsImages, Pipeline};
use crate::Result;
use crate::detection::Detection;
use crate::prompt::Task;

/// Short forms; all of them fail as [`answer`](Self::answer) does, and use its default options.
impl Pipeline {
    fn plain(&self, images: &(impl AsImages + ?Sized), task: Task<'_>) -> Result<Answer> {
        self.answer(images, task, &AnswerOptions::default())
    }

    /// All objects of a picture, the surest first.
    ///
    /// # Errors
    /// As [`answer`](Self::answer).
    pub fn detect(&self, image: &impl AsImage) -> Result<Vec<Detection>> {
        Ok(self.plain(image, Task::DetectAll)?.detections)
    }

    /// [`detect`](Self::detect) for many pictures; one that fails does not touch the others.
    pub fn detect_batch(&self, images: &[impl AsImage]) -> Vec<Result<Vec<Detection>>> {
        images.iter().map(|image| self.detect(image)).collect()
    }

    /// The object that a phrase such as "the left car" refers to: the surest box of the answer.
    /// Its label is empty where the model answers with a box alone; `None` where it tells no box, or none
    /// that [`min_score`](AnswerOptions::min_score) reaches.
    ///
    /// # Errors
    /// As [`answer`](Self::answer).
    pub fn locate(&self, image: &impl AsImage, phrase: &str) -> Result<Option<Detection>> {
        let answer = self.plain(image, Task::Locate(phrase))?;
        Ok(answer.detections.into_iter().next())
    }

    /// All text of a page.
    ///
    /// # Errors
    /// As [`answer`](Self::answer).
    pub fn read(&self, image: &impl AsImage) -> Result<Answer> {
        self.plain(image, Task::Ocr)
    }

    /// All text of a page, as Markdown.
    ///
    /// # Errors
    /// As [`answer`](Self::answer).
    pub fn markdown(&self, image: &impl AsImage) -> Result<Answer> {
        self.plain(image, Task::Markdown)
    }

    /// A sentence about a picture.
    ///
    /// # Errors
    /// As [`answer`](Self::answer).
    pub fn describe(&self, image: &impl AsImage) -> Result<Answer> {
        self.plain(image, Task::Describe)
    }

    /// The answer to a question about a picture, or about several.
    ///
    /// # Errors
    /// As [`answer`](Self::answer).
    pub fn ask(&self, images: &(impl AsImages + ?Sized), question: &str) -> Result<Answer> {
        self.plain(images, Task::Ask(question))
    }
}

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

    /// All objects of an image, the most confident first.
    ///
    /// # Errors
    /// As [`answer`](Self::answer).
    pub fn detect(&self, image: &impl AsImage) -> Result<Vec<Detection>> {
        Ok(self.plain(image, Task::DetectAll)?.detections)
    }

    /// [`detect`](Self::detect) for many images, decoded together; one that fails does not affect
    /// the others. See [`answer_batch`](Self::answer_batch).
    pub fn detect_batch(&self, images: &[impl AsImage]) -> Vec<Result<Vec<Detection>>> {
        let answers = self.answer_batch(images, Task::DetectAll, &AnswerOptions::default());
        let detections = |answer: Result<Answer>| answer.map(|answer| answer.detections);
        answers.into_iter().map(detections).collect()
    }

    /// The object that a phrase such as "the left car" refers to: the most confident box of the
    /// answer. Its label is empty where the model answers with a box alone. `None` where the answer
    /// has no box with the score of [`min_score`](AnswerOptions::min_score).
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

    /// A sentence about an image.
    ///
    /// # Errors
    /// As [`answer`](Self::answer).
    pub fn describe(&self, image: &impl AsImage) -> Result<Answer> {
        self.plain(image, Task::Describe)
    }

    /// The answer to a question about an image, or about several.
    ///
    /// # Errors
    /// As [`answer`](Self::answer).
    pub fn ask(&self, images: &(impl AsImages + ?Sized), question: &str) -> Result<Answer> {
        self.plain(images, Task::Ask(question))
    }
}

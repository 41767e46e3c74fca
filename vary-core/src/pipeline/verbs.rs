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

    /// All objects of an image, the most confident first, with boxes in pixels and scores in 0..=1.
    /// Those below the score threshold are left out, see
    /// [`min_score`](AnswerOptions::min_score).
    ///
    #[cfg_attr(feature = "nano", doc = "```")]
    #[cfg_attr(not(feature = "nano"), doc = "```ignore")]
    /// use vary_core::prelude::*;
    ///
    /// # fn main() -> vary_core::Result<()> {
    /// # let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../examples/assets/scene.png");
    /// let vary = Pipeline::builder().build()?;
    /// let image = open(path, &DecodeOptions::default())?;
    /// let found = vary.detect(&image)?;
    /// for object in &found {
    ///     let BoundingBox { x1, y1, x2, y2 } = object.bbox;
    ///     println!("{} {:.2}: {x1}, {y1} to {x2}, {y2}", object.label, object.score);
    /// }
    /// assert_eq!(found.len(), 7);
    /// assert!(found.iter().any(|object| object.label == "pizza"));
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// As [`answer`](Self::answer).
    pub fn detect(&self, image: &impl AsImage) -> Result<Vec<Detection>> {
        Ok(self.plain(image, Task::DetectAll)?.detections)
    }

    /// [`detect`](Self::detect) for many images, decoded together: one result for each image, in
    /// order. One that fails does not affect the others. See [`answer_batch`](Self::answer_batch).
    pub fn detect_batch(&self, images: &[impl AsImage]) -> Vec<Result<Vec<Detection>>> {
        let answers = self.answer_batch(images, Task::DetectAll, &AnswerOptions::default());
        let detections = |answer: Result<Answer>| answer.map(|answer| answer.detections);
        answers.into_iter().map(detections).collect()
    }

    /// The object that a phrase such as "the left car" refers to: the most confident box of the
    /// answer, in pixels. Its label is empty where the model answers with a box alone. `None` where
    /// no box of the answer reaches [`min_score`](AnswerOptions::min_score).
    ///
    #[cfg_attr(feature = "nano", doc = "```")]
    #[cfg_attr(not(feature = "nano"), doc = "```ignore")]
    /// use vary_core::prelude::*;
    ///
    /// # fn main() -> vary_core::Result<()> {
    /// # let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../examples/assets/scene.png");
    /// let vary = Pipeline::builder().build()?;
    /// let image = open(path, &DecodeOptions::default())?;
    /// let car = vary.locate(&image, "the car")?;
    /// let expected = BoundingBox::new(381.0, 73.0, 461.0, 121.0);
    /// assert!(car.is_some_and(|car| car.bbox.iou(&expected) > 0.5));
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// As [`answer`](Self::answer).
    pub fn locate(&self, image: &impl AsImage, phrase: &str) -> Result<Option<Detection>> {
        let answer = self.plain(image, Task::Locate(phrase))?;
        Ok(answer.detections.into_iter().next())
    }

    /// All text of a page.
    ///
    /// A model with a text recognizer, such as the embedded one, reads line by line: then every
    /// token is a character with its box in pixels.
    ///
    #[cfg_attr(feature = "nano", doc = "```")]
    #[cfg_attr(not(feature = "nano"), doc = "```ignore")]
    /// use vary_core::prelude::*;
    ///
    /// # fn main() -> vary_core::Result<()> {
    /// # let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../examples/assets/sign.png");
    /// let vary = Pipeline::builder().build()?;
    /// let image = open(path, &DecodeOptions::default())?;
    /// let answer = vary.read(&image)?;
    /// assert_eq!(answer.text, "Group\nPaper deep\nHandle scale");
    /// for line in answer.lines() {
    ///     println!("{} ({:.2}) at {:?}", line.text, line.score, line.bbox);
    /// }
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// As [`answer`](Self::answer).
    pub fn read(&self, image: &impl AsImage) -> Result<Answer> {
        self.plain(image, Task::Ocr)
    }

    /// All text of a page, as Markdown. What is read, and by what, is as in [`read`](Self::read).
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

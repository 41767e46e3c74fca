use super::decode::{Decoder, Session};
use super::input::Input;
use super::merge::Merger;
use super::plan::Plan;
use super::stream::jobs;
use super::{Answer, AnswerOptions, AsImage, AsImages, Pipeline};
use crate::Result;
use crate::prompt::Task;

impl Pipeline {
    /// Answers a task about an image, or about several that are shown in order. Boxes are in pixels
    /// of the first image.
    ///
    #[cfg_attr(feature = "nano", doc = "```")]
    #[cfg_attr(not(feature = "nano"), doc = "```ignore")]
    /// use vary_core::prelude::*;
    ///
    /// # fn main() -> vary_core::Result<()> {
    /// # let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../examples/assets/scene.png");
    /// let vary = Pipeline::builder().build()?;
    /// let image = open(path, &DecodeOptions::default())?;
    /// let options = AnswerOptions::default().with_max_new_tokens(100);
    /// let answer = vary.answer(&image, Task::DetectClasses(&["car", "bird"]), &options)?;
    /// println!("{} ({:?})", answer.text, answer.finish);
    /// assert!(answer.usage.new_tokens <= 100);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`Error::ContextLength`](crate::Error::ContextLength) when the question is too long for the
    /// model, [`Error::Lm`](crate::Error::Lm) when an option is out of range,
    /// [`Error::EmptyQuestion`](crate::Error::EmptyQuestion),
    /// [`Error::SpecialToken`](crate::Error::SpecialToken),
    /// [`Error::NoImages`](crate::Error::NoImages),
    /// [`Error::ForeignImage`](crate::Error::ForeignImage),
    /// [`Error::Vision`](crate::Error::Vision).
    pub fn answer(
        &self,
        images: &(impl AsImages + ?Sized),
        task: Task<'_>,
        options: &AnswerOptions,
    ) -> Result<Answer> {
        let answers = self.answer_all([images.inputs()], task, options);
        // One for each.
        answers
            .into_iter()
            .next()
            .unwrap_or(Err(crate::Error::NoImages))
    }

    /// [`answer`](Self::answer) for many images, each on its own, decoded together: up to
    /// [`max_batch`](super::PipelineBuilder::max_batch) at a time, in order; when one ends, the
    /// next takes its place.
    ///
    /// Returns one result for each image, in order. Each is what [`answer`](Self::answer) returns
    /// for that image: one that fails does not affect the others.
    ///
    #[cfg_attr(feature = "nano", doc = "```")]
    #[cfg_attr(not(feature = "nano"), doc = "```ignore")]
    /// use vary_core::prelude::*;
    ///
    /// # fn main() -> vary_core::Result<()> {
    /// # let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../examples/assets/scene.png");
    /// let vary = Pipeline::builder().build()?;
    /// // The second image has no pixels.
    /// let images = [open(path, &DecodeOptions::default())?, RgbImage::new(0, 0)];
    /// let answers = vary.answer_batch(&images, Task::DetectAll, &AnswerOptions::default());
    /// for answer in &answers {
    ///     match answer {
    ///         Ok(answer) => println!("{} objects", answer.detections.len()),
    ///         Err(error) => eprintln!("{error}"),
    ///     }
    /// }
    /// assert!(answers[0].is_ok() && answers[1].is_err());
    /// # Ok(())
    /// # }
    /// ```
    pub fn answer_batch(
        &self,
        images: &[impl AsImage],
        task: Task<'_>,
        options: &AnswerOptions,
    ) -> Vec<Result<Answer>> {
        self.answer_all(
            images.iter().map(|image| vec![image.input()]),
            task,
            options,
        )
    }

    /// Answers a task about each group of images.
    fn answer_all<'a>(
        &self,
        groups: impl IntoIterator<Item = Vec<Input<'a>>>,
        task: Task<'_>,
        options: &AnswerOptions,
    ) -> Vec<Result<Answer>> {
        let inner = &self.inner;
        let mut decoder = Decoder::new(inner);
        // For each job its answer and its number there.
        let mut owners = vec![];
        let mut answers = vec![];
        for (number, images) in groups.into_iter().enumerate() {
            let read = options
                .validate(inner)
                .and_then(|()| inner.read(&images, &[], task, options));
            if let Some(answer) = read.transpose() {
                answers.push(answer.map(State::Read));
                continue;
            }
            answers.push(
                Plan::new(inner, &images, &[], task, options.tiles.as_ref()).map(|plan| {
                    let merger = Merger::new(inner, &plan, options);
                    let jobs = jobs(inner, plan, images.into(), options, Session::default());
                    for (part, job) in jobs.enumerate() {
                        decoder.push(owners.len(), job);
                        owners.push((number, part));
                    }
                    State::Decoded(merger)
                }),
            );
        }
        while !decoder.is_idle() {
            for (job, progress) in decoder.step() {
                let (number, part) = owners[job];
                if let Ok(State::Decoded(merger)) = &mut answers[number]
                    && let Err(error) = merger.push(part, progress)
                {
                    answers[number] = Err(error);
                    decoder.remove(|job| owners[job].0 == number);
                }
            }
        }
        let finish = |answer| match answer {
            State::Read(answer) => answer,
            State::Decoded(merger) => merger.finish().0,
        };
        answers
            .into_iter()
            .map(|answer| answer.map(finish))
            .collect()
    }
}

/// An answer in the making.
enum State {
    /// By a recognizer.
    Read(Answer),
    /// By the language model.
    Decoded(Merger),
}

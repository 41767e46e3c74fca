use std::collections::BTreeSet;
use std::time::Duration;

use vary_lm::generate::FinishReason;

use super::locate::LocateSums;
use super::text_summary::TextSums;
use super::{DetectionEval, GroundTruth, Metrics, StageSeconds, TaskSummary, Truth};
use crate::detection::Detection;
use crate::pipeline::{Answer, Times};

/// Scores answers against their truths, task by task.
///
/// Average precision ranks boxes of all scores: request answers with `with_min_score(0.0)`, and
/// pass the score threshold of the other metrics to [`with_min_score`](Self::with_min_score).
///
#[cfg_attr(feature = "nano", doc = "```")]
#[cfg_attr(not(feature = "nano"), doc = "```ignore")]
/// use vary_core::eval::{Evaluation, Truth};
/// use vary_core::pipeline::{AnswerOptions, Pipeline};
/// use vary_core::prompt::Task;
///
/// # fn main() -> vary_core::Result<()> {
/// # let image = image::RgbImage::new(64, 48);
/// let vary = Pipeline::builder().build()?;
/// let options = AnswerOptions::default().with_min_score(0.0);
/// let answer = vary.answer(&image, Task::DetectAll, &options)?;
/// let mut evaluation = Evaluation::default().with_min_score(vary.inference_config().min_score());
/// evaluation.add("detection", &Truth::Objects(vec![]), &answer);
/// let tasks = evaluation.summary();
/// assert_eq!((tasks[0].name.as_str(), tasks[0].count), ("detection", 1));
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, Default)]
pub struct Evaluation {
    classes: Option<Vec<String>>,
    min_score: f32,
    groups: Vec<Group>,
}

/// One answer in an [`Evaluation`].
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ScoredAnswer {
    /// Index of its task in [`Evaluation::summary`].
    pub task: usize,
    /// Index of the answer among those of its task, in the order of addition.
    pub index: usize,
    /// Quality of the answer, 0 to 1: for several objects the panoptic quality of the boxes (arXiv
    /// 1801.00868), for one object its IoU, for text 1 - normalized edit distance.
    pub quality: f64,
}

/// The answers to one task.
#[derive(Debug, Clone)]
struct Group {
    name: String,
    kind: Kind,
    times: Vec<Times>,
    looped: usize,
    cut: usize,
}

#[derive(Debug, Clone)]
enum Kind {
    /// Kept until the end, when all classes are known.
    Detection(Vec<(Vec<GroundTruth>, Vec<Detection>)>),
    Locate(LocateSums),
    Text(TextSums),
}

impl Evaluation {
    /// Sets the classes of detection, in the order of the summary. By default they are the labels
    /// of the true objects in alphabetical order.
    pub fn with_classes<S: Into<String>>(mut self, classes: impl IntoIterator<Item = S>) -> Self {
        self.classes = Some(classes.into_iter().map(Into::into).collect());
        self
    }

    /// See [`DetectionEval::with_min_score`]; set it before adding answers.
    #[must_use]
    pub fn with_min_score(mut self, min_score: f32) -> Self {
        self.min_score = min_score;
        self
    }

    /// The boxes of `answer` that reach the minimum score.
    pub fn confident<'a>(&self, answer: &'a Answer) -> impl Iterator<Item = &'a Detection> {
        let min_score = self.min_score;
        let detections = answer.detections.iter();
        detections.filter(move |detection| detection.reaches(min_score))
    }

    /// Adds an answer. Answers with the same task name and the same kind of truth are summarized
    /// together.
    pub fn add(&mut self, task: &str, truth: &Truth, answer: &Answer) -> ScoredAnswer {
        let min_score = self.min_score;
        let task = self.group(task, truth);
        let group = &mut self.groups[task];
        let quality = group.kind.add(truth, answer, min_score);
        group.times.push(answer.times);
        group.looped += usize::from(answer.finish == FinishReason::Loop);
        group.cut += usize::from(answer.finish == FinishReason::Length);
        ScoredAnswer {
            task,
            index: group.times.len() - 1,
            quality,
        }
    }

    /// Index of the group of a task, which is added if it is new.
    fn group(&mut self, name: &str, truth: &Truth) -> usize {
        let same = |group: &Group| group.name == name && group.kind.fits(truth);
        self.groups.iter().position(same).unwrap_or_else(|| {
            self.groups.push(Group {
                name: name.to_owned(),
                kind: Kind::of(truth),
                times: vec![],
                looped: 0,
                cut: 0,
            });
            self.groups.len() - 1
        })
    }

    /// The results of all answers added so far, in the order in which their tasks were first added.
    pub fn summary(&self) -> Vec<TaskSummary> {
        let classes = self.classes.as_deref();
        let groups = self.groups.iter();
        groups
            .map(|group| group.summary(classes, self.min_score))
            .collect()
    }
}

impl Kind {
    fn of(truth: &Truth) -> Self {
        match truth {
            Truth::Objects(_) => Self::Detection(vec![]),
            Truth::Object(_) => Self::Locate(LocateSums::default()),
            Truth::Text(_) => Self::Text(TextSums::default()),
        }
    }

    fn fits(&self, truth: &Truth) -> bool {
        std::mem::discriminant(self) == std::mem::discriminant(&Self::of(truth))
    }

    /// Adds an answer; returns its quality, see [`ScoredAnswer::quality`].
    fn add(&mut self, truth: &Truth, answer: &Answer, min_score: f32) -> f64 {
        match (self, truth) {
            (Self::Detection(images), Truth::Objects(truths)) => {
                let found = &answer.detections;
                images.push((truths.clone(), found.clone()));
                let labels = truths.iter().map(|truth| &truth.label);
                let labels: BTreeSet<_> = labels.chain(found.iter().map(|d| &d.label)).collect();
                let mut eval = DetectionEval::new(labels).with_min_score(min_score);
                eval.add(truths, found);
                eval.quality()
            }
            (Self::Locate(sums), Truth::Object(bbox)) => sums.add(*bbox, answer.detections.first()),
            (Self::Text(sums), Truth::Text(references)) => sums.add(references, answer),
            // `fits` excludes every other pair.
            _ => 0.0,
        }
    }

    fn metrics(&self, classes: Option<&[String]>, min_score: f32) -> Metrics {
        match self {
            Self::Detection(images) => {
                let labels = images.iter().flat_map(|(truths, _)| truths);
                let labels: BTreeSet<_> = labels.map(|truth| &truth.label).collect();
                let mut eval = match classes {
                    Some(classes) => DetectionEval::new(classes),
                    None => DetectionEval::new(labels),
                }
                .with_min_score(min_score);
                for (truths, found) in images {
                    eval.add(truths, found);
                }
                Metrics::Detection(Box::new(eval.summary()))
            }
            Self::Locate(sums) => Metrics::Locate(sums.summary()),
            Self::Text(sums) => Metrics::Text(sums.summary()),
        }
    }
}

impl Group {
    fn summary(&self, classes: Option<&[String]>, min_score: f32) -> TaskSummary {
        let count = self.times.len();
        let share = |part: usize| part as f64 / count.max(1) as f64;
        let seconds = |stage: fn(&Times) -> Duration| {
            median(self.times.iter().map(|t| stage(t).as_secs_f64()).collect())
        };
        TaskSummary {
            name: self.name.clone(),
            count,
            metrics: self.kind.metrics(classes, min_score),
            loop_rate: share(self.looped),
            length_rate: share(self.cut),
            seconds: StageSeconds {
                encode: seconds(|t| t.encode),
                prefill: seconds(|t| t.prefill),
                decode: seconds(|t| t.decode),
                total: seconds(Times::total),
            },
        }
    }
}

/// The middle value, or the mean of the two in the middle; 0 of none.
fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    let n = values.len();
    match n {
        0 => 0.0,
        _ => (values[(n - 1) / 2] + values[n / 2]) / 2.0,
    }
}

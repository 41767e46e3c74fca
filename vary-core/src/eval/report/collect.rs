use std::collections::BTreeSet;

use image::RgbImage;
use vary_lm::generate::FinishReason;

use super::case::jpeg;
use super::locate::LocateSums;
use super::text::TextSums;
use super::{Case, Metrics, Report, StageSeconds, TaskReport, Truth};
use crate::detection::Detection;
use crate::eval::{DetectionEval, GroundTruth};
use crate::pipeline::{Answer, Times};

/// Best cases, and as many worst ones, that a report shows of a task.
const CASES: usize = 8;

/// Collects answers and what would have been right, and makes a [`Report`] of them.
///
/// Average precision is of all boxes: let answers have them (`min_score: Some(0.0)`), and say by
/// [`with_min_score`](Self::with_min_score) which of them a user is told.
///
#[cfg_attr(feature = "nano", doc = "```")]
#[cfg_attr(not(feature = "nano"), doc = "```ignore")]
/// use vary_core::eval::{Evaluation, Truth};
/// use vary_core::pipeline::{AnswerOptions, Pipeline};
/// use vary_core::prompt::Task;
///
/// # fn main() -> vary_core::Result<()> {
/// # let picture = image::RgbImage::new(64, 48);
/// let vary = Pipeline::builder().build()?;
/// let task = Task::DetectAll;
/// let options = AnswerOptions { min_score: Some(0.0), ..Default::default() };
/// let answer = vary.answer(&picture, task, &options)?;
/// let mut evaluation = Evaluation::default().with_min_score(vary.config().min_score());
/// let question = task.question(vary.config().family());
/// evaluation.add("detection", &picture, &question, &Truth::Objects(vec![]), &answer);
/// let report = evaluation.report("an empty picture");
/// println!("{report}");
/// # let folder = tempfile::tempdir().unwrap();
/// report.save(folder.path())?; // report.json and report.html
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, Default)]
pub struct Evaluation {
    classes: Option<Vec<String>>,
    min_score: f32,
    groups: Vec<Group>,
}

/// The answers to one task.
#[derive(Debug, Clone)]
struct Group {
    name: String,
    kind: Kind,
    times: Vec<Times>,
    looped: usize,
    cut: usize,
    /// By falling quality: the best and the worst, of all others nothing is kept.
    cases: Vec<Case>,
}

#[derive(Debug, Clone)]
enum Kind {
    /// Kept until the end, when all classes are known.
    Detection(Vec<(Vec<GroundTruth>, Vec<Detection>)>),
    Locate(LocateSums),
    Text(TextSums),
}

impl Evaluation {
    /// Sets the classes of detection, in the order of the report. Without, they are the labels of
    /// the true objects in alphabetical order.
    pub fn with_classes<S: Into<String>>(mut self, classes: impl IntoIterator<Item = S>) -> Self {
        self.classes = Some(classes.into_iter().map(Into::into).collect());
        self
    }

    /// See [`DetectionEval::with_min_score`]; to be set before answers are added.
    #[must_use]
    pub fn with_min_score(mut self, min_score: f32) -> Self {
        self.min_score = min_score;
        self
    }

    /// Adds an answer to `question` about `picture`. Answers of one name and one kind of truth are
    /// reported together.
    pub fn add(
        &mut self,
        task: &str,
        picture: &RgbImage,
        question: &str,
        truth: &Truth,
        answer: &Answer,
    ) {
        let min_score = self.min_score;
        let group = self.group(task, truth);
        let quality = group.kind.add(truth, answer, min_score);
        group.times.push(answer.times);
        group.looped += usize::from(answer.finish == FinishReason::Loop);
        group.cut += usize::from(answer.finish == FinishReason::Length);
        // Of equal ones the earlier ranks first.
        let place = group.cases.partition_point(|case| case.quality >= quality);
        if group.cases.len() == 2 * CASES && place == CASES {
            return;
        }
        let finite = |detection: &Detection| Detection {
            score: if detection.score.is_finite() {
                detection.score
            } else {
                0.0
            },
            ..detection.clone()
        };
        let case = Case {
            index: group.times.len() - 1,
            quality,
            question: question.to_owned(),
            truth: truth.clone(),
            answer: answer.text.clone(),
            found: told(answer, min_score).map(finite).collect(),
            size: picture.dimensions(),
            picture: jpeg(picture),
        };
        group.cases.insert(place, case);
        if group.cases.len() > 2 * CASES {
            group.cases.remove(CASES);
        }
    }

    fn group(&mut self, name: &str, truth: &Truth) -> &mut Group {
        let same = |group: &Group| group.name == name && group.kind.fits(truth);
        let place = self.groups.iter().position(same).unwrap_or_else(|| {
            self.groups.push(Group {
                name: name.to_owned(),
                kind: Kind::of(truth),
                times: vec![],
                looped: 0,
                cut: 0,
                cases: vec![],
            });
            self.groups.len() - 1
        });
        &mut self.groups[place]
    }

    /// The numbers over all answers added so far.
    pub fn report(&self, title: impl Into<String>) -> Report {
        let classes = self.classes.as_deref();
        Report {
            title: title.into(),
            tasks: self
                .groups
                .iter()
                .map(|group| group.report(classes, self.min_score))
                .collect(),
        }
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

    /// Adds an answer; returns how good it is, see [`Case::quality`].
    fn add(&mut self, truth: &Truth, answer: &Answer, min_score: f32) -> f64 {
        match (self, truth) {
            (Self::Detection(pictures), Truth::Objects(truths)) => {
                let found = &answer.detections;
                pictures.push((truths.clone(), found.clone()));
                let labels = truths.iter().map(|truth| &truth.label);
                let labels: BTreeSet<_> = labels.chain(found.iter().map(|d| &d.label)).collect();
                let mut eval = DetectionEval::new(labels).with_min_score(min_score);
                eval.add(truths, found);
                eval.quality()
            }
            (Self::Locate(sums), Truth::Object(bbox)) => sums.add(*bbox, answer.detections.first()),
            (Self::Text(sums), Truth::Text(references)) => sums.add(references, answer),
            // `fits` has seen to it that there is no such pair.
            _ => 0.0,
        }
    }

    fn metrics(&self, classes: Option<&[String]>, min_score: f32) -> Metrics {
        match self {
            Self::Detection(pictures) => {
                let labels = pictures.iter().flat_map(|(truths, _)| truths);
                let labels: BTreeSet<_> = labels.map(|truth| &truth.label).collect();
                let mut eval = match classes {
                    Some(classes) => DetectionEval::new(classes),
                    None => DetectionEval::new(labels),
                }
                .with_min_score(min_score);
                for (truths, found) in pictures {
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
    fn report(&self, classes: Option<&[String]>, min_score: f32) -> TaskReport {
        let count = self.times.len();
        let share = |part: usize| part as f64 / count.max(1) as f64;
        let seconds = |stage: fn(&Times) -> std::time::Duration| {
            median(self.times.iter().map(|t| stage(t).as_secs_f64()).collect())
        };
        // Of few answers, half are shown as the best and half as the worst.
        let middle = self.cases.len().div_ceil(2).min(CASES);
        let (best, worst) = self.cases.split_at(middle);
        TaskReport {
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
            best: best.to_vec(),
            worst: worst.iter().rev().cloned().collect(),
        }
    }
}

/// The boxes that count as told.
fn told(answer: &Answer, min_score: f32) -> impl Iterator<Item = &Detection> {
    let told = move |found: &&Detection| found.reaches(min_score);
    answer.detections.iter().filter(told)
}

/// The middle one, or the mean of the two in the middle; 0 of none.
fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    let n = values.len();
    match n {
        0 => 0.0,
        _ => (values[(n - 1) / 2] + values[n / 2]) / 2.0,
    }
}

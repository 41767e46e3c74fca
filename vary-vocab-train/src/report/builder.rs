use image::RgbImage;
use vary_core::detection::Detection;
use vary_core::eval::{Evaluation, Truth};
use vary_core::pipeline::Answer;

use super::case::jpeg;
use super::{Case, Report, TaskReport};

/// Number of best cases, and of worst ones, that a report shows of a task.
const CASES: usize = 8;

/// Scores answers by an [`Evaluation`], keeps the best and the worst of each task with their
/// images, and makes a [`Report`].
///
/// ```
/// use vary_core::Pipeline;
/// use vary_core::eval::{Evaluation, Truth};
/// use vary_core::pipeline::AnswerOptions;
/// use vary_core::prompt::Task;
/// use vary_vocab_train::report::ReportBuilder;
///
/// # fn main() -> vary_core::Result<()> {
/// # let image = image::RgbImage::new(64, 48);
/// let vary = Pipeline::builder().build()?;
/// let task = Task::DetectAll;
/// // Average precision ranks boxes of all scores.
/// let options = AnswerOptions::default().with_min_score(0.0);
/// let answer = vary.answer(&image, task, &options)?;
/// let evaluation = Evaluation::default().with_min_score(vary.inference_config().min_score());
/// let mut builder = ReportBuilder::new(evaluation);
/// let question = task.question(vary.config().family());
/// builder.add("detection", &image, &question, &Truth::Objects(vec![]), &answer);
/// let report = builder.report("an empty image");
/// println!("{report}");
/// # let dir = tempfile::tempdir().unwrap();
/// report.save(dir.path())?; // report.json and report.html
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, Default)]
pub struct ReportBuilder {
    evaluation: Evaluation,
    /// By task, by falling quality: the best and the worst; no other answer is kept.
    cases: Vec<Vec<Case>>,
    skipped: Vec<String>,
}

impl ReportBuilder {
    /// From an evaluation without answers.
    pub fn new(evaluation: Evaluation) -> Self {
        Self {
            evaluation,
            ..Self::default()
        }
    }

    /// Adds a record that cannot be scored, with the reason.
    pub fn skip(&mut self, record: impl Into<String>) {
        self.skipped.push(record.into());
    }

    /// Adds an answer to `question` about `image`, see [`Evaluation::add`].
    pub fn add(
        &mut self,
        task: &str,
        image: &RgbImage,
        question: &str,
        truth: &Truth,
        answer: &Answer,
    ) {
        let scored = self.evaluation.add(task, truth, answer);
        if scored.task == self.cases.len() {
            self.cases.push(vec![]);
        }
        let cases = &mut self.cases[scored.task];
        // Of equal ones the earlier ranks first.
        let rank = cases.partition_point(|case| case.quality >= scored.quality);
        if cases.len() == 2 * CASES && rank == CASES {
            return;
        }
        let case = Case {
            index: scored.index,
            quality: scored.quality,
            question: question.to_owned(),
            truth: truth.clone(),
            answer: answer.text.clone(),
            found: self.evaluation.confident(answer).map(finite).collect(),
            size: image.dimensions(),
            image: jpeg(image),
        };
        cases.insert(rank, case);
        if cases.len() > 2 * CASES {
            cases.remove(CASES);
        }
    }

    /// The report of all answers added so far.
    pub fn report(&self, title: impl Into<String>) -> Report {
        let tasks = self.evaluation.summary().into_iter().zip(&self.cases);
        Report {
            title: title.into(),
            tasks: tasks
                .map(|(summary, cases)| {
                    // Of few answers, half are shown as the best and half as the worst.
                    let (best, worst) = cases.split_at(cases.len().div_ceil(2).min(CASES));
                    TaskReport {
                        summary,
                        best: best.to_vec(),
                        worst: worst.iter().rev().cloned().collect(),
                    }
                })
                .collect(),
            skipped: self.skipped.clone(),
        }
    }
}

/// The detection with a score that JSON can hold.
fn finite(detection: &Detection) -> Detection {
    let mut detection = detection.clone();
    if !detection.score.is_finite() {
        detection.score = 0.0;
    }
    detection
}

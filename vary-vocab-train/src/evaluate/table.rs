use std::fmt::Write;

use vary_core::eval::{Metrics, TaskSummary};

use crate::report::{Report, TaskReport};

/// The metric that a task is ranked by, 0 to 1, higher is better: AP50, accuracy, or 1 - normalized
/// edit distance.
pub fn quality(task: &TaskReport) -> f64 {
    match &task.summary.metrics {
        Metrics::Detection(summary) => summary.coco.ap50.max(0.0),
        Metrics::Locate(summary) => summary.accuracy,
        Metrics::Text(summary) => 1.0 - summary.edit_distance,
    }
}

/// A table with one line per task, and one line about loops and truncated answers.
pub fn table(report: &Report) -> String {
    let mut text = format!("{}\n\n", report.title);
    let tasks = || report.tasks.iter().map(|task| &task.summary);
    for task in tasks() {
        let numbers: Vec<String> = main_metrics(&task.metrics)
            .into_iter()
            .map(|(name, value)| format!("{name} {value:.3}"))
            .collect();
        // Writing to a string does not fail.
        let _ = writeln!(
            text,
            "{:<32} {:>5}  {}",
            task.name,
            task.count,
            numbers.join("  ")
        );
    }
    let count: usize = tasks().map(|task| task.count).sum();
    let ended = |rate: fn(&TaskSummary) -> f64| -> usize {
        let of_task = |task: &TaskSummary| (rate(task) * task.count as f64).round() as usize;
        tasks().map(of_task).sum()
    };
    let (looped, cut) = (ended(|t| t.loop_rate), ended(|t| t.length_rate));
    let _ = writeln!(
        text,
        "\nof {count} answers {looped} ended in a loop, {cut} at the maximum number of tokens"
    );
    text
}

fn main_metrics(metrics: &Metrics) -> Vec<(&'static str, f64)> {
    match metrics {
        Metrics::Detection(s) => vec![
            ("AP50", s.coco.ap50),
            ("AP", s.coco.ap),
            ("recall", s.recall),
            ("precision", s.precision),
            ("ECE", s.calibration.ece.unwrap_or(f64::NAN)),
        ],
        Metrics::Locate(s) => vec![
            ("accuracy@0.5", s.accuracy),
            ("mean IoU", s.mean_iou),
            ("ECE", s.calibration.ece.unwrap_or(f64::NAN)),
        ],
        Metrics::Text(s) => vec![
            ("CER", s.pooled_cer),
            ("WER", s.pooled_wer),
            ("edit distance", s.edit_distance),
        ],
    }
}

use std::fmt::Write;

use vary_core::eval::{Metrics, Report, TaskReport};

/// The number that a task is judged by, 0 to 1, the more the better: AP50, accuracy, or one less the
/// edit distance.
pub fn quality(task: &TaskReport) -> f64 {
    match &task.metrics {
        Metrics::Detection(summary) => summary.coco.ap50.max(0.0),
        Metrics::Locate(summary) => summary.accuracy,
        Metrics::Text(summary) => 1.0 - summary.edit_distance,
    }
}

/// One line for each task, and one for how the answers ended.
pub fn table(report: &Report) -> String {
    let mut text = format!("{}\n\n", report.title);
    for task in &report.tasks {
        let numbers = match &task.metrics {
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
        };
        let numbers: Vec<String> = numbers
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
    let count: usize = report.tasks.iter().map(|task| task.count).sum();
    let ended = |rate: fn(&TaskReport) -> f64| -> usize {
        let of_task = |task: &TaskReport| (rate(task) * task.count as f64).round() as usize;
        report.tasks.iter().map(of_task).sum()
    };
    let (looped, cut) = (ended(|t| t.loop_rate), ended(|t| t.length_rate));
    let _ = writeln!(
        text,
        "\nof {count} answers {looped} ended in a loop, {cut} were cut at the most tokens"
    );
    text
}

use std::fmt;

use vary_core::eval::{
    CalibrationSummary, DetectionSummary, LocateSummary, Metrics, StageSeconds, TaskSummary,
    TextSummary,
};

use super::Report;

/// A metric as it is shown: its name, and its value with up to four decimals.
pub(super) type Row = (&'static str, String);

/// Formats a share or a mean; `None` and COCO's -1, which mean that there is nothing to measure, as
/// a dash.
pub(super) fn number(value: impl Into<Option<f64>>) -> String {
    match value.into() {
        Some(value) if value >= 0.0 => format!("{value:.4}"),
        _ => "-".into(),
    }
}

/// All metrics of a task but those of single classes and bins.
pub(super) fn rows(task: &TaskSummary) -> Vec<Row> {
    let mut rows = vec![("answers", task.count.to_string())];
    match &task.metrics {
        Metrics::Detection(summary) => rows.extend(detection_rows(summary)),
        Metrics::Locate(summary) => rows.extend(locate_rows(summary)),
        Metrics::Text(summary) => rows.extend(text_rows(summary)),
    }
    let calibration = task.metrics.calibration();
    rows.extend([
        ("calibration error", number(calibration.ece)),
        ("Brier score", number(calibration.brier)),
        ("ended by loop guard", number(task.loop_rate)),
        ("ended at max tokens", number(task.length_rate)),
    ]);
    rows.extend(seconds_rows(&task.seconds));
    rows
}

fn detection_rows(summary: &DetectionSummary) -> [Row; 18] {
    let coco = &summary.coco;
    [
        ("objects", summary.truths.to_string()),
        ("boxes found", summary.detections.to_string()),
        ("precision at IoU 0.5", number(summary.precision)),
        ("recall at IoU 0.5", number(summary.recall)),
        ("mean IoU of hits", number(summary.mean_iou)),
        ("mean IoU of all objects", number(summary.mean_iou_all)),
        ("AP", number(coco.ap)),
        ("AP50", number(coco.ap50)),
        ("AP75", number(coco.ap75)),
        ("AP small", number(coco.ap_small)),
        ("AP medium", number(coco.ap_medium)),
        ("AP large", number(coco.ap_large)),
        ("AR1", number(coco.ar1)),
        ("AR10", number(coco.ar10)),
        ("AR100", number(coco.ar100)),
        ("AR small", number(coco.ar_small)),
        ("AR medium", number(coco.ar_medium)),
        ("AR large", number(coco.ar_large)),
    ]
}

fn locate_rows(summary: &LocateSummary) -> [Row; 3] {
    [
        ("accuracy at IoU 0.5", number(summary.accuracy)),
        ("mean IoU", number(summary.mean_iou)),
        ("answers with a box", number(summary.answered)),
    ]
}

fn text_rows(summary: &TextSummary) -> [Row; 11] {
    [
        ("ANLS", number(summary.anls)),
        ("relaxed accuracy", number(summary.relaxed_accuracy)),
        ("edit distance", number(summary.edit_distance)),
        ("CER", number(summary.cer)),
        ("CER, pooled", number(summary.pooled_cer)),
        ("WER", number(summary.wer)),
        ("WER, pooled", number(summary.pooled_wer)),
        ("word precision", number(summary.word_precision)),
        ("word recall", number(summary.word_recall)),
        ("word F1", number(summary.word_f1)),
        ("BLEU-4", number(summary.bleu)),
    ]
}

fn seconds_rows(seconds: &StageSeconds) -> [Row; 4] {
    let format = |value: f64| format!("{value:.3} s");
    [
        ("median time", format(seconds.total)),
        ("… encode", format(seconds.encode)),
        ("… prefill", format(seconds.prefill)),
        ("… decode", format(seconds.decode)),
    ]
}

/// The number of scores, and of skipped ones, which are NaN.
pub(super) fn score_count(calibration: &CalibrationSummary) -> String {
    match calibration.skipped {
        0 => format!("{} scores", calibration.count),
        skipped => format!("{} scores, {skipped} skipped", calibration.count),
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}", self.title)?;
        if self.tasks.is_empty() {
            writeln!(f, "no answers")?;
        }
        for task in &self.tasks {
            writeln!(f, "\n{}", task.summary.name)?;
            for (name, value) in rows(&task.summary) {
                writeln!(f, "  {name:<24} {value:>9}")?;
            }
        }
        for record in &self.skipped {
            writeln!(f, "skipped: {record}")?;
        }
        Ok(())
    }
}

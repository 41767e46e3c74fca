use std::fmt;

use super::{LocateSummary, Metrics, Report, StageSeconds, TaskReport, TextSummary};
use crate::eval::CalibrationSummary;

/// A number of a report as it is shown: its name and up to four decimals.
pub(super) type Row = (&'static str, String);

/// A share or a mean; `None` and COCO's -1, where there is nothing to measure, as a dash.
pub(super) fn number(value: impl Into<Option<f64>>) -> String {
    match value.into() {
        Some(value) if value >= 0.0 => format!("{value:.4}"),
        _ => "-".into(),
    }
}

impl TaskReport {
    /// All numbers that are not one of many classes or bins.
    pub(super) fn rows(&self) -> Vec<Row> {
        let mut rows = vec![("answers", self.count.to_string())];
        match &self.metrics {
            Metrics::Detection(s) => {
                let c = &s.coco;
                rows.extend([
                    ("objects", s.truths.to_string()),
                    ("boxes found", s.detections.to_string()),
                    ("precision at IoU 0.5", number(s.precision)),
                    ("recall at IoU 0.5", number(s.recall)),
                    ("mean IoU of hits", number(s.mean_iou)),
                    ("mean IoU of all objects", number(s.mean_iou_all)),
                    ("AP", number(c.ap)),
                    ("AP50", number(c.ap50)),
                    ("AP75", number(c.ap75)),
                    ("AP small", number(c.ap_small)),
                    ("AP medium", number(c.ap_medium)),
                    ("AP large", number(c.ap_large)),
                    ("AR1", number(c.ar1)),
                    ("AR10", number(c.ar10)),
                    ("AR100", number(c.ar100)),
                    ("AR small", number(c.ar_small)),
                    ("AR medium", number(c.ar_medium)),
                    ("AR large", number(c.ar_large)),
                ]);
            }
            Metrics::Locate(s) => rows.extend(s.rows()),
            Metrics::Text(s) => rows.extend(s.rows()),
        }
        let calibration = self.metrics.calibration();
        rows.extend([
            ("calibration error", number(calibration.ece)),
            ("Brier score", number(calibration.brier)),
            ("ended by loop guard", number(self.loop_rate)),
            ("cut at most tokens", number(self.length_rate)),
        ]);
        rows.extend(self.seconds.rows());
        rows
    }
}

impl LocateSummary {
    fn rows(&self) -> [Row; 3] {
        [
            ("accuracy at IoU 0.5", number(self.accuracy)),
            ("mean IoU", number(self.mean_iou)),
            ("answers with a box", number(self.answered)),
        ]
    }
}

impl TextSummary {
    fn rows(&self) -> [Row; 11] {
        [
            ("ANLS", number(self.anls)),
            ("relaxed accuracy", number(self.relaxed_accuracy)),
            ("edit distance", number(self.edit_distance)),
            ("CER", number(self.cer)),
            ("CER, pooled", number(self.pooled_cer)),
            ("WER", number(self.wer)),
            ("WER, pooled", number(self.pooled_wer)),
            ("word precision", number(self.word_precision)),
            ("word recall", number(self.word_recall)),
            ("word F1", number(self.word_f1)),
            ("BLEU-4", number(self.bleu)),
        ]
    }
}

impl StageSeconds {
    fn rows(&self) -> [Row; 4] {
        let seconds = |value: f64| format!("{value:.3} s");
        [
            ("median time", seconds(self.total)),
            ("… encoding", seconds(self.encode)),
            ("… reading prompt", seconds(self.prefill)),
            ("… generating", seconds(self.decode)),
        ]
    }
}

impl CalibrationSummary {
    /// How many scores there are, in words.
    pub(super) fn counted(&self) -> String {
        match self.skipped {
            0 => format!("{} scores", self.count),
            skipped => format!("{} scores, {skipped} more that are no numbers", self.count),
        }
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}", self.title)?;
        if self.tasks.is_empty() {
            writeln!(f, "nothing was scored")?;
        }
        for task in &self.tasks {
            writeln!(f, "\n{}", task.name)?;
            for (name, value) in task.rows() {
                writeln!(f, "  {name:<24} {value:>9}")?;
            }
        }
        Ok(())
    }
}

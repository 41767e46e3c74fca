use serde::{Deserialize, Serialize};

/// Calibration of scores: of all answers with score 0.8, 80 % should be correct.
///
/// Expected calibration error as in Guo et al. 2017 (arXiv 1706.04599), with bins of equal width.
///
/// ```
/// # use vary_core::eval::Calibration;
/// let mut calibration = Calibration::default();
/// for i in 0..10 {
///     calibration.add(0.95, i < 5);
/// }
/// assert!((calibration.summary().ece.unwrap() - 0.45).abs() < 1e-6);
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Calibration {
    bins: Vec<Sums>,
    squares: f64,
    skipped: usize,
}

#[derive(Debug, Clone, Copy, PartialEq, Default)]
struct Sums {
    count: usize,
    score: f64,
    correct: usize,
}

/// The results of a [`Calibration`]; metrics are `None` without scores.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CalibrationSummary {
    /// Number of scores.
    pub count: usize,
    /// Number of NaN scores, which are skipped.
    pub skipped: usize,
    /// Expected calibration error, 0 to 1: mean over all scores of the difference between the mean
    /// score of their bin and the share of correct answers in it.
    pub ece: Option<f64>,
    /// Brier score, 0 to 1: mean of (score - 1)² for correct and score² for wrong answers.
    pub brier: Option<f64>,
    /// The bins, by rising score, including empty ones.
    pub bins: Vec<CalibrationBin>,
}

/// The scores above `low` up to `high`, inclusive; the first bin also has scores of 0.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CalibrationBin {
    /// Lower end, 0 to 1.
    pub low: f64,
    /// Upper end, 0 to 1.
    pub high: f64,
    /// Number of scores in the bin.
    pub count: usize,
    /// Mean score.
    pub mean_score: Option<f64>,
    /// Share of correct answers.
    pub accuracy: Option<f64>,
}

impl Default for Calibration {
    /// With 15 bins, as in the paper.
    fn default() -> Self {
        Self::new(15)
    }
}

impl Calibration {
    /// With `bins` bins, at least one.
    pub fn new(bins: usize) -> Self {
        Self {
            bins: vec![Sums::default(); bins.max(1)],
            squares: 0.0,
            skipped: 0,
        }
    }

    /// Adds the score of an answer and whether the answer is correct. Scores are clamped to 0..=1;
    /// NaN is skipped and counted.
    pub fn add(&mut self, score: f32, correct: bool) {
        if score.is_nan() {
            self.skipped += 1;
            return;
        }
        let score = f64::from(score.clamp(0.0, 1.0));
        let last = self.bins.len() - 1;
        let bin = (score * self.bins.len() as f64).ceil() as usize;
        let sums = &mut self.bins[bin.saturating_sub(1).min(last)];
        sums.count += 1;
        sums.score += score;
        sums.correct += usize::from(correct);
        self.squares += (score - f64::from(u8::from(correct))).powi(2);
    }

    /// The metrics of all scores added so far.
    pub fn summary(&self) -> CalibrationSummary {
        let count: usize = self.bins.iter().map(|bin| bin.count).sum();
        let mean = |sum: f64, count: usize| (count > 0).then(|| sum / count as f64);
        let edge = |i: usize| i as f64 / self.bins.len() as f64;
        // The count of a bin cancels out.
        let gap = |bin: &Sums| (bin.score - bin.correct as f64).abs();
        let bins = self.bins.iter().enumerate().map(|(i, bin)| CalibrationBin {
            low: edge(i),
            high: edge(i + 1),
            count: bin.count,
            mean_score: mean(bin.score, bin.count),
            accuracy: mean(bin.correct as f64, bin.count),
        });
        CalibrationSummary {
            count,
            skipped: self.skipped,
            ece: mean(self.bins.iter().map(gap).sum(), count),
            brier: mean(self.squares, count),
            bins: bins.collect(),
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn close(got: Option<f64>, want: f64) {
        assert!((got.unwrap() - want).abs() < 1e-6, "{got:?}, not {want}");
    }

    #[test]
    fn hand_computed_bins() {
        let mut calibration = Calibration::new(10);
        // Right-closed bins: 0.25 and 0.2625 in the third; 0 in the first; 1 in the last.
        for (score, correct) in [
            (0.0, false),
            (0.25, true),
            (0.2625, false),
            (0.875, true),
            (1.0, true),
        ] {
            calibration.add(score, correct);
        }
        let s = calibration.summary();
        let counts: Vec<usize> = s.bins.iter().map(|bin| bin.count).collect();
        assert_eq!(counts, [1, 0, 2, 0, 0, 0, 0, 0, 1, 1]);
        close(s.bins[2].mean_score, 0.25625);
        close(s.bins[2].accuracy, 0.5);
        assert_eq!((s.bins[1].mean_score, s.bins[1].accuracy), (None, None));
        // 2/5 · |0.25625 - 0.5| + 1/5 · |0.875 - 1|
        close(s.ece, 0.0975 + 0.025);
        // (0.75² + 0.2625² + 0.125²) / 5
        close(s.brier, (0.5625 + 0.06890625 + 0.015625) / 5.0);
    }

    #[test]
    fn edges_belong_to_lower_bin() {
        let mut calibration = Calibration::new(4);
        for score in [0.25, 0.5, 0.75, 1.0] {
            calibration.add(score, true);
        }
        assert!(calibration.summary().bins.iter().all(|bin| bin.count == 1));
    }

    #[test]
    fn perfect_and_overconfident() {
        let (mut perfect, mut over) = (Calibration::default(), Calibration::default());
        for i in 0..1000 {
            let tenth = i / 100;
            // Of the hundred scored 0.1, ten are correct, and so on.
            perfect.add(tenth as f32 / 10.0, i % 100 < tenth * 10);
            over.add(0.99, i % 2 == 0);
        }
        close(perfect.summary().ece, 0.0);
        close(over.summary().ece, 0.49);
        close(
            over.summary().brier,
            (0.01f64.powi(2) + 0.99f64.powi(2)) / 2.0,
        );
    }

    #[test]
    fn nan_scores_are_skipped() {
        let mut calibration = Calibration::new(0);
        calibration.add(f32::NAN, true);
        let s = calibration.summary();
        assert_eq!((s.count, s.skipped, s.ece, s.brier), (0, 1, None, None));
        calibration.add(f32::INFINITY, true);
        calibration.add(-1.0, false);
        let s = calibration.summary();
        assert_eq!((s.count, s.bins[0].count), (2, 2));
        close(s.brier, 0.0);
    }
}

use serde::{Deserialize, Serialize};

use crate::{Error, Result};

/// Knots that [`CalibrationMap::fit`] makes at most, the two ends included.
const MAX_KNOTS: usize = 20;

/// Share of the raw score in a fitted map: the least slope that it has anywhere.
const RAW_SHARE: f64 = 0.01;

/// Distance of the raw scores of two knots of a fitted map, at least: the probability rises by a
/// hundredth of it, which nine decimals still resolve.
const MIN_GAP: f64 = 1e-6;

/// A monotone map from the raw score of a detection, 0 to 1, to the probability that it is right.
///
/// Piecewise linear between knots. In a checkpoint's `inference_config.json` it is the list of the
/// knots, `[[raw, probability], ..]`: the first at raw score 0, the last at 1, both numbers rising,
/// and all probabilities above 0 and below 1. Reading anything else fails.
///
/// It belongs to the weights that it was fitted with.
///
/// ```
/// # use vary_core::detection::CalibrationMap;
/// // Scored 0.6, right nine times in ten.
/// let map = CalibrationMap::fit((0..1000).map(|i| (0.6, i % 10 > 0)));
/// assert!((map.apply(0.6) - 0.9).abs() < 0.01);
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Vec<[f64; 2]>", into = "Vec<[f64; 2]>")]
pub struct CalibrationMap {
    knots: Vec<[f64; 2]>,
}

impl CalibrationMap {
    /// Fits a map to scores, 0 to 1, and whether what they were given to is right.
    ///
    /// Isotonic regression (Zadrozny and Elkan 2002, "Transforming classifier scores into accurate
    /// multiclass probability estimates") by pooling adjacent violators (Ayer et al. 1955), with
    /// straight lines between the centres of the pools (centred isotonic regression, Oron and
    /// Flournoy 2017). Pools beyond 18 are merged, at the least loss of fit. Scores outside 0..=1
    /// are clamped, NaN is ignored; without pairs all scores map to about 0.5.
    ///
    /// A hundredth of the raw score is mixed in, so that the order of scores is kept where the fit
    /// is flat: scores that differ by more than 1e-5 stay different, as the map rises by a
    /// hundredth of that and `f32` below 1 has steps of 6e-8.
    pub fn fit(pairs: impl IntoIterator<Item = (f32, bool)>) -> Self {
        let mut pairs: Vec<(f64, f64)> = pairs
            .into_iter()
            .filter(|(score, _)| !score.is_nan())
            .map(|(score, right)| (score.clamp(0.0, 1.0).into(), u8::from(right).into()))
            // A right box below all and a wrong one above all: no probability is 0 or 1.
            .chain([(0.0, 1.0), (1.0, 0.0)])
            .collect();
        pairs.sort_by(|a, b| a.0.total_cmp(&b.0));
        let mut pools = pool(&pairs);
        merge(&mut pools, MAX_KNOTS - 2);

        let mean = |pool: Option<&Pool>| pool.map_or(0.5, Pool::mean);
        let mut knots = vec![knot(0.0, mean(pools.first()))];
        let mut last = 0.0;
        for pool in &pools {
            let raw = pool.centre();
            if raw - last > MIN_GAP && 1.0 - raw > MIN_GAP {
                knots.push(knot(raw, pool.mean()));
                last = raw;
            }
        }
        knots.push(knot(1.0, mean(pools.last())));
        Self { knots }
    }

    /// The probability, above 0 and below 1, that belongs to a raw score; the score is clamped to
    /// 0..=1, NaN stays NaN.
    pub fn apply(&self, raw: f32) -> f32 {
        let raw = f64::from(raw).clamp(0.0, 1.0);
        let above = self.knots.partition_point(|[knot, _]| *knot <= raw);
        let above = above.clamp(1, self.knots.len() - 1);
        let ([x1, y1], [x2, y2]) = (self.knots[above - 1], self.knots[above]);
        let mapped = y1 + (y2 - y1) * ((raw - x1) / (x2 - x1));
        match raw.is_nan() {
            true => f32::NAN,
            // Rounding must not lead past the next knot.
            false => mapped.min(y2) as f32,
        }
    }

    /// The knots, `[raw, probability]`, by rising raw score.
    pub fn knots(&self) -> &[[f64; 2]] {
        &self.knots
    }
}

impl TryFrom<Vec<[f64; 2]>> for CalibrationMap {
    type Error = Error;

    /// # Errors
    /// [`Error::CalibrationMap`] for knots that are not such a map, naming the first bad one.
    fn try_from(knots: Vec<[f64; 2]>) -> Result<Self> {
        let fail = |reason| Err(Error::CalibrationMap(reason));
        let (Some(first), Some(last)) = (knots.first(), knots.last()) else {
            return fail("it has no knots".into());
        };
        if first[0] != 0.0 || last[0] != 1.0 {
            return fail(format!(
                "its raw scores go from {} to {}, not from 0 to 1",
                first[0], last[0]
            ));
        }
        // The probability as what it becomes. NaN is in no range.
        let good = |[raw, probability]: &[f64; 2]| {
            let probability = *probability as f32;
            (0.0..=1.0).contains(raw) && probability > 0.0 && probability < 1.0
        };
        if let Some(bad) = knots.iter().find(|knot| !good(knot)) {
            return fail(format!(
                "of the knot {bad:?} the raw score is not in 0..=1, or the probability not above 0 \
                 and below 1"
            ));
        }
        let falls = |pair: &&[[f64; 2]]| pair[0][0] >= pair[1][0] || pair[0][1] >= pair[1][1];
        if let Some(pair) = knots.windows(2).find(falls) {
            return fail(format!(
                "from {:?} to {:?} not both numbers rise",
                pair[0], pair[1]
            ));
        }
        Ok(Self { knots })
    }
}

impl From<CalibrationMap> for Vec<[f64; 2]> {
    fn from(map: CalibrationMap) -> Self {
        map.knots
    }
}

/// A knot of a fitted map, in nine decimals: as many come back from JSON to the bit.
fn knot(raw: f64, fitted: f64) -> [f64; 2] {
    let mixed = (1.0 - RAW_SHARE) * fitted + RAW_SHARE * raw;
    [raw, mixed].map(|x| (x * 1e9).round() / 1e9)
}

/// Neighbouring points that share one fitted value, their mean.
#[derive(Debug, Clone, Copy)]
struct Pool {
    count: f64,
    x: f64,
    y: f64,
}

impl Pool {
    fn centre(&self) -> f64 {
        self.x / self.count
    }

    fn mean(&self) -> f64 {
        self.y / self.count
    }

    fn join(&self, other: &Self) -> Self {
        Self {
            count: self.count + other.count,
            x: self.x + other.x,
            y: self.y + other.y,
        }
    }

    /// By how much the sum of squared errors grows when both share one value.
    fn loss(&self, other: &Self) -> f64 {
        let weight = self.count * other.count / (self.count + other.count);
        weight * (self.mean() - other.mean()).powi(2)
    }
}

/// Pools adjacent violators: the non-decreasing function of `x` with the least squared error. The
/// points `(x, y)` are sorted by `x`; the means of the pools rise.
fn pool(points: &[(f64, f64)]) -> Vec<Pool> {
    let mut pools: Vec<Pool> = vec![];
    // A function has one value for equal `x`.
    for equal in points.chunk_by(|a, b| a.0 == b.0) {
        let mut new = Pool {
            count: equal.len() as f64,
            x: equal.iter().map(|(x, _)| x).sum(),
            y: equal.iter().map(|(_, y)| y).sum(),
        };
        while let Some(last) = pools.pop_if(|last| last.mean() >= new.mean()) {
            new = last.join(&new);
        }
        pools.push(new);
    }
    pools
}

/// Joins neighbours, those first that lose least, until there are at most `max` pools.
fn merge(pools: &mut Vec<Pool>, max: usize) {
    while pools.len() > max {
        let losses = pools.windows(2).map(|pair| pair[0].loss(&pair[1]));
        let Some((at, _)) = losses.enumerate().min_by(|a, b| a.1.total_cmp(&b.1)) else {
            return;
        };
        let next = pools.remove(at + 1);
        pools[at] = pools[at].join(&next);
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests;

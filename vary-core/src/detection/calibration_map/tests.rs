use proptest::prelude::*;

use super::*;
use crate::eval::{Calibration, CalibrationSummary};

/// Uniform numbers in 0..1 (splitmix64).
struct Uniform(u64);

impl Uniform {
    fn draw(&mut self) -> f32 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ (z >> 31)) >> 40) as f32 / (1 << 24) as f32
    }

    /// Random scores; `truth` is the share of right answers at a score.
    fn pairs(&mut self, count: usize, truth: fn(f32) -> f32) -> Vec<(f32, bool)> {
        let mut pair = || {
            let score = self.draw();
            (score, self.draw() < truth(score))
        };
        (0..count).map(|_| pair()).collect()
    }
}

fn calibration(pairs: &[(f32, bool)], score: impl Fn(f32) -> f32) -> CalibrationSummary {
    let mut calibration = Calibration::default();
    for &(raw, right) in pairs {
        calibration.add(score(raw), right);
    }
    calibration.summary()
}

#[test]
fn fresh_scores_become_probabilities() {
    // Too high, too low, and a step.
    let truths: [fn(f32) -> f32; 3] = [
        |p| p * p,
        |p| p.sqrt().sqrt(),
        |p| if p < 0.5 { 0.3 } else { 0.95 },
    ];
    for truth in truths {
        let mut source = Uniform(1);
        let map = CalibrationMap::fit(source.pairs(10_000, truth));
        assert!(map.knots().len() <= MAX_KNOTS);
        let fresh = source.pairs(50_000, truth);
        let (before, after) = (
            calibration(&fresh, |raw| raw),
            calibration(&fresh, |raw| map.apply(raw)),
        );
        assert!(before.ece.unwrap() > 0.1);
        assert!(after.ece.unwrap() < 0.02, "{:?}", after.ece);
        assert!(after.brier < before.brier);
    }
}

#[test]
fn probabilities_stay_below_one() {
    let map = CalibrationMap::fit((0..1000).map(|i| (0.5 + i as f32 / 2001.0, true)));
    for raw in [0.0, 0.5, 1.0, 7.0] {
        let p = map.apply(raw);
        assert!(0.98 < p && p < 1.0, "{raw}: {p}");
    }
    let map = CalibrationMap::fit((0..1000).map(|_| (0.0, false)));
    assert!(map.apply(0.0) > 0.0);
}

#[test]
fn scores_that_are_none() {
    let map = CalibrationMap::fit([(f32::NAN, true)]);
    assert_eq!(map.apply(0.5), 0.5, "nothing is known");
    assert_eq!(map, CalibrationMap::fit([]));
    assert!(map.apply(f32::NAN).is_nan());
    assert_eq!(map.apply(f32::INFINITY), map.apply(1.0));
    assert_eq!(map.apply(-1.0), map.apply(0.0));
}

#[test]
fn knots_are_json_lists() {
    let json = "[[0.0,0.25],[0.5,0.75],[1.0,0.875]]";
    let map: CalibrationMap = serde_json::from_str(json).unwrap();
    assert_eq!(serde_json::to_string(&map).unwrap(), json);
    let mapped = [0.0, 0.25, 0.5, 0.75, 1.0].map(|raw| map.apply(raw));
    assert_eq!(mapped, [0.25, 0.5, 0.75, 0.8125, 0.875]);

    let map = CalibrationMap::fit(Uniform(2).pairs(500, |p| p));
    let json = serde_json::to_string(&map).unwrap();
    assert_eq!(serde_json::from_str::<CalibrationMap>(&json).unwrap(), map);
}

#[test]
fn other_lists_are_refused() {
    for (knots, reason) in [
        ("[]", "no knots"),
        ("[[0, 0.1]]", "from 0 to 0"),
        ("[[0.1, 0.1], [1, 0.2]]", "from 0.1 to 1"),
        ("[[0, 0.1], [0.5, 0.2]]", "from 0 to 0.5"),
        ("[[0, 0], [1, 0.2]]", "[0.0, 0.0]"),
        ("[[0, 0.1], [1, 0.999999999]]", "[1.0, 0.999999999]"),
        ("[[0, 0.1], [7, 0.2], [1, 0.3]]", "[7.0, 0.2]"),
        (
            "[[0, 0.1], [0.5, 0.2], [0.5, 0.3], [1, 0.4]]",
            "from [0.5, 0.2] to [0.5, 0.3]",
        ),
        (
            "[[0, 0.1], [0.5, 0.1], [1, 0.4]]",
            "from [0.0, 0.1] to [0.5, 0.1]",
        ),
    ] {
        let error = serde_json::from_str::<CalibrationMap>(knots).unwrap_err();
        let error = error.to_string();
        assert!(error.contains(reason), "{knots}: {error}");
        assert!(error.contains("calibrate the checkpoint again"), "{error}");
    }
    for bad in [f64::NAN, f64::INFINITY] {
        assert!(CalibrationMap::try_from(vec![[0.0, 0.1], [bad, 0.2], [1.0, 0.3]]).is_err());
        assert!(CalibrationMap::try_from(vec![[0.0, 0.1], [0.5, bad], [1.0, 0.3]]).is_err());
    }
}

/// Of all ways to cut the points into runs of one value each whose values do not fall, the one with
/// the least squared error: the value of every point.
fn least_squares(y: &[f64]) -> Vec<f64> {
    let fit = |cuts: u32| {
        let mut values: Vec<f64> = vec![];
        let mut start = 0;
        for end in 1..=y.len() {
            if end == y.len() || cuts >> (end - 1) & 1 == 1 {
                let mean = y[start..end].iter().sum::<f64>() / (end - start) as f64;
                values.resize(end, mean);
                start = end;
            }
        }
        let error: f64 = values.iter().zip(y).map(|(v, y)| (v - y).powi(2)).sum();
        (values.is_sorted(), error, values)
    };
    let fits = (0..1 << (y.len() - 1)).map(fit);
    let allowed = fits.filter(|(monotone, ..)| *monotone);
    allowed.min_by(|a, b| a.1.total_cmp(&b.1)).unwrap().2
}

proptest! {
    #[test]
    fn pools_are_the_least_squares(y in prop::collection::vec(0f64..1.0, 1..10)) {
        let points: Vec<_> = y.iter().enumerate().map(|(i, y)| (i as f64, *y)).collect();
        let pools = pool(&points);
        prop_assert!(pools.windows(2).all(|p| p[0].mean() < p[1].mean()));
        let fitted = pools.iter().flat_map(|p| vec![p.mean(); p.count as usize]);
        for (fitted, expected) in fitted.zip(least_squares(&y)) {
            prop_assert!((fitted - expected).abs() < 1e-9, "{fitted}, not {expected}");
        }
    }

    /// Few different scores, so that many are equal; also those of 0 and 1.
    #[test]
    fn fits_keep_the_order(
        pairs in prop::collection::vec((0u8..=50, any::<bool>()), 0..300),
        mut scores in prop::collection::vec(0f32..=1.0, 2..100),
    ) {
        let answers = pairs.into_iter().map(|(s, right)| (f32::from(s) / 50.0, right));
        let map = CalibrationMap::fit(answers);
        prop_assert!(map.knots().len() <= MAX_KNOTS);
        prop_assert_eq!(&CalibrationMap::try_from(map.knots().to_vec()).unwrap(), &map);
        scores.extend(map.knots().iter().map(|knot| knot[0] as f32));
        scores.extend(scores.clone().iter().map(|s| (s + 1.01e-5).min(1.0)));
        scores.sort_by(f32::total_cmp);
        for pair in scores.windows(2) {
            let [a, b] = [pair[0], pair[1]].map(|raw| map.apply(raw));
            prop_assert!(a <= b && a > 0.0 && b < 1.0);
            prop_assert!(a < b || pair[1] - pair[0] < 1e-5, "{pair:?} both become {a}");
        }
    }

    #[test]
    fn merging_keeps_order_and_sum(
        y in prop::collection::vec(0f64..1.0, 1..60), max in 1usize..20,
    ) {
        let points: Vec<_> = y.iter().enumerate().map(|(i, y)| (i as f64, *y + i as f64)).collect();
        let mut pools = pool(&points);
        merge(&mut pools, max);
        prop_assert!(pools.len() <= max);
        prop_assert!(pools.windows(2).all(|p| p[0].mean() < p[1].mean()));
        let sum: f64 = pools.iter().map(|p| p.y).sum();
        prop_assert!((sum - points.iter().map(|p| p.1).sum::<f64>()).abs() < 1e-6);
    }
}

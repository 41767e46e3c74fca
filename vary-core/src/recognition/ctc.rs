//! Connectionist temporal classification (Graves et al. 2006): from the scores of steps along a
//! line to its text, and the loss that a line is trained with.
//!
//! Class 0 is the blank, which stands between characters. A character is one or more equal steps in
//! a row.

use std::ops::Range;

/// The class that stands for no character.
pub const BLANK: usize = 0;

/// A character that was read.
#[derive(Debug, Clone, PartialEq)]
pub struct Symbol {
    /// Class, 1 or more.
    pub class: usize,
    /// The steps that it covers.
    pub steps: Range<usize>,
    /// Natural logarithm of the highest probability of its steps.
    pub log_confidence: f32,
}

/// Greedy decoding: the most likely class of each step, repeats joined and blanks left out. Linear
/// in the number of steps.
///
/// # Shapes
/// - log_probs: `[steps, classes]`, natural logarithms
///
/// # Panics
/// If `classes` is 0.
pub fn greedy(log_probs: &[f32], classes: usize) -> Vec<Symbol> {
    let mut symbols: Vec<Symbol> = Vec::new();
    let mut last = BLANK;
    for (step, scores) in log_probs.chunks_exact(classes).enumerate() {
        let best = (1..classes).fold(0, |best, i| if scores[i] > scores[best] { i } else { best });
        match symbols.last_mut() {
            _ if best == BLANK => {}
            Some(symbol) if best == last => {
                symbol.steps.end = step + 1;
                symbol.log_confidence = symbol.log_confidence.max(scores[best]);
            }
            _ => symbols.push(Symbol {
                class: best,
                steps: step..step + 1,
                log_confidence: scores[best],
            }),
        }
        last = best;
    }
    symbols
}

/// The loss of a line.
#[derive(Debug, Clone, PartialEq)]
pub struct Loss {
    /// Negative natural logarithm of the probability of the text.
    pub value: f32,
    /// Its gradient by the logits, `[steps, classes]`.
    pub gradient: Vec<f32>,
}

/// The loss of `target`, all ways to spread it over the steps together; `None` if it has more
/// characters (and blanks between equal ones) than there are steps, or probabilities vanish.
///
/// # Shapes
/// - log_probs: `[steps, classes]`, natural logarithms (`log_softmax` of the logits)
/// - target: classes, 1 or more and less than `classes`
///
/// # Panics
/// If a class of `target` is out of range.
pub fn loss(log_probs: &[f32], classes: usize, target: &[usize]) -> Option<Loss> {
    let states = States::new(target);
    let steps: Vec<&[f32]> = log_probs.chunks_exact(classes).collect();
    let forward = states.forward(&steps);
    // A text ends with its last character or the blank after it.
    let ends = forward.last()?.iter().rev().take(2);
    let total = log_sum(ends.copied());
    if !total.is_finite() {
        return None;
    }
    let backward = states.backward(&steps);
    let mut gradient: Vec<f32> = Vec::with_capacity(log_probs.len());
    let mut shares = vec![0.0; classes];
    for (scores, (before, after)) in steps.iter().zip(forward.iter().zip(&backward)) {
        shares.fill(0.0);
        for (&class, (before, after)) in states.classes.iter().zip(before.iter().zip(after)) {
            shares[class] += (before + after - total).exp();
        }
        let pairs = scores.iter().zip(&shares);
        gradient.extend(pairs.map(|(score, share)| score.exp() - *share as f32));
    }
    Some(Loss {
        value: -total as f32,
        gradient,
    })
}

/// Logarithm of a probability of 0.
const NEVER: f64 = f64::NEG_INFINITY;

/// The target with a blank before, between and after its characters.
struct States {
    classes: Vec<usize>,
    /// Whether the blank before a state may be left out.
    skips: Vec<bool>,
}

impl States {
    fn new(target: &[usize]) -> Self {
        let mut classes = vec![BLANK];
        classes.extend(target.iter().flat_map(|&class| [class, BLANK]));
        let skips = (0..classes.len())
            .map(|s| s >= 2 && classes[s] != BLANK && classes[s] != classes[s - 2])
            .collect();
        Self { classes, skips }
    }

    /// For each step the logarithms of being in each state then, with the steps up to it.
    fn forward(&self, steps: &[&[f32]]) -> Vec<Vec<f64>> {
        let mut all: Vec<Vec<f64>> = Vec::with_capacity(steps.len());
        for scores in steps {
            let mut now = vec![NEVER; self.classes.len()];
            for s in self.possible(all.len(), steps.len()) {
                let from = match all.last() {
                    None => 0.0,
                    Some(before) => {
                        let one = if s >= 1 { before[s - 1] } else { NEVER };
                        let two = if self.skips[s] { before[s - 2] } else { NEVER };
                        log_sum([before[s], one, two])
                    }
                };
                now[s] = from + f64::from(scores[self.classes[s]]);
            }
            all.push(now);
        }
        all
    }

    /// For each step the logarithms of what follows each state, without its own step.
    fn backward(&self, steps: &[&[f32]]) -> Vec<Vec<f64>> {
        let count = self.classes.len();
        let mut all: Vec<Vec<f64>> = Vec::with_capacity(steps.len());
        for step in (0..steps.len()).rev() {
            let mut now = vec![NEVER; count];
            let next = |s: usize| match all.last() {
                Some(after) if s < count => after[s] + f64::from(steps[step + 1][self.classes[s]]),
                _ => NEVER,
            };
            for s in self.possible(step, steps.len()) {
                let skips = self.skips.get(s + 2) == Some(&true);
                now[s] = match all.last() {
                    None => 0.0,
                    Some(_) => log_sum([
                        next(s),
                        next(s + 1),
                        if skips { next(s + 2) } else { NEVER },
                    ]),
                };
            }
            all.push(now);
        }
        all.reverse();
        all
    }

    /// States that can be reached from the start, and from which the end can be.
    fn possible(&self, step: usize, steps: usize) -> Range<usize> {
        let count = self.classes.len();
        let left = 2 * (steps - step);
        count.saturating_sub(left)..count.min(2 * step + 2)
    }
}

/// Logarithm of the sum of exponentials.
fn log_sum(values: impl IntoIterator<Item = f64> + Clone) -> f64 {
    let most = values.clone().into_iter().fold(NEVER, f64::max);
    if most == NEVER {
        return most;
    }
    let sum: f64 = values.into_iter().map(|value| (value - most).exp()).sum();
    most + sum.ln()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn log_softmax(logits: &[f32], classes: usize) -> Vec<f32> {
        let rows = logits.chunks_exact(classes);
        rows.flat_map(|row| {
            let sum: f32 = row.iter().map(|x| x.exp()).sum();
            row.iter().map(move |x| x - sum.ln()).collect::<Vec<_>>()
        })
        .collect()
    }

    fn logits(steps: usize, classes: usize) -> Vec<f32> {
        (0..steps * classes)
            .map(|i| ((i * 7919 + 13) % 101) as f32 / 25.0 - 2.0)
            .collect()
    }

    /// All sequences of classes, each read and compared.
    fn enumerated(log_probs: &[f32], classes: usize, target: &[usize]) -> f64 {
        let steps = log_probs.len() / classes;
        let mut total = 0.0;
        for mut code in 0..classes.pow(steps as u32) {
            let mut path = vec![];
            for _ in 0..steps {
                path.push(code % classes);
                code /= classes;
            }
            let mut text = path.clone();
            text.dedup();
            text.retain(|c| *c != BLANK);
            if text == target {
                let log: f64 = (0..steps)
                    .map(|t| f64::from(log_probs[t * classes + path[t]]))
                    .sum();
                total += log.exp();
            }
        }
        -total.ln()
    }

    #[test]
    fn loss_sums_over_all_alignments() {
        for target in [&[][..], &[1], &[1, 2], &[1, 1], &[2, 1, 2], &[1, 1, 2]] {
            let log_probs = log_softmax(&logits(5, 3), 3);
            let found = f64::from(loss(&log_probs, 3, target).unwrap().value);
            let expected = enumerated(&log_probs, 3, target);
            assert!(
                (found - expected).abs() < 1e-5,
                "{target:?}: {found}, not {expected}"
            );
        }
    }

    #[test]
    fn gradient_matches_differences() {
        let (logits, target) = (logits(6, 4), [3, 1, 1]);
        let of = |logits: &[f32]| loss(&log_softmax(logits, 4), 4, &target).unwrap();
        let gradient = of(&logits).gradient;
        for i in 0..logits.len() {
            let moved = |by: f32| {
                let mut logits = logits.clone();
                logits[i] += by;
                f64::from(of(&logits).value)
            };
            let difference = (moved(0.01) - moved(-0.01)) / 0.02;
            assert!((f64::from(gradient[i]) - difference).abs() < 1e-3, "{i}");
        }
    }

    #[test]
    fn long_lines_do_not_underflow() {
        let log_probs = log_softmax(&logits(5000, 90), 90);
        let target: Vec<usize> = (0..1200).map(|i| 1 + i * 31 % 89).collect();
        let found = loss(&log_probs, 90, &target).unwrap();
        assert!(found.value.is_finite() && found.value > 1000.0);
        assert!(found.gradient.iter().all(|g| g.is_finite()));
    }

    #[test]
    fn too_long_a_target_has_no_loss() {
        let log_probs = log_softmax(&logits(3, 3), 3);
        assert!(loss(&log_probs, 3, &[1, 2, 1]).is_some());
        assert!(loss(&log_probs, 3, &[1, 1, 2]).is_none());
        assert!(loss(&[], 3, &[1]).is_none());
    }

    #[test]
    fn greedy_joins_repeats_and_leaves_blanks_out() {
        let path = [0, 1, 1, 0, 1, 2, 2, 0];
        let mut log_probs = vec![-5.0; path.len() * 3];
        for (step, class) in path.into_iter().enumerate() {
            log_probs[step * 3 + class] = -0.1 * (step + 1) as f32;
        }
        let found = greedy(&log_probs, 3);
        let steps: Vec<_> = found.iter().map(|s| (s.class, s.steps.clone())).collect();
        assert_eq!(steps, [(1, 1..3), (1, 4..5), (2, 5..7)]);
        assert_eq!(found[0].log_confidence, -0.2);
        assert!(greedy(&[], 3).is_empty());
    }
}

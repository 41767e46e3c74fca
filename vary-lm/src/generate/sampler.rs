use std::borrow::Cow;
use std::cmp::Ordering;

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::{GeneratedToken, Sampling};
use crate::{Error, Result};

/// Chooses tokens from logits.
#[derive(Debug)]
pub(super) enum Sampler {
    Greedy,
    Random {
        sampling: Sampling,
        rng: Box<ChaCha8Rng>,
    },
}

impl Sampler {
    pub(super) fn new(sampling: Option<Sampling>) -> Self {
        match sampling {
            None => Self::Greedy,
            Some(sampling) => Self::Random {
                sampling,
                rng: Box::new(ChaCha8Rng::seed_from_u64(sampling.seed)),
            },
        }
    }

    /// Picks from `logits` `[vocab]`, the ones that choose new token number `step` (from 0), none
    /// of the `banned` tokens.
    pub(super) fn pick(
        &mut self,
        logits: &[f32],
        banned: &[u32],
        step: usize,
    ) -> Result<GeneratedToken> {
        let mut allowed = Cow::Borrowed(logits);
        for &id in banned {
            if let Some(logit) = allowed.to_mut().get_mut(id as usize) {
                *logit = f32::NEG_INFINITY;
            }
        }
        let likeliest = argmax(&allowed, step)?;
        let index = match self {
            Self::Greedy => likeliest,
            Self::Random { sampling, rng } => draw(
                &nucleus(&allowed, f64::from(logits[likeliest]), sampling),
                rng.random::<f64>(),
                likeliest,
            ),
        };
        let max = f64::from(logits.iter().copied().fold(f32::NEG_INFINITY, f32::max));
        let mass: f64 = logits.iter().map(|&x| (f64::from(x) - max).exp()).sum();
        let logprob = (f64::from(logits[index]) - max - mass.ln()) as f32;
        Ok(GeneratedToken {
            id: index as u32,
            logprob,
        })
    }
}

/// The highest logit; of equal ones the lowest id.
fn argmax(logits: &[f32], step: usize) -> Result<usize> {
    let invalid = |reason: String| Error::Logits { step, reason };
    if let Some(id) = logits
        .iter()
        .position(|x| x.is_nan() || *x == f32::INFINITY)
    {
        return Err(invalid(format!("the one of token {id} is {}", logits[id])));
    }
    let best = (0..logits.len())
        .reduce(|best, i| if logits[i] > logits[best] { i } else { best })
        .ok_or_else(|| invalid("there are none".into()))?;
    if logits[best] == f32::NEG_INFINITY {
        return Err(invalid("all are -inf, or of banned tokens".into()));
    }
    Ok(best)
}

/// Tokens that may be drawn with their weights (not normalised); likeliest first where some are cut
/// off, else in the vocabulary's order, as sorting it at every token takes time.
fn nucleus(logits: &[f32], max: f64, sampling: &Sampling) -> Vec<(usize, f64)> {
    let temperature = f64::from(sampling.temperature);
    let mut tokens: Vec<(usize, f64)> = logits
        .iter()
        .enumerate()
        .map(|(id, &x)| (id, ((f64::from(x) - max) / temperature).exp()))
        .filter(|&(_, weight)| weight > 0.0)
        .collect();
    let cuts_k = sampling.top_k.filter(|&k| k < tokens.len());
    if cuts_k.is_none() && sampling.top_p >= 1.0 {
        return tokens;
    }
    let likelier = |a: &(usize, f64), b: &(usize, f64)| -> Ordering {
        b.1.total_cmp(&a.1).then(a.0.cmp(&b.0))
    };
    if let Some(k) = cuts_k {
        tokens.select_nth_unstable_by(k, likelier);
        tokens.truncate(k);
    }
    tokens.sort_unstable_by(likelier);
    if sampling.top_p < 1.0 {
        let wanted = f64::from(sampling.top_p) * tokens.iter().map(|t| t.1).sum::<f64>();
        let mut held = 0.0;
        let kept = tokens.iter().take_while(|(_, weight)| {
            let missing = held < wanted;
            held += weight;
            missing
        });
        let kept = kept.count();
        tokens.truncate(kept);
    }
    tokens
}

/// The token at `point` (in `[0, 1)`) of the mass; `fallback` where rounding leaves none.
fn draw(tokens: &[(usize, f64)], point: f64, fallback: usize) -> usize {
    let mut left = point * tokens.iter().map(|t| t.1).sum::<f64>();
    for &(id, weight) in tokens {
        left -= weight;
        if left < 0.0 {
            return id;
        }
    }
    tokens.last().map_or(fallback, |t| t.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ids(logits: &[f32], sampling: Sampling) -> Vec<usize> {
        let max = logits.iter().copied().fold(f32::NEG_INFINITY, f32::max);
        nucleus(logits, max.into(), &sampling)
            .iter()
            .map(|t| t.0)
            .collect()
    }

    /// Logits of the probabilities 0.5, 0.25, 0.125, 0.125 in mixed order.
    fn halves() -> Vec<f32> {
        [0.125f32, 0.5, 0.125, 0.25].map(f32::ln).to_vec()
    }

    #[test]
    fn top_p_keeps_crossing_token() {
        let keep = |top_p| {
            ids(
                &halves(),
                Sampling {
                    top_p,
                    ..Default::default()
                },
            )
        };
        assert_eq!(keep(0.1), [1]);
        assert_eq!(keep(0.49), [1]);
        assert_eq!(keep(0.51), [1, 3]);
        assert_eq!(keep(0.76), [1, 3, 0]);
        assert_eq!(keep(0.99), [1, 3, 0, 2]);
        assert_eq!(keep(1.0), [0, 1, 2, 3], "nothing is cut off");
    }

    #[test]
    fn top_p_applies_after_top_k() {
        let keep = |top_k, top_p| {
            ids(
                &halves(),
                Sampling {
                    top_p,
                    top_k: Some(top_k),
                    ..Default::default()
                },
            )
        };
        assert_eq!(keep(2, 1.0), [1, 3]);
        assert_eq!(
            keep(3, 1.0),
            [1, 3, 0],
            "of equal tokens the lowest id is kept"
        );
        assert_eq!(keep(2, 0.6), [1], "0.5 of 0.75 is two thirds");
        assert_eq!(keep(9, 1.0), [0, 1, 2, 3], "nothing is cut off");
    }

    #[test]
    fn temperature_changes_the_nucleus() {
        let keep = |temperature| {
            ids(
                &halves(),
                Sampling {
                    temperature,
                    top_p: 0.6,
                    ..Default::default()
                },
            )
        };
        assert_eq!(keep(1.0), [1, 3]);
        assert_eq!(keep(0.1), [1]);
        assert_eq!(keep(10.0).len(), 3);
    }

    #[test]
    fn drawing_follows_the_weights() {
        let tokens = [(7, 3.0), (2, 1.0)];
        assert_eq!(draw(&tokens, 0.0, 0), 7);
        assert_eq!(draw(&tokens, 0.74, 0), 7);
        assert_eq!(draw(&tokens, 0.76, 0), 2);
        assert_eq!(draw(&tokens, 0.999_999, 0), 2);
    }
}

use std::fmt;
use std::sync::{Mutex, PoisonError};

use serde::Serialize;

use super::order::{mix, permute};
use super::{Conversation, Dataset};
use crate::{Error, Result};

/// Data sets mixed into one endless data order.
///
/// The order consists of rounds. A round holds each data set's share, randomly interleaved; each
/// data set is traversed in an order that is random for every pass. Without weights a round is one
/// pass through all data sets. All of it is a function of seed and index.
pub struct Mixture {
    sets: Vec<Set>,
    /// Places of a round.
    round: u64,
    seed: u64,
    skipped: Mutex<Skipped>,
}

struct Set {
    data: Box<dyn Dataset>,
    /// Places of a round that belong to this data set, and the first of them before shuffling.
    share: u64,
    start: u64,
}

/// Minimum places of a round with weights: shares are rounded to whole places.
const ROUND: u64 = 4096;

impl Mixture {
    /// Mixes data sets by their weights; the weight of one without is its size.
    ///
    /// # Errors
    /// [`Error::Config`] without data sets, for an empty one, and for a weight that is not above 0.
    pub fn new(sets: Vec<(Box<dyn Dataset>, Option<f64>)>, seed: u64) -> Result<Self> {
        if sets.is_empty() || sets.iter().any(|(data, _)| data.is_empty()) {
            let reason = "a mixture needs at least one data set, and no empty ones";
            return Err(Error::Config(reason.into()));
        }
        let total: u64 = sets.iter().map(|(data, _)| data.len() as u64).sum();
        let weighted = sets.iter().any(|(_, weight)| weight.is_some());
        let round = if weighted { total.max(ROUND) } else { total };
        let of_set =
            |(data, weight): &(Box<dyn Dataset>, Option<f64>)| weight.unwrap_or(data.len() as f64);
        let shares = shares(&sets.iter().map(of_set).collect::<Vec<_>>(), round)?;
        let mut skipped = Skipped::default();
        let mut start = 0;
        let mut mixed = vec![];
        for ((data, _), share) in sets.into_iter().zip(shares) {
            skipped.left_out.extend_from_slice(data.left_out());
            mixed.push(Set { data, share, start });
            start += share;
        }
        Ok(Self {
            sets: mixed,
            round,
            seed,
            skipped: Mutex::new(skipped),
        })
    }

    /// Identifies the data order: seed, sizes and shares. See
    /// [`Objective::identity`](crate::train::Objective::identity).
    pub fn identity(&self) -> String {
        let sets = self
            .sets
            .iter()
            .map(|set| format!("{}:{}", set.data.len(), set.share));
        let sets: Vec<String> = sets.collect();
        format!("seed {}, sets {}", self.seed, sets.join(" "))
    }

    /// Number of conversations of all data sets.
    pub fn len(&self) -> usize {
        self.sets.iter().map(|set| set.data.len()).sum()
    }

    /// Whether there are none: always false.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The conversation at `index` of the data order. `attempt` is 0; if that conversation can't be
    /// used, further attempts return others of the same round.
    ///
    /// # Errors
    /// Those of the data set, see [`Dataset::get`].
    pub fn conversation(&self, index: u64, attempt: u64) -> Result<Conversation> {
        let (round, place) = (index / self.round, index % self.round);
        let place = match attempt {
            0 => place,
            _ => mix(mix(index ^ self.seed).wrapping_add(attempt)) % self.round,
        };
        let slot = permute(self.seed, round, self.round, place);
        let number = self
            .sets
            .partition_point(|set| set.start + set.share <= slot);
        let set = &self.sets[number];
        let size = set.data.len() as u64;
        let at = round * set.share + (slot - set.start);
        let (epoch, at) = (at / size, at % size);
        // Each data set has an order of its own.
        let seed = mix(self.seed).wrapping_add(number as u64);
        let item = permute(seed, epoch, size, at);
        set.data.get(item as usize, epoch)
    }

    /// Counts a conversation that was skipped, with its origin and the reason.
    pub fn skip(&self, what: String) {
        let mut skipped = self.skipped.lock().unwrap_or_else(PoisonError::into_inner);
        skipped.add(what);
    }

    /// What the data sets left out, and what was skipped so far.
    pub fn skipped(&self) -> Skipped {
        let skipped = self.skipped.lock().unwrap_or_else(PoisonError::into_inner);
        skipped.clone()
    }
}

/// Places of a round for each of the weights; together they are the whole round.
fn shares(weights: &[f64], round: u64) -> Result<Vec<u64>> {
    let wrong = |reason: String| Err(Error::Config(reason));
    if let Some(bad) = weights.iter().find(|w| !(**w > 0.0 && w.is_finite())) {
        return wrong(format!(
            "a data set of the mixture has the weight {bad}; it has to be above 0"
        ));
    }
    let sum: f64 = weights.iter().sum();
    if !sum.is_finite() {
        return wrong("the weights of the mixture are too large to be added".into());
    }
    let (mut done, mut start) = (0.0, 0);
    let mut shares = vec![];
    for (number, weight) in weights.iter().enumerate() {
        // Rounded sums instead of rounded shares: together they are exactly a round.
        done += weight;
        let end = (done / sum * round as f64).round() as u64;
        if end == start {
            return wrong(format!(
                "data set {number} of the mixture gets none of the {round} places of a round: its \
                 weight is {weight}, the sum of all weights {sum} (the weight of a data set \
                 without one is its size)"
            ));
        }
        shares.push(end - start);
        start = end;
    }
    Ok(shares)
}

/// Data that was not used.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Skipped {
    /// What data sets left out when they were opened, with the reasons.
    pub left_out: Vec<String>,
    /// How often something was skipped; one conversation may count once in each epoch.
    pub count: u64,
    /// The first of them, with the reasons.
    pub examples: Vec<String>,
}

impl Skipped {
    fn add(&mut self, what: String) {
        self.count += 1;
        if self.examples.len() < 10 && !self.examples.contains(&what) {
            self.examples.push(what);
        }
    }
}

impl fmt::Display for Skipped {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for what in &self.left_out {
            writeln!(f, "left out: {what}")?;
        }
        if self.count > 0 {
            writeln!(f, "skipped: {} conversations, such as", self.count)?;
        }
        for example in &self.examples {
            writeln!(f, "  {example}")?;
        }
        Ok(())
    }
}

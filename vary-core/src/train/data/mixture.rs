use std::fmt;
use std::sync::{Mutex, PoisonError};

use serde::Serialize;

use super::order::{mix, permute};
use super::{Conversation, Dataset};
use crate::{Error, Result};

/// Sets put into one endless data order.
///
/// The order is cut into rounds. A round has of each set its share, in places drawn by lot; each set
/// is gone through in an order that is drawn anew for every pass. Without weights a round is one pass
/// through all sets. All of it is a function of seed and place.
pub struct Mixture {
    sets: Vec<Set>,
    /// Places of a round.
    round: u64,
    seed: u64,
    skipped: Mutex<Skipped>,
}

struct Set {
    data: Box<dyn Dataset>,
    /// Places of a round that are this set's, and the first of them before they are shuffled.
    share: u64,
    start: u64,
}

/// Fewest places of a round with weights: shares are rounded to whole places.
const ROUND: u64 = 4096;

impl Mixture {
    /// Mixes sets by their weights; a set without one counts by its size.
    ///
    /// # Errors
    /// [`Error::Config`] without sets, for an empty set, and for a weight that is not above 0.
    pub fn new(sets: Vec<(Box<dyn Dataset>, Option<f64>)>, seed: u64) -> Result<Self> {
        let wrong = |reason: String| Err(Error::Config(reason));
        if sets.is_empty() || sets.iter().any(|(data, _)| data.is_empty()) {
            return wrong("a mixture needs at least one set, and no empty ones".into());
        }
        let size = |data: &dyn Dataset| data.len() as u64;
        let total: u64 = sets.iter().map(|(data, _)| size(&**data)).sum();
        let weighted = sets.iter().any(|(_, weight)| weight.is_some());
        let round = if weighted { total.max(ROUND) } else { total };
        let weight = |(data, weight): &(Box<dyn Dataset>, Option<f64>)| {
            weight.unwrap_or(size(&**data) as f64)
        };
        if let Some(bad) = sets
            .iter()
            .map(weight)
            .find(|w| !(*w > 0.0 && w.is_finite()))
        {
            return wrong(format!(
                "a set of the mixture has the weight {bad}; it has to be above 0"
            ));
        }
        let sum: f64 = sets.iter().map(weight).sum();
        if !sum.is_finite() {
            return wrong("the weights of the mixture are too large to be added".into());
        }
        let mut skipped = Skipped::default();
        let (mut done, mut start) = (0.0, 0);
        let mut mixed = vec![];
        for set in sets {
            // Rounded sums instead of rounded shares: together they are exactly a round.
            done += weight(&set);
            let end = (done / sum * round as f64).round() as u64;
            if end == start {
                return wrong(format!(
                    "set {} of the mixture gets none of the {round} places of a round: its weight is {}, all weights are {sum} together (a set without one counts by its size)",
                    mixed.len(),
                    weight(&set)
                ));
            }
            skipped.left_out.extend_from_slice(set.0.left_out());
            mixed.push(Set {
                data: set.0,
                share: end - start,
                start,
            });
            start = end;
        }
        Ok(Self {
            sets: mixed,
            round,
            seed,
            skipped: Mutex::new(skipped),
        })
    }

    /// What the data order depends on: seed, sizes and shares.
    pub fn identity(&self) -> String {
        let sets = self
            .sets
            .iter()
            .map(|set| format!("{}:{}", set.data.len(), set.share));
        let sets: Vec<String> = sets.collect();
        format!("seed {}, sets {}", self.seed, sets.join(" "))
    }

    /// Conversations of all sets.
    pub fn len(&self) -> usize {
        self.sets.iter().map(|set| set.data.len()).sum()
    }

    /// Whether there are none; never.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The conversation at place `index` of the data order; where that can't be used, the one of
    /// another `attempt`, from 0, is at another place of the same round.
    ///
    /// # Errors
    /// Those of the set, see [`Dataset::get`].
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
        // Each set has an order of its own.
        let seed = mix(self.seed).wrapping_add(number as u64);
        let item = permute(seed, epoch, size, at);
        set.data.get(item as usize, epoch)
    }

    /// Counts something that was skipped.
    pub fn skip(&self, what: String) {
        let mut skipped = self.skipped.lock().unwrap_or_else(PoisonError::into_inner);
        skipped.add(what);
    }

    /// What was left out, and skipped since this was made.
    pub fn skipped(&self) -> Skipped {
        let skipped = self.skipped.lock().unwrap_or_else(PoisonError::into_inner);
        skipped.clone()
    }
}

/// Data that was not used.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Skipped {
    /// What sets left out when they were opened, with the reasons.
    pub left_out: Vec<String>,
    /// How often something was skipped; a conversation may be in each epoch.
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

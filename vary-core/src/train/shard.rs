/// A worker's share of a list: every `world`-th item from index `rank` on.
///
/// The shares of all ranks are disjoint, together they are the whole list, and they differ in
/// length by one at most.
///
/// ```
/// use vary_core::train::Shard;
///
/// let shard = Shard { rank: 1, world: 3 };
/// let own: Vec<_> = shard.of(&["a", "b", "c", "d", "e"]).collect();
/// assert_eq!(own, [(1, &"b"), (4, &"e")]);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shard {
    /// Number of the worker, below `world`.
    pub rank: usize,
    /// Number of workers, at least 1.
    pub world: usize,
}

impl Shard {
    /// This worker's items, with their places in the list.
    pub fn of<T>(self, items: &[T]) -> impl Iterator<Item = (usize, &T)> {
        items
            .iter()
            .enumerate()
            .skip(self.rank)
            .step_by(self.world.max(1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_are_disjoint_and_complete() {
        for len in [0, 1, 7, 64, 101] {
            let items: Vec<usize> = (100..100 + len).collect();
            for world in 1..9 {
                let mut seen = vec![];
                for rank in 0..world {
                    let share: Vec<_> = Shard { rank, world }.of(&items).collect();
                    assert!(share.len() >= len / world && share.len() <= len.div_ceil(world));
                    assert!(share.iter().all(|(at, item)| items[*at] == **item));
                    seen.extend(share.into_iter().map(|(at, _)| at));
                }
                seen.sort_unstable();
                assert_eq!(seen, (0..len).collect::<Vec<_>>(), "{len} {world}");
            }
        }
    }
}

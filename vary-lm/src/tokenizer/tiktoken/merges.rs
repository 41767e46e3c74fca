use std::collections::HashMap;

/// The two tokens that tiktoken joins last when it forms `token`; `None` when `token` is a single
/// byte or merging ends with several tokens.
///
/// One merge per token, in the order of the ranks, is exact. tiktoken joins any neighbours that
/// form a token, lowest rank first, leftmost among equals. The joins inside a token do not depend
/// on the text around it, as none crosses its ends, so the last one is always of the same pair. A
/// list of all pairs that form a token would not be exact: it ranks the pairs of one token, where
/// tiktoken takes the leftmost.
pub(super) fn last<'a>(
    token: &'a [u8],
    ranks: &HashMap<&[u8], u32>,
) -> Option<(&'a [u8], &'a [u8])> {
    let rank = |start: usize, end: usize| ranks.get(&token[start..end]).copied();
    // Where each part starts, and the rank of the part joined with the next.
    let mut parts: Vec<(usize, Option<u32>)> = (0..token.len())
        .map(|i| (i, (i + 2 <= token.len()).then(|| rank(i, i + 2)).flatten()))
        .collect();
    while parts.len() > 2 {
        let lowest = parts
            .iter()
            .enumerate()
            .filter_map(|(i, p)| Some((p.1?, i)));
        let (_, i) = lowest.min()?;
        parts.remove(i + 1);
        // Start of the part `n` places on, or the end of the token.
        let bound = |n: usize| match parts.get(n) {
            Some((start, _)) => Some(*start),
            None => (n == parts.len()).then_some(token.len()),
        };
        let joined = |i: usize| rank(parts[i].0, bound(i + 2)?);
        let right = joined(i);
        let left = i.checked_sub(1).map(|left| (left, joined(left)));
        parts[i].1 = right;
        if let Some((left, rank)) = left {
            parts[left].1 = rank;
        }
    }
    match parts[..] {
        // The two make `token`, which has a rank.
        [_, (middle, _)] => Some(token.split_at(middle)),
        _ => None,
    }
}

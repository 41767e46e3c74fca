use std::collections::HashMap;

/// The two tokens that tiktoken's merging joins last when it makes `token`; `None` when `token` is
/// a single byte or merging ends with several tokens.
///
/// One merge a token, in the order of the ranks, is all there is. tiktoken joins any neighbours
/// that make a token, lowest rank first and the leftmost among equals. Which joins happen inside
/// a token that arises somewhere does not depend on what is around it, as none of them reaches over
/// its ends: they are those of the token alone, so the last is always the same pair. A list of all
/// pairs that make a token would be longer and not exact: it has to put one of the pairs first, and
/// tiktoken has no order among them but the place in the text.
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

/// Maximum number of words of a text that are compared, which bounds memory; later words count as
/// different.
const MAX_WORDS: usize = 4096;

/// Which words of `a` and which of `b` are in a longest sequence of words common to both. Only the
/// first 4096 words of each are compared; later words are not common.
pub fn common_words(a: &[&str], b: &[&str]) -> (Vec<bool>, Vec<bool>) {
    let (n, m) = (a.len().min(MAX_WORDS), b.len().min(MAX_WORDS));
    // `longest[i][j]`: length of the longest sequence common to `a[i..]` and `b[j..]`.
    let mut longest = vec![0u16; (n + 1) * (m + 1)];
    let at = |i: usize, j: usize| i * (m + 1) + j;
    for i in (0..n).rev() {
        for j in (0..m).rev() {
            longest[at(i, j)] = if a[i] == b[j] {
                longest[at(i + 1, j + 1)] + 1
            } else {
                longest[at(i + 1, j)].max(longest[at(i, j + 1)])
            };
        }
    }
    let (mut in_a, mut in_b) = (vec![false; a.len()], vec![false; b.len()]);
    let (mut i, mut j) = (0, 0);
    while i < n && j < m {
        if a[i] == b[j] {
            (in_a[i], in_b[j]) = (true, true);
            (i, j) = (i + 1, j + 1);
        } else if longest[at(i + 1, j)] >= longest[at(i, j + 1)] {
            i += 1;
        } else {
            j += 1;
        }
    }
    (in_a, in_b)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn common_words_keep_their_order() {
        let (a, b) = (["the", "cat", "sat", "sat"], ["a", "cat", "sat", "the"]);
        let (in_a, in_b) = common_words(&a, &b);
        assert_eq!(in_a, [false, true, true, false]);
        assert_eq!(in_b, [false, true, true, false]);
        assert_eq!(common_words(&[], &["x"]), (vec![], vec![false]));
    }

    #[test]
    fn long_texts_are_truncated() {
        let words = vec!["x"; MAX_WORDS + 2];
        let (in_a, _) = common_words(&words, &words);
        assert_eq!(in_a.iter().filter(|&&c| c).count(), MAX_WORDS);
    }
}

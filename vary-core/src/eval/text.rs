//! Metrics of text: DocVQA, ChartQA and page OCR.

use std::collections::{HashMap, HashSet};

use strsim::{generic_levenshtein, levenshtein};

/// Average normalised Levenshtein similarity of one answer (DocVQA, arXiv 1905.13648): the best of
/// `1 - distance / length of the longer` over the accepted `answers`, 0 if the distance is half the
/// length or more. Case and surrounding white space are ignored. The score of a data set is the
/// mean.
///
/// ```
/// # use vary_core::eval::anls;
/// assert_eq!(anls(" Main St. ", &["main st."]), 1.0);
/// assert_eq!(anls("Broadway", &["main st.", "5th Ave"]), 0.0);
/// ```
pub fn anls<S: AsRef<str>>(prediction: &str, answers: &[S]) -> f64 {
    let plain = |text: &str| text.trim().to_lowercase();
    let prediction = plain(prediction);
    let score = |answer: &S| {
        let distance = normalized_edit_distance(&prediction, &plain(answer.as_ref()));
        if distance < 0.5 { 1.0 - distance } else { 0.0 }
    };
    answers.iter().map(score).fold(0.0, f64::max)
}

/// Relaxed correctness of ChartQA (arXiv 2203.10244): a number may differ by 5 %, other text has to
/// be equal except for case. `12%` is 0.12; text with thousands separators is not a number, and a
/// target of zero is compared as text, as in the scripts of Pix2Struct.
pub fn relaxed_correct(prediction: &str, target: &str) -> bool {
    match (number(prediction), number(target)) {
        (Some(p), Some(t)) if t != 0.0 => (p - t).abs() / t.abs() <= 0.05,
        _ => prediction.to_lowercase() == target.to_lowercase(),
    }
}

fn number(text: &str) -> Option<f64> {
    match text.strip_suffix('%') {
        Some(_) => {
            let percent: f64 = text.trim_end_matches('%').trim().parse().ok()?;
            Some(percent / 100.0)
        }
        None => text.trim().parse().ok(),
    }
}

/// Levenshtein distance in characters over the length of the longer text, 0 to 1; the page metric
/// of Fox and GOT (arXiv 2405.14295, 2409.01704).
pub fn normalized_edit_distance(a: &str, b: &str) -> f64 {
    let longer = a.chars().count().max(b.chars().count());
    levenshtein(a, b) as f64 / longer.max(1) as f64
}

/// Character error rate: edits in characters over the length of the truth. Above 1 for a text much
/// longer than the truth; 0 or 1 for an empty truth.
pub fn character_error_rate(prediction: &str, truth: &str) -> f64 {
    let (edits, length) = character_edits(prediction, truth);
    error_rate(edits, length)
}

/// Word error rate: edits in words, split at white space, over the number of words of the truth.
pub fn word_error_rate(prediction: &str, truth: &str) -> f64 {
    let (edits, length) = word_edits(prediction, truth);
    error_rate(edits, length)
}

/// Edits in characters, and characters of the truth.
pub(super) fn character_edits(prediction: &str, truth: &str) -> (usize, usize) {
    (levenshtein(prediction, truth), truth.chars().count())
}

/// Edits in words, and words of the truth.
pub(super) fn word_edits(prediction: &str, truth: &str) -> (usize, usize) {
    let words = |text: &'_ str| {
        text.split_whitespace()
            .map(str::to_owned)
            .collect::<Vec<_>>()
    };
    let (prediction, truth) = (words(prediction), words(truth));
    (generic_levenshtein(&prediction, &truth), truth.len())
}

pub(super) fn error_rate(edits: usize, truth: usize) -> f64 {
    match truth {
        0 => f64::from(u8::from(edits > 0)),
        n => edits as f64 / n as f64,
    }
}

/// Agreement of two sets of words.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct WordScores {
    /// Share of the predicted words that are in the truth.
    pub precision: f64,
    /// Share of the truth's words that were predicted.
    pub recall: f64,
    /// Harmonic mean of both; 0 without a common word.
    pub f1: f64,
}

/// Precision, recall and F1 between the sets of words of two texts, as in the evaluation of Fox
/// (arXiv 2405.14295). Counts and positions of words are ignored.
pub fn word_scores(prediction: &str, truth: &str) -> WordScores {
    let set = |text| -> HashSet<&str> { str::split_whitespace(text).collect() };
    let (prediction, truth) = (set(prediction), set(truth));
    let common = prediction.intersection(&truth).count() as f64;
    let share = |all: usize| common / all.max(1) as f64;
    let (precision, recall) = (share(prediction.len()), share(truth.len()));
    let f1 = match precision + recall {
        sum if sum > 0.0 => 2.0 * precision * recall / sum,
        _ => 0.0,
    };
    WordScores {
        precision,
        recall,
        f1,
    }
}

/// Sentence BLEU (Papineni et al. 2002) of words with equal weights up to four, without smoothing:
/// 0 if an order has no match.
pub fn bleu4(prediction: &str, truth: &str) -> f64 {
    let words = |text| -> Vec<&str> { str::split_whitespace(text).collect() };
    let (prediction, truth) = (words(prediction), words(truth));
    let mut log_sum = 0.0;
    for n in 1..=4 {
        let known = ngrams(&truth, n);
        let predicted = ngrams(&prediction, n);
        let matches: usize = predicted
            .iter()
            .map(|(ngram, &count)| count.min(known.get(ngram).copied().unwrap_or(0)))
            .sum();
        if matches == 0 {
            return 0.0;
        }
        let all = prediction.len() + 1 - n;
        log_sum += (matches as f64 / all as f64).ln() / 4.0;
    }
    let brevity = (1.0 - truth.len() as f64 / prediction.len() as f64).min(0.0);
    (brevity + log_sum).exp()
}

fn ngrams<'a, 'b>(words: &'b [&'a str], n: usize) -> HashMap<&'b [&'a str], usize> {
    let mut counts = HashMap::new();
    for ngram in words.windows(n) {
        *counts.entry(ngram).or_insert(0) += 1;
    }
    counts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn error_rates() {
        assert_eq!(character_error_rate("kitten", "sitting"), 3.0 / 7.0);
        assert_eq!(character_error_rate("", ""), 0.0);
        assert_eq!(character_error_rate("x", ""), 1.0);
        assert_eq!(word_error_rate("the cat  sat", "the cat sat down"), 0.25);
        assert_eq!(word_error_rate("a b c d", "x"), 4.0);
        // Characters, not bytes.
        assert_eq!(character_error_rate("é", "e"), 1.0);
    }

    #[test]
    fn empty_texts() {
        let none = WordScores {
            precision: 0.0,
            recall: 0.0,
            f1: 0.0,
        };
        for (a, b) in [("", ""), ("a", ""), ("", "a"), ("a", "b")] {
            assert_eq!(word_scores(a, b), none, "{a:?} {b:?}");
            assert_eq!(bleu4(a, b), 0.0);
        }
        assert_eq!(anls::<&str>("a", &[]), 0.0);
        assert_eq!(normalized_edit_distance("", ""), 0.0);
    }
}

use serde::{Deserialize, Serialize};

use super::text::{character_edits, error_rate, word_edits};
use super::{
    Calibration, CalibrationSummary, anls, bleu4, common_words, normalized_edit_distance,
    relaxed_correct, word_scores,
};
use crate::pipeline::Answer;

/// Metrics of text. If a question has several references, ANLS and relaxed accuracy take the best
/// of them by definition; all other metrics take the one with the smallest edit distance to the
/// answer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TextSummary {
    /// Mean of [`anls`], 0 to 1.
    pub anls: f64,
    /// Share of the answers that are [`relaxed_correct`], 0 to 1.
    pub relaxed_accuracy: f64,
    /// Mean of [`normalized_edit_distance`], 0 (same) to 1.
    pub edit_distance: f64,
    /// Mean over the answers of the [character error rate](crate::eval::character_error_rate).
    pub cer: f64,
    /// Mean over the answers of the [word error rate](crate::eval::word_error_rate).
    pub wer: f64,
    /// Character error rate over all answers as one text: sum of the edits over the sum of lengths.
    pub pooled_cer: f64,
    /// Word error rate over all answers as one text.
    pub pooled_wer: f64,
    /// Mean precision of [`word_scores`], 0 to 1.
    pub word_precision: f64,
    /// Mean recall of [`word_scores`], 0 to 1.
    pub word_recall: f64,
    /// Mean F1 of [`word_scores`], 0 to 1.
    pub word_f1: f64,
    /// Mean of [`bleu4`], 0 to 1.
    pub bleu: f64,
    /// Calibration of the scores of words; a word is correct if it is in a longest sequence of
    /// words common to answer and reference.
    pub calibration: CalibrationSummary,
}

/// Collects answers of text.
#[derive(Debug, Clone, Default)]
pub(super) struct TextSums {
    count: usize,
    /// ANLS, relaxed accuracy, edit distance, CER, WER, word precision, recall, F1, BLEU.
    sums: [f64; 9],
    characters: (usize, usize),
    words: (usize, usize),
    calibration: Calibration,
}

impl TextSums {
    /// Adds an answer; returns its similarity to the closest reference, 0 to 1.
    pub fn add(&mut self, references: &[String], answer: &Answer) -> f64 {
        let text = answer.text.trim();
        let truth = closest_reference(references, text);
        let characters = character_edits(text, truth);
        let words = word_edits(text, truth);
        let distance = normalized_edit_distance(text, truth);
        let agreement = word_scores(text, truth);
        let relaxed = references.iter().any(|r| relaxed_correct(text, r.trim()));
        let values = [
            anls(text, references),
            f64::from(u8::from(relaxed)),
            distance,
            error_rate(characters.0, characters.1),
            error_rate(words.0, words.1),
            agreement.precision,
            agreement.recall,
            agreement.f1,
            bleu4(text, truth),
        ];
        for (sum, value) in self.sums.iter_mut().zip(values) {
            *sum += value;
        }
        self.count += 1;
        let plus = |a: (usize, usize), b: (usize, usize)| (a.0 + b.0, a.1 + b.1);
        self.characters = plus(self.characters, characters);
        self.words = plus(self.words, words);

        let answered = answer.words();
        let plain: Vec<&str> = answered.iter().map(|word| word.text).collect();
        let expected: Vec<&str> = truth.split_whitespace().collect();
        let (correct, _) = common_words(&plain, &expected);
        for (word, correct) in answered.iter().zip(correct) {
            self.calibration.add(word.score, correct);
        }
        1.0 - distance
    }

    /// The numbers over all answers added so far, of which there is at least one.
    pub fn summary(&self) -> TextSummary {
        let mean = |i: usize| self.sums[i] / self.count.max(1) as f64;
        TextSummary {
            anls: mean(0),
            relaxed_accuracy: mean(1),
            edit_distance: mean(2),
            cer: mean(3),
            wer: mean(4),
            pooled_cer: error_rate(self.characters.0, self.characters.1),
            pooled_wer: error_rate(self.words.0, self.words.1),
            word_precision: mean(5),
            word_recall: mean(6),
            word_f1: mean(7),
            bleu: mean(8),
            calibration: self.calibration.summary(),
        }
    }
}

/// The reference with the smallest edit distance to `text`, without surrounding white space; empty
/// if there is no reference.
pub fn closest_reference<'a>(references: &'a [String], text: &str) -> &'a str {
    if let [only] = references {
        return only.trim();
    }
    let distance = |reference: &&str| normalized_edit_distance(text, reference);
    let references = references.iter().map(|reference| reference.trim());
    references
        .min_by(|a, b| distance(a).total_cmp(&distance(b)))
        .unwrap_or_default()
}

//! Recognition of text lines: from the scores of steps along a line to its characters.

pub mod ctc;

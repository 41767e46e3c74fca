use std::ops::Range;

use super::COORD_MAX;

/// What [`parse_answer`] found in a model's answer.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct ParsedAnswer {
    /// The boxes, in the order of the text.
    pub boxes: Vec<ParsedBox>,
    /// The pieces of text that are neither a box nor its label, without blanks around them.
    pub unparsed: Vec<String>,
}

/// A box in a model's answer. All spans are byte ranges of the text that was parsed.
#[derive(Debug, Clone, PartialEq)]
pub struct ParsedBox {
    /// Name of the class; empty where the answer gives none.
    pub label: String,
    /// Where the label stands; the boxes of one class share it. Empty without a label.
    pub label_span: Range<usize>,
    /// `x1, y1, x2, y2` in 0..=1000 of the picture's width and height, `x1 <= x2` and `y1 <= y2`.
    pub coords: [f32; 4],
    /// Where each coordinate's digits stand, in the order of `coords`.
    pub coord_spans: [Range<usize>; 4],
    /// The box from its opening to its closing bracket.
    pub span: Range<usize>,
}

impl ParsedBox {
    /// Confidence in 0..=1: the probability of the label times the geometric mean of those of the
    /// four coordinates, each the product over the tokens that spell it.
    ///
    /// `tokens` gives for each token the bytes of the text that it covers and the natural logarithm
    /// of its probability. Brackets and commas are left out, they are all but certain. 0 where a
    /// coordinate has no token.
    pub fn score(&self, tokens: &[(Range<usize>, f32)]) -> f32 {
        let log_prob = |span: &Range<usize>| {
            let touching = tokens
                .iter()
                .filter(|(token, _)| token.start.max(span.start) < token.end.min(span.end));
            touching
                .map(|(_, log_prob)| f64::from(*log_prob))
                .reduce(|sum, log_prob| sum + log_prob)
        };
        let coords: Option<Vec<f64>> = self.coord_spans.iter().map(log_prob).collect();
        let Some(coords) = coords else { return 0.0 };
        let label = log_prob(&self.label_span).unwrap_or(0.0);
        (label + coords.iter().sum::<f64>() / coords.len() as f64).exp() as f32
    }
}

/// Reads the boxes out of a model's answer. Never fails, whatever the text is.
///
/// Understood are the format of [`format_answer`](super::format_answer) and what models make of it:
/// numbers without padding or with decimals, any or no blanks, a missing full stop, full-width
/// punctuation and brackets, brackets around a list of boxes, and boxes without a label. Swapped
/// corners are put in order and numbers outside 0..=1000 clamped. A bracket with more or fewer
/// than four numbers, with other content, or cut off by the end of the text is returned in
/// [`ParsedAnswer::unparsed`]. A box without a label of its own has that of the box before it.
pub fn parse_answer(text: &str) -> ParsedAnswer {
    let mut answer = ParsedAnswer::default();
    let mut label = 0..0;
    let mut cursor = 0;
    while let Some(first) = find(text, cursor, is_open) {
        if let Some(own) = split_lead(text, cursor..first.start, &mut answer.unparsed) {
            label = own;
        }
        let mut open = first;
        while let Some(inner) = find(text, open.end, |c| !c.is_whitespace())
            && text[inner.clone()].starts_with(is_open)
        {
            open = inner;
        }
        let numbers = read_numbers(text, open.end);
        // Past the numbers there is a closing bracket, or something that does not belong here.
        let close = find(text, numbers.end, |c| is_open(c) || is_close(c))
            .filter(|bracket| text[bracket.clone()].starts_with(is_close));
        let end = match &close {
            Some(close) => close.end,
            None => numbers.end,
        };
        match (<[_; 4]>::try_from(numbers.found), close) {
            (Ok(found), Some(close)) if close.start == numbers.end => {
                answer
                    .boxes
                    .push(to_box(text, &label, found, open.start..end));
            }
            _ => answer
                .unparsed
                .push(text[open.start..end].trim().to_string()),
        }
        cursor = end;
    }
    if let Some(rest) = split_lead(text, cursor..text.len(), &mut answer.unparsed) {
        answer.unparsed.push(text[rest].to_string());
    }
    answer
}

fn to_box(
    text: &str,
    label: &Range<usize>,
    found: [(f32, Range<usize>); 4],
    span: Range<usize>,
) -> ParsedBox {
    let [mut x1, mut y1, mut x2, mut y2] = found;
    if x1.0 > x2.0 {
        std::mem::swap(&mut x1, &mut x2);
    }
    if y1.0 > y2.0 {
        std::mem::swap(&mut y1, &mut y2);
    }
    ParsedBox {
        label: text[label.clone()].to_string(),
        label_span: label.clone(),
        coords: [x1.0, y1.0, x2.0, y2.0],
        coord_spans: [x1.1, y1.1, x2.1, y2.1],
        span,
    }
}

/// Splits what stands between two boxes: a label is the last piece, earlier ones have no box.
fn split_lead(text: &str, lead: Range<usize>, unparsed: &mut Vec<String>) -> Option<Range<usize>> {
    let is_break = |c: char| matches!(c, '\n' | '\r' | ';' | '；') || is_close(c);
    let is_edge = |c: char| c.is_whitespace() || is_break(c) || is_comma(c) || is_stop(c);
    let mut label = None;
    let mut start = lead.start;
    while start < lead.end {
        let stop = find(&text[..lead.end], start, is_break);
        let (end, next) = stop.map_or((lead.end, lead.end), |s| (s.start, s.end));
        let piece = text[start..end].trim_start_matches(|c| is_edge(c) || is_colon(c));
        let from = end - piece.len();
        let piece = piece.trim_end_matches(|c: char| c.is_whitespace() || is_colon(c));
        if !piece.is_empty()
            && let Some(earlier) = label.replace(from..from + piece.len())
        {
            unparsed.push(text[earlier].to_string());
        }
        start = next;
    }
    label
}

struct Numbers {
    found: Vec<(f32, Range<usize>)>,
    /// Where the run of numbers and separators ends, blanks included.
    end: usize,
}

/// Reads numbers from byte `start` on, up to the first character that can't be part of a list.
fn read_numbers(text: &str, start: usize) -> Numbers {
    let bytes = text.as_bytes();
    let mut found = Vec::new();
    let mut end = start;
    while let Some(c) = text[end..].chars().next() {
        let number = number_len(&bytes[end..]);
        if number > 0 {
            let span = end..end + number;
            end = span.end;
            // The span is digits with at most one sign and one point: this can't fail.
            if let Ok(value) = text[span.clone()].parse::<f32>() {
                found.push((value.clamp(0.0, f32::from(COORD_MAX)), span));
            }
        } else if c.is_whitespace() || is_comma(c) {
            end += c.len_utf8();
        } else {
            break;
        }
    }
    Numbers { found, end }
}

/// Bytes of the number at the start of `bytes`, 0 where there is none.
fn number_len(bytes: &[u8]) -> usize {
    let digits = |from: usize| {
        bytes[from..]
            .iter()
            .take_while(|b| b.is_ascii_digit())
            .count()
    };
    let sign = usize::from(matches!(bytes.first(), Some(b'-' | b'+')));
    let whole = digits(sign);
    if whole == 0 {
        return 0;
    }
    let end = sign + whole;
    match bytes.get(end) {
        Some(b'.') if digits(end + 1) > 0 => end + 1 + digits(end + 1),
        _ => end,
    }
}

/// The first character from byte `from` on for which `test` holds, as a byte range.
fn find(text: &str, from: usize, test: impl Fn(char) -> bool) -> Option<Range<usize>> {
    let (at, c) = text[from..].char_indices().find(|(_, c)| test(*c))?;
    Some(from + at..from + at + c.len_utf8())
}

fn is_open(c: char) -> bool {
    matches!(c, '[' | '【' | '［')
}

fn is_close(c: char) -> bool {
    matches!(c, ']' | '】' | '］')
}

fn is_comma(c: char) -> bool {
    matches!(c, ',' | '，' | '、')
}

fn is_stop(c: char) -> bool {
    matches!(c, '.' | '。')
}

fn is_colon(c: char) -> bool {
    matches!(c, ':' | '：')
}

#[cfg(test)]
mod tests;

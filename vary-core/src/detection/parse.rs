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
    /// `x1, y1, x2, y2` in 0..=1000 of the image's width and height, `x1 <= x2` and `y1 <= y2`.
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
    /// `spans` are the bytes of the text that each token covers, in order, `log_probs` the natural
    /// logarithms of the tokens' probabilities. Brackets and commas are left out, they are all but
    /// certain. 0 where a coordinate has no token.
    pub fn score(&self, spans: &[Range<usize>], log_probs: &[f32]) -> f32 {
        let log_prob = |part: &Range<usize>| {
            let first = spans.partition_point(|span| span.end <= part.start);
            let tokens = spans.iter().zip(log_probs).skip(first);
            tokens
                .take_while(|(span, _)| span.start < part.end)
                .filter(|(span, _)| !span.is_empty() && !part.is_empty())
                .map(|(_, log_prob)| f64::from(*log_prob))
                .reduce(|sum, log_prob| sum + log_prob)
        };
        let coords: Option<Vec<f64>> = self.coord_spans.iter().map(log_prob).collect();
        let Some(coords) = coords else { return 0.0 };
        let label = log_prob(&self.label_span).unwrap_or(0.0);
        (label + coords.iter().sum::<f64>() / coords.len() as f64).exp() as f32
    }
}

/// Reads the boxes in a model's answer. Never fails, whatever the text is.
///
/// ```
/// # use vary_core::detection::parse_answer;
/// let parsed = parse_answer("car: [009, 552, 058, 737],\n[682, 598, 999, 976].");
/// assert_eq!(parsed.boxes.len(), 2);
/// assert_eq!(parsed.boxes[1].label, "car");
/// assert_eq!(parsed.boxes[1].coords, [682.0, 598.0, 999.0, 976.0]);
/// ```
///
/// It accepts the format of [`format_answer`](super::format_answer) and common deviations:
/// numbers without padding or with decimals, any or no blanks, a missing full stop, full-width
/// punctuation and brackets, brackets around a list of boxes, and boxes without a label. Swapped
/// corners are put in order and numbers outside 0..=1000 clamped. A bracket with more or fewer
/// than four numbers, with other content, or cut off by the end of the text is returned in
/// [`ParsedAnswer::unparsed`]. A box without a label of its own has that of the box before it.
pub fn parse_answer(text: &str) -> ParsedAnswer {
    let mut parser = AnswerParser::default();
    let boxes = parser.push(text);
    ParsedAnswer {
        boxes,
        unparsed: parser.finish(),
    }
}

/// [`parse_answer`] for a text that arrives in pieces. Each character is read once.
#[derive(Debug, Clone, Default)]
pub struct AnswerParser {
    text: String,
    state: State,
    label: Range<usize>,
    unparsed: Vec<String>,
}

/// Where the parser is in the text.
#[derive(Debug, Clone)]
enum State {
    /// Between boxes, from this byte on.
    Lead(usize),
    /// Inside brackets.
    Bracket(Bracket),
}

impl Default for State {
    fn default() -> Self {
        Self::Lead(0)
    }
}

/// An open bracket and what follows it.
#[derive(Debug, Clone)]
struct Bracket {
    /// Where the bracket is.
    start: usize,
    /// Whether nothing but blanks has followed.
    blank: bool,
    numbers: Vec<(f32, Range<usize>)>,
    /// The number that the text is in, from this byte on.
    number: Option<usize>,
    /// Where something that is neither a number nor a separator begins.
    garbage: Option<usize>,
}

impl Bracket {
    fn new(start: usize) -> Self {
        Self {
            start,
            blank: true,
            numbers: vec![],
            number: None,
            garbage: None,
        }
    }

    /// Ends the numbers before byte `end`. Anything but a number is garbage.
    fn end_number(&mut self, text: &str, end: usize) {
        let Some(mut start) = self.number.take() else {
            return;
        };
        while start < end {
            let span = start..start + number_len(&text.as_bytes()[start..end]);
            // The span is digits with at most one sign and one point, or empty.
            let Ok(value) = text[span.clone()].parse::<f32>() else {
                self.garbage = Some(start);
                return;
            };
            start = span.end;
            let value = value.clamp(0.0, f32::from(COORD_MAX));
            self.numbers.push((value, span));
        }
    }
}

impl AnswerParser {
    /// Adds text and returns the boxes that it completes. Spans count from the beginning of all
    /// text.
    pub fn push(&mut self, text: &str) -> Vec<ParsedBox> {
        let from = self.text.len();
        self.text.push_str(text);
        let mut boxes = vec![];
        for (at, c) in text.char_indices() {
            boxes.extend(self.next(from + at, c));
        }
        boxes
    }

    /// Ends the text and returns the pieces of it that are neither a box nor its label, without
    /// blanks around them.
    pub fn finish(mut self) -> Vec<String> {
        let end = self.text.len();
        let lead = match std::mem::take(&mut self.state) {
            State::Lead(start) => start,
            State::Bracket(mut bracket) => {
                bracket.end_number(&self.text, end);
                self.discard(bracket, end)
            }
        };
        if let Some(rest) = split_lead(&self.text, lead..end, &mut self.unparsed) {
            self.unparsed.push(self.text[rest].to_string());
        }
        self.unparsed
    }

    fn next(&mut self, at: usize, c: char) -> Option<ParsedBox> {
        match &mut self.state {
            State::Lead(start) if is_open(c) => {
                let lead = *start..at;
                self.open(lead);
                None
            }
            State::Lead(_) => None,
            State::Bracket(bracket) => {
                if is_open(c) || is_close(c) {
                    return self.bracket(at, c);
                }
                if bracket.garbage.is_some() {
                    return None;
                }
                let separates = c.is_whitespace() || is_comma(c);
                bracket.blank &= c.is_whitespace();
                if separates {
                    bracket.end_number(&self.text, at);
                } else if c.is_ascii_digit() || matches!(c, '.' | '-' | '+') {
                    bracket.number.get_or_insert(at);
                } else {
                    bracket.end_number(&self.text, at);
                    bracket.garbage.get_or_insert(at);
                }
                None
            }
        }
    }

    /// A bracket inside a bracket.
    fn bracket(&mut self, at: usize, c: char) -> Option<ParsedBox> {
        let State::Bracket(mut bracket) = std::mem::take(&mut self.state) else {
            return None;
        };
        bracket.end_number(&self.text, at);
        let end = at + c.len_utf8();
        if is_open(c) {
            if bracket.blank && bracket.garbage.is_none() {
                // Brackets around a list.
                self.state = State::Bracket(Bracket::new(at));
            } else {
                let lead = self.discard(bracket, at);
                self.open(lead..at);
            }
            return None;
        }
        self.state = State::Lead(end);
        let numbers = std::mem::take(&mut bracket.numbers);
        match (<[_; 4]>::try_from(numbers), bracket.garbage) {
            (Ok(found), None) => Some(to_box(&self.text, &self.label, found, bracket.start..end)),
            _ => {
                let text = self.text[bracket.start..end].trim();
                self.unparsed.push(text.to_string());
                None
            }
        }
    }

    /// Begins a bracket after what stands between it and the last one. The bracket itself is at
    /// the end of the range.
    fn open(&mut self, lead: Range<usize>) {
        let start = lead.end;
        if let Some(own) = split_lead(&self.text, lead, &mut self.unparsed) {
            self.label = own;
        }
        self.state = State::Bracket(Bracket::new(start));
    }

    /// Gives up a bracket that nothing closes before byte `end`, and returns where the text after
    /// its numbers begins.
    fn discard(&mut self, bracket: Bracket, end: usize) -> usize {
        let end = bracket.garbage.unwrap_or(end);
        let text = self.text[bracket.start..end].trim();
        self.unparsed.push(text.to_string());
        end
    }
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
